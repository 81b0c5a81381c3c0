import FleetAPI
import FleetClient
import MCP

/// One request to an agent: queued, and its outcome waited for.
struct Action {
    static let access = Access.changes(destructive: true, idempotent: false)
    /// The longest wait: clients give up on a call after a minute.
    static let waitAllowed = 0...45

    let client: FleetClient
    let call: ToolCall

    /// Queues a command and tells its state: the outcome if that is known in time.
    ///
    /// Where the same is open already, as a restart may be, that one is waited for and nothing is queued.
    func perform(_ request: CommandRequest, on agent: String, waitSeconds: Int) async throws -> String {
        try await call.act(on: [agent]) {
            do {
                return try await outcome(of: try await client.queue(request, for: agent), waitSeconds: waitSeconds)
            } catch let error as FleetError {
                guard let id = error.openCommandID else { throw error }
                let open = try await client.command(id)
                return try await outcome(of: open, waitSeconds: waitSeconds)
                    + "; was open already, nothing new was queued"
            }
        }
    }

    /// Waits until a command has ended, and tells its state. The command itself goes on when the wait is over.
    func outcome(of command: Command, waitSeconds: Int) async throws -> String {
        guard !command.state.isFinal, waitSeconds > 0 else { return command.outcome }
        let (id, client) = (command.id, client)
        do {
            // The provider ends the wait; the limit here is for one that does not.
            let later = try await call.waiting(atMost: .seconds(waitSeconds + 5), telling: command.outcome) {
                try await client.command(id, waitSeconds: waitSeconds)
            }
            // At the end of the input there is time for one more look.
            let now = if let later { later } else { try await client.command(id, timeout: .milliseconds(300)) }
            return now.outcome
        } catch let error as FleetError {
            return "\(command.outcome)\nits outcome could not be read: \(error.text)"
        }
    }
}

extension Action {
    /// Waits until an operation has ended, and tells how far it is. It goes on when the wait is over.
    func outcome(of operation: FleetOperation, waitSeconds: Int) async throws -> String {
        guard operation.state == .running, waitSeconds > 0 else { return operation.outcome }
        let (id, client) = (operation.id, client)
        do {
            let later = try await call.waiting(atMost: .seconds(waitSeconds + 5), telling: operation.outcome) {
                try await client.operation(id, waitSeconds: waitSeconds)
            }
            let now = if let later { later } else { try await client.operation(id, timeout: .milliseconds(300)) }
            return now.outcome
        } catch let error as FleetError {
            return "\(operation.outcome)\nhow far it is could not be read: \(error.text)"
        }
    }
}

extension Field where Value == Int {
    static var waitSeconds: Field { .waitSeconds(default: 20) }

    static func waitSeconds(default: Int) -> Field {
        .count("wait_seconds", "", in: Action.waitAllowed, default: `default`)
    }
}

extension Field where Value == String {
    static var agent: Field { .text("agent", "id, host or service instance id") }
}
