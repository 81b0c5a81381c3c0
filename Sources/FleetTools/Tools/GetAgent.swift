import FleetClient
import MCP

/// One agent in depth, by sections.
let getAgent = fleetTool(
    "get_agent", .reads,
    "One agent: identity, config state, unhealthy components, last commands and events.",
    .agent,
    .list(
        "sections", "default: summary, health, commands, events", of: DetailSection.allCases.map(\.rawValue),
        atMost: DetailSection.allCases.count
    )
) { fleet, _, agent, names in
    let asked = DetailSection.allCases.filter { names.contains($0.rawValue) }
    let sections = asked.isEmpty ? DetailSection.standard : asked
    return try await fleet.agent(agent, include: sections.map(\.source)).text(asked)
}
