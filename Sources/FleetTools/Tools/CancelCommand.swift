import FleetAPI
import FleetClient
import MCP

/// Withdraws a command that has not been handed over, or what is left of a bulk one.
let cancelCommand = fleetTool(
    "cancel_command", .changes(destructive: false, idempotent: true),
    "Withdraw a command while it is queued; of a bulk one, what has not been sent.",
    .text("command_id", "from the answer that queued it")
) { fleet, call, id in
    switch try await fleet.asked(id, or: "refused: ") {
    case .command(let command):
        // What is withdrawn already is what was asked for.
        if command.state == .cancelled { return command.outcome }
        return try await call.act(on: [command.instanceUID]) { try await fleet.cancelCommand(id).outcome }
    case .operation(let operation):
        if operation.state == .cancelled { return operation.outcome }
        return try await call.act(on: [operation.id]) { try await fleet.cancelOperation(id).outcome }
    }
}
