import FleetAPI
import HTTPTypes
import JSON
import ServiceLifecycle

extension Route {
    /// Commands: what can be sent, sending, outcome, withdrawal.
    static let commands = [
        Route(
            .get, "/api/v1/command-types", "What can be sent, and how many agents take it.",
            .text("agent", "only what this agent takes"), answers: [.ok(CommandTypes.self)], refusals: [404, 409]
        ) { call, agent in
            Answer(json: try call.fleet.commandTypes(agent: agent).json)
        },
        Route(
            .post, "/api/v1/agents/{ref}/commands",
            "Asks one agent for something; the answer is the command, whose outcome comes later.", .agent,
            .body(CommandRequest.self, example: #"{"command": "restart", "expires_seconds": 300}"#), .idempotencyKey,
            for: .operator,
            answers: [.accepted(Command.self, .location)], refusals: [404, 409, 422]
        ) { call, agent, request, key in
            try call.needRole(forCommand: request.command)
            let command = try await call.fleet.queue(request, for: agent, caller: call.caller, idempotencyKey: key)
            return Answer(
                status: .accepted, json: command.json, fields: [.location: "/api/v1/commands/\(command.id)"])
        },
        Route(
            .get, "/api/v1/commands", "Commands, the newest first.", .text("agent", "only those for this agent"),
            .choice("state", "only those in this state", CommandState.self),
            .text("operation", "only those of the operation with this id"), .pageSize, .cursor,
            answers: [.ok(CommandPage.self)], refusals: [404, 409]
        ) { call, agent, state, operation, limit, cursor in
            let page = try await call.fleet.commands(
                agent: agent, state: state, operation: operation, limit: limit, cursor: cursor)
            return Answer(json: page.json)
        },
        Route(
            .get, "/api/v1/commands/{id}", "What became of a command; waits for its outcome when asked to.",
            .path("id", "from the answer that accepted it"), .waitSeconds, answers: [.ok(Command.self)],
            refusals: [404]
        ) { call, id, wait in
            // A provider that stops answers with the state known then.
            try await cancelWhenGracefulShutdown {
                Answer(json: try await call.fleet.command(id, wait: .seconds(wait)).json)
            }
        },
        Route(
            .delete, "/api/v1/commands/{id}", "Withdraws a command that has not been sent.",
            .path("id", "from the answer that accepted it"), for: .operator, answers: [.ok(Command.self)],
            refusals: [404, 409]
        ) { call, id in
            Answer(json: try await call.fleet.cancel(id, caller: call.caller).json)
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
}

extension Input where Value == Int {
    /// How long a request may wait for the end of a command.
    static var waitSeconds: Input {
        integer("wait_seconds", "how long to wait for the end", in: 0...45, default: 0)
    }
}

extension HTTPField.Name {
    /// Parsed once; the name is a valid token.
    static let idempotencyKey = HTTPField.Name("Idempotency-Key").unsafelyUnwrapped
}
