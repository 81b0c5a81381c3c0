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
    var types = try await fleet.commandTypes()
    var label: String?
    if let agent {
        let detail = try await fleet.agent(agent, include: [.capabilities])
        let taken = Set((detail.capabilities ?? []) + (detail.customCapabilities ?? []).map(bare))
        types.commandTypes.removeAll { type in type.capability.map { !taken.contains(bare($0)) } ?? false }
        label = detail.agent.label
    }
    guard let name else { return types.text(for: label) }
    guard let type = types.commandTypes.first(where: { $0.name == name }) else {
        let names = types.commandTypes.map { clean($0.name, limit: 60) }.joined(separator: ", ")
        let whom = label.map { " \($0) takes" } ?? ""
        throw ToolFailure("no command\(whom) is called \(clean(name, limit: 80))", try: "use one of: \(names)")
    }
    return type.text
}

/// A custom capability without the prefix that some agents write before it.
private func bare(_ capability: String) -> String {
    let prefix = "request:"
    return capability.hasPrefix(prefix) ? String(capability.dropFirst(prefix.utf8.count)) : capability
}
