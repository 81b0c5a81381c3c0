import FleetAPI
import FleetClient
import MCP

/// What became of a command: of one by its id, or of the newest to an agent.
let commandStatus = fleetTool(
    "command_status", .reads,
    "State and outcome of a command and who asked for it: by command_id, or the newest of an agent. Can wait.",
    .optionalText("command_id", ""),
    .optionalText("agent", "id, host or service instance id"),
    .waitSeconds(default: 0)
) { fleet, call, id, agent, wait in
    let action = Action(client: fleet, call: call)
    switch (id, agent) {
    case (let id?, nil):
        let command = try await fleet.command(id)
        return try await action.outcome(of: command, waitSeconds: wait) + "\n" + command.origin
    case (nil, let agent?):
        let page = try await fleet.commands(agent: agent, limit: 10)
        guard let newest = page.commands.first else {
            return
                "no command was ever asked for \(clean(agent, limit: 80)); restart_agent or send_command asks for one"
        }
        let text = try await action.outcome(of: newest, waitSeconds: wait) + "\n" + newest.origin
        let open = page.commands.dropFirst().filter { !$0.state.isFinal }
        guard !open.isEmpty else { return text }
        return ([text, "also open:"] + commandTable(Array(open), asOf: page.asOf).lines).joined(separator: "\n")
    default:
        throw ToolFailure("command_status needs one of command_id and agent", try: "give exactly one")
    }
}
