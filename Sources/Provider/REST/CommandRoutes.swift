import FleetAPI
import HTTPTypes
import JSON
import ServiceLifecycle

extension Route {
    /// How long a request may wait for the end of a command.
    static let waitSeconds = 0...45

    /// Commands: what can be sent, sending, outcome, withdrawal.
    static let commands = [
        Route(.get, "/api/v1/command-types", ["agent"]) { call in
            Answer(json: try call.fleet.commandTypes(agent: call.query["agent"]).json)
        },
        Route(.post, "/api/v1/agents/{ref}/commands", for: .operator) { call in
            let request = try call.object(CommandRequest.self)
            try check(request.expiresSeconds, "expires_seconds", in: CommandRequest.expiresSecondsAllowed)
            try check(request.confirmSeconds, "confirm_seconds", in: CommandRequest.confirmSecondsAllowed)
            let command = try await call.fleet.queue(
                request, for: call.arguments[0], caller: call.caller, idempotencyKey: try idempotencyKey(call.fields))
            return Answer(
                status: .accepted, json: command.json, fields: [.location: "/api/v1/commands/\(command.id)"])
        },
        Route(.get, "/api/v1/commands", ["agent", "state", "operation", "limit", "cursor"]) { call in
            let page = try await call.fleet.commands(
                agent: call.query["agent"], state: try call.query.choice("state", CommandState.self),
                operation: call.query["operation"],
                limit: try call.query.number("limit", in: pageSizes, default: defaultPageSize),
                cursor: call.query["cursor"])
            return Answer(json: page.json)
        },
        Route(.get, "/api/v1/commands/{id}", ["wait_seconds"]) { call in
            let wait = Duration.seconds(try call.query.number("wait_seconds", in: waitSeconds, default: 0))
            // A provider that stops answers with the state known then.
            return try await cancelWhenGracefulShutdown {
                Answer(json: try await call.fleet.command(call.arguments[0], wait: wait).json)
            }
        },
        Route(.delete, "/api/v1/commands/{id}", for: .operator) { call in
            Answer(json: try await call.fleet.cancel(call.arguments[0], caller: call.caller).json)
        },
    ]

    /// The key under which a repeated request is the same request: 1 to 255 printable ASCII characters.
    static func idempotencyKey(_ fields: HTTPFields) throws(Problem) -> String? {
        let keys = fields[values: .idempotencyKey]
        guard let key = keys.first else { return nil }
        guard keys.count == 1, (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ (0x20...0x7e).contains($0) })
        else {
            throw .badRequest(
                field: "Idempotency-Key", value: key, "give one key of 1 to 255 printable ASCII characters")
        }
        return key
    }

    static func check(_ seconds: Int?, _ name: String, in allowed: ClosedRange<Int>) throws(Problem) {
        guard let seconds, !allowed.contains(seconds) else { return }
        let range = "\(allowed.lowerBound) to \(allowed.upperBound)"
        throw .badRequest(field: name, value: "\(seconds)", "\(name) must be \(range)", allowed: [range])
    }
}

extension HTTPField.Name {
    /// Parsed once; the name is a valid token.
    static let idempotencyKey = HTTPField.Name("Idempotency-Key").unsafelyUnwrapped
}
