import FleetAPI
import FleetClient
import MCP

/// What became of a command: of one by its id, of a bulk one by its id, or of the newest to an agent.
let commandStatus = fleetTool(
    "command_status", .reads,
    "Outcome of a command and who asked for it: by command_id (one agent's or bulk), or the newest of an agent. Can wait.",
    .optionalText("command_id", ""),
    .optionalText("agent", "id, host or service instance id"),
    .waitSeconds(default: 0)
) { fleet, call, id, agent, wait in
    let action = Action(client: fleet, call: call)
    switch (id, agent) {
    case (let id?, nil):
        switch try await fleet.asked(id) {
        case .command(let command):
            return try await action.outcome(of: command, waitSeconds: wait) + "\n" + command.origin
        case .operation(let operation):
            return try await action.outcome(of: operation, waitSeconds: wait) + "\n" + operation.origin
        }
    case (nil, let agent?):
        let page = try await fleet.commands(agent: agent, limit: 10)
        guard let newest = page.commands.first else {
            return
                "no command was ever asked for \(clean(agent, limit: 80)); restart_agent or send_command asks for one"
        }
        let text = try await action.outcome(of: newest, waitSeconds: wait) + "\n" + newest.origin
        let open = page.commands.dropFirst().filter { !$0.state.isFinal }
        guard !open.isEmpty else { return text }
        let more = open.count > 3 ? ["… \(open.count - 3) more"] : []
        return ([text, "also open:"] + commandTable(Array(open.prefix(3)), asOf: page.asOf).lines + more)
            .joined(separator: "\n")
    default:
        throw ToolFailure(
            "command_status needs one of command_id and agent", try: "give exactly one, for example agent: \"web-17\"")
    }
}

/// What an id of a command stands for.
enum AskedFor {
    case command(Command)
    /// One command for many agents.
    case operation(FleetOperation)
}

extension FleetClient {
    /// The command with this id, or the operation.
    ///
    /// - Parameter prefix: what stands before the reason where there is neither.
    func asked(_ id: String, or prefix: String = "") async throws -> AskedFor {
        do {
            return .command(try await command(id))
        } catch let error as FleetError where error.isNotFound {
            do {
                return .operation(try await operation(id))
            } catch let second as FleetError where second.isNotFound {
                throw ToolFailure(
                    "\(prefix)no command and no bulk command has the id \(clean(id, limit: 80))",
                    try: "copy command_id from the answer that queued it, or give agent instead")
            }
        }
    }
}
