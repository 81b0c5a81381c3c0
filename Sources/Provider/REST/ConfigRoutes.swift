import FleetAPI
import HTTPTypes
import JSON

extension Route {
    /// The most bytes of a body that holds a configuration.
    static let configBodyLimit = 4 << 20

    /// The configuration of an agent: what it runs, what is desired, what was.
    static let configs = [
        Route(
            .get, "/api/v1/agents/{ref}/config",
            "What an agent runs on, what is desired of it and what it said of that; secrets are masked.", .agent,
            .list("which", "only these parts", of: AgentConfig.Part.self), .unmasked,
            answers: [.ok(AgentConfig.self, .eTag)], refusals: [404, 409, 507]
        ) { call, agent, parts, unmasked in
            let revision = try call.fleet.desiredRevision(agent)
            let config = try await call.fleet.config(
                agent, Set(parts ?? AgentConfig.Part.allCases),
                isUnmasked: try await call.shows(unmasked, "config", of: agent))
            return Answer(json: config.json, fields: [.eTag: IfMatch.tag(of: config.desired?.revision ?? revision)])
        },
        Route(
            .put, "/api/v1/agents/{ref}/config",
            "Offers an agent a configuration; 200 when it runs on it already.", .agent,
            .body(
                ConfigRequest.self, example: #"{"files": {"fluent-bit.conf": {"content": "[SERVICE]\n    flush 5\n"}}}"#
            ),
            .ifMatch, .idempotencyKey, for: .admin, bodyLimit: configBodyLimit, answers: offerAnswers,
            refusals: [404, 409, 412, 422]
        ) { call, agent, request, ifMatch, key in
            accepted(
                try await call.fleet.offerConfig(
                    request, to: agent, ifMatch: ifMatch, caller: call.caller, idempotencyKey: key))
        },
        Route(
            .delete, "/api/v1/agents/{ref}/config",
            "Desires no configuration any more; the agent keeps what it has.", .agent, .ifMatch, for: .admin,
            answers: [.noContent(.eTag)], refusals: [404, 409, 412]
        ) { call, agent, ifMatch in
            let uid = try call.fleet.view(agent).record.uid
            try await call.fleet.withdraw(.config, from: uid, ifMatch: ifMatch, caller: call.caller)
            return Answer(status: .noContent, fields: [.eTag: IfMatch.tag(of: 0)])
        },
        Route(
            .get, "/api/v1/agents/{ref}/config/revisions", "The configurations offered to an agent, the newest first.",
            .agent, .pageSize, .cursor, answers: [.ok(ConfigRevisionPage.self)], refusals: [404, 409]
        ) { call, agent, limit, cursor in
            Answer(json: try await call.fleet.revisions(agent, limit: limit, cursor: cursor).json)
        },
        Route(
            .get, "/api/v1/agents/{ref}/config/revisions/{number}",
            "One configuration that was offered, with its contents; secrets are masked.", .agent, .revision, .unmasked,
            answers: [.ok(ConfigRevision.self)], refusals: [404, 409, 507]
        ) { call, agent, number, unmasked in
            let isUnmasked = try await call.shows(unmasked, "revision \(number)", of: agent)
            return Answer(json: try await call.fleet.revision(number, of: agent, isUnmasked: isUnmasked).json)
        },
        Route(
            .post, "/api/v1/agents/{ref}/config/rollback", "Offers an agent an earlier configuration again.", .agent,
            .body(RollbackRequest.self, example: #"{"revision": 1}"#), .ifMatch, .idempotencyKey, for: .admin,
            answers: offerAnswers,
            refusals: [404, 409, 412, 422]
        ) { call, agent, request, ifMatch, key in
            accepted(
                try await call.fleet.rollBack(
                    request, of: agent, ifMatch: ifMatch, caller: call.caller, idempotencyKey: key))
        },
        Route(
            .post, "/api/v1/agents/{ref}/config/retry", "Offers the desired configuration again after it failed.",
            .agent, .optionalBody(RetryRequest.self, example: #"{"confirm_seconds": 120}"#), .ifMatch, .idempotencyKey,
            for: .admin, answers: offerAnswers,
            refusals: [404, 409, 412, 422]
        ) { call, agent, request, ifMatch, key in
            accepted(
                try await call.fleet.retryConfig(
                    request, of: agent, ifMatch: ifMatch, caller: call.caller, idempotencyKey: key))
        },
    ]

    /// What an offer is answered with.
    static let offerAnswers: [Reply] = [
        .ok(Command.self, .location, .eTag), .accepted(Command.self, .location, .eTag),
    ]

    /// The command that carries an offer: 200 when nothing had to be done.
    static func accepted(_ command: Command) -> Answer {
        var fields: HTTPFields = [.location: "/api/v1/commands/\(command.id)"]
        if let revision = command.offeredRevision { fields[.eTag] = IfMatch.tag(of: revision) }
        return Answer(status: command.state == .confirmed ? .ok : .accepted, json: command.json, fields: fields)
    }
}

extension Input where Value == Int {
    /// The number of a revision in the path.
    fileprivate static var revision: Input {
        let declaration = InputDeclaration(.path, "number", "counts from 1 for each agent", isRequired: true) { _ in
            ["type": "integer", "minimum": 1]
        }
        return Input(declaration) { call throws(Problem) in
            let text = call[path: "number"]
            guard let number = Int(text), number > 0 else {
                throw .badRequest(field: "number", value: text, "a revision is a whole number from 1")
            }
            return number
        }
    }
}
