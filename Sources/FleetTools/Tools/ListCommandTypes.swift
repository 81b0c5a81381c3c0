import FleetAPI
import FleetClient
import MCP

/// What can be sent to agents, or to one agent, and what proves that it was done.
let listCommandTypes = fleetTool(
    "list_command_types", .reads,
    "List the commands that agents take; with name also the parameters.",
    .optionalText("agent", "only what this agent takes"),
    .optionalText("name", "one command")
) { fleet, _, agent, name in
    let types = try await fleet.commandTypes(for: agent)
    let whom = agent.map { clean($0, limit: 80) }
    guard let name else { return types.text(for: whom) }
    guard let type = types.commandTypes.first(where: { $0.name == name }) else {
        let names = types.commandTypes.map { clean($0.name, limit: 60) }.joined(separator: ", ")
        let taken = whom.map { " that \($0) takes" } ?? ""
        throw ToolFailure("no command\(taken) is called \(clean(name, limit: 80))", try: "use one of: \(names)")
    }
    return type.text
}
