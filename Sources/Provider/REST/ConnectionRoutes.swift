import FleetAPI
import HTTPTypes
import JSON

extension Route {
    /// How agents connect, and how often they report.
    static let connections = [
        Route(.get, "/api/v1/agents/{ref}/connection-settings") { call in
            let connection = try await call.fleet.connection(call.arguments[0])
            return Answer(json: connection.json, fields: [.eTag: IfMatch.tag(of: connection.desired?.revision ?? 0)])
        },
        Route(.put, "/api/v1/agents/{ref}/connection-settings", for: .admin) { call in
            accepted(
                try await call.fleet.offerConnection(
                    try call.object(ConnectionSettings.self), to: call.arguments[0],
                    ifMatch: try IfMatch(call.fields), caller: call.caller))
        },
        Route(.delete, "/api/v1/agents/{ref}/connection-settings", for: .admin) { call in
            let uid = try call.fleet.view(call.arguments[0]).record.uid
            try await call.fleet.withdraw(.settings, from: uid, ifMatch: try IfMatch(call.fields), caller: call.caller)
            return Answer(status: .noContent, fields: [.eTag: IfMatch.tag(of: 0)])
        },
        Route(.put, "/api/v1/agents/{ref}/heartbeat", for: .admin) { call in
            let command = try await call.fleet.offerHeartbeat(
                try call.object(HeartbeatRequest.self), to: call.arguments[0], ifMatch: try IfMatch(call.fields),
                caller: call.caller)
            return command.map { accepted($0) } ?? Answer(status: .noContent, fields: [.eTag: IfMatch.tag(of: 0)])
        },
    ]
}
