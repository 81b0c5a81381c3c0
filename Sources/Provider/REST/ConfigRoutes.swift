import FleetAPI
import HTTPTypes
import JSON

extension Route {
    /// The most bytes of a body that holds a configuration.
    static let configBodyLimit = 4 << 20

    /// The configuration of an agent: what it runs, what is desired, what was.
    static let configs = [
        Route(.get, "/api/v1/agents/{ref}/config", ["which"]) { call in
            let names = try call.query.list("which", of: AgentConfig.Part.allCases.map(\.rawValue))
            let parts = names?.compactMap(AgentConfig.Part.init(rawValue:)) ?? AgentConfig.Part.allCases
            let revision = try call.fleet.desiredRevision(call.arguments[0])
            let config = try await call.fleet.config(call.arguments[0], Set(parts))
            return Answer(json: config.json, fields: [.eTag: IfMatch.tag(of: config.desired?.revision ?? revision)])
        },
        Route(.put, "/api/v1/agents/{ref}/config", for: .admin, bodyLimit: configBodyLimit) { call in
            accepted(
                try await call.fleet.offerConfig(
                    try call.object(ConfigRequest.self), to: call.arguments[0], ifMatch: try IfMatch(call.fields),
                    caller: call.caller))
        },
        Route(.delete, "/api/v1/agents/{ref}/config", for: .admin) { call in
            let uid = try call.fleet.view(call.arguments[0]).record.uid
            try await call.fleet.withdraw(.config, from: uid, ifMatch: try IfMatch(call.fields), caller: call.caller)
            return Answer(status: .noContent, fields: [.eTag: IfMatch.tag(of: 0)])
        },
        Route(.get, "/api/v1/agents/{ref}/config/revisions", ["limit", "cursor"]) { call in
            let page = try await call.fleet.revisions(
                call.arguments[0], limit: try call.query.number("limit", in: pageSizes, default: defaultPageSize),
                cursor: call.query["cursor"])
            return Answer(json: page.json)
        },
        Route(.get, "/api/v1/agents/{ref}/config/revisions/{number}") { call in
            guard let number = Int(call.arguments[1]), number > 0 else {
                throw Problem.badRequest(
                    field: "number", value: call.arguments[1], "a revision is a whole number from 1")
            }
            return Answer(json: try await call.fleet.revision(number, of: call.arguments[0]).json)
        },
        Route(.post, "/api/v1/agents/{ref}/config/rollback", for: .admin) { call in
            accepted(
                try await call.fleet.rollBack(
                    try call.object(RollbackRequest.self), of: call.arguments[0], ifMatch: try IfMatch(call.fields),
                    caller: call.caller))
        },
        Route(.post, "/api/v1/agents/{ref}/config/retry", for: .admin) { call in
            let request = call.body.isEmpty ? RetryRequest() : try call.object(RetryRequest.self)
            return accepted(
                try await call.fleet.retryConfig(
                    request, of: call.arguments[0], ifMatch: try IfMatch(call.fields), caller: call.caller))
        },
    ]

    /// The command that carries an offer: 200 when nothing had to be done.
    static func accepted(_ command: Command) -> Answer {
        var fields: HTTPFields = [.location: "/api/v1/commands/\(command.id)"]
        if let revision = command.offeredRevision { fields[.eTag] = IfMatch.tag(of: revision) }
        return Answer(status: command.state == .confirmed ? .ok : .accepted, json: command.json, fields: fields)
    }
}
