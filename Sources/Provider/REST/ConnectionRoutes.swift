import FleetAPI
import HTTPTypes
import JSON

extension Route {
    /// How agents connect, and how often they report.
    static let connections = [
        Route(
            .get, "/api/v1/agents/{ref}/connection-settings",
            "How an agent is to connect, and what it said of that; secrets are masked.", .agent, .unmasked,
            answers: [.ok(AgentConnection.self, .eTag)], refusals: [404, 409, 507]
        ) { call, agent, unmasked in
            let connection = try await call.fleet.connection(
                agent, isUnmasked: try await call.shows(unmasked, "connection settings", of: agent))
            return Answer(json: connection.json, fields: [.eTag: IfMatch.tag(of: connection.desired?.revision ?? 0)])
        },
        Route(
            .put, "/api/v1/agents/{ref}/connection-settings",
            "Offers an agent how to connect; it replaces what was desired before.", .agent,
            .body(ConnectionSettings.self, example: #"{"headers": {"X-Site": "hamburg"}, "heartbeat_seconds": 30}"#),
            .ifMatch, .idempotencyKey, for: .admin, answers: offerAnswers,
            refusals: [404, 409, 412, 422]
        ) { call, agent, settings, ifMatch, key in
            accepted(
                try await call.fleet.offerConnection(
                    settings, to: agent, ifMatch: ifMatch, caller: call.caller, idempotencyKey: key))
        },
        Route(
            .delete, "/api/v1/agents/{ref}/connection-settings",
            "Desires no connection settings any more; the agent keeps what it has.", .agent, .ifMatch, for: .admin,
            answers: [.noContent(.eTag)], refusals: [404, 409, 412]
        ) { call, agent, ifMatch in
            let uid = try call.fleet.view(agent).record.uid
            try await call.fleet.withdraw(.settings, from: uid, ifMatch: ifMatch, caller: call.caller)
            return Answer(status: .noContent, fields: [.eTag: IfMatch.tag(of: 0)])
        },
        Route(
            .post, "/api/v1/agents/{ref}/connection-settings/retry",
            "Offers the desired connection settings again after they failed.", .agent,
            .optionalBody(RetryRequest.self, example: #"{"confirm_seconds": 120}"#), .ifMatch, .idempotencyKey,
            for: .admin, answers: offerAnswers,
            refusals: [404, 409, 412, 422]
        ) { call, agent, request, ifMatch, key in
            accepted(
                try await call.fleet.retryConnection(
                    request, of: agent, ifMatch: ifMatch, caller: call.caller, idempotencyKey: key))
        },
        Route(
            .put, "/api/v1/agents/{ref}/heartbeat",
            "Offers an agent an interval of heartbeats; 204 when null withdraws it and nothing else is desired.",
            .agent, .body(HeartbeatRequest.self, example: #"{"seconds": 30}"#), .ifMatch, .idempotencyKey, for: .admin,
            answers: offerAnswers + [.noContent(.eTag)],
            refusals: [404, 409, 412, 422]
        ) { call, agent, request, ifMatch, key in
            let command = try await call.fleet.offerHeartbeat(
                request, to: agent, ifMatch: ifMatch, caller: call.caller, idempotencyKey: key)
            return command.map { accepted($0) } ?? Answer(status: .noContent, fields: [.eTag: IfMatch.tag(of: 0)])
        },
    ]
}
