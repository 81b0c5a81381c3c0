import FleetClient
import MCP

/// The agents that a free text matches best, and how each matched.
let findAgent = fleetTool(
    "find_agent", .reads,
    "Find agents by part of an id, host, ip, type or label; best matches first, near misses too. For conditions use list_agents.",
    .text("query", "e.g. web-17"),
    .count("limit", "", in: 1...20, default: 5)
) { fleet, _, query, limit in
    try await fleet.find(query, limit: limit).text(query: query)
}
