import FleetAPI
import FleetClient
import MCP

/// What happened, newest first, with the counts by kind in the first line.
let listEvents = fleetTool(
    "list_events", .reads,
    "What happened to agents, newest first: restarts, health, connections, configuration, approvals.",
    .optionalText("agent", "only this one"),
    .optionalText("filter", "agents, as in list_agents"),
    .optionalText("kind", "such as unhealthy|restarted|config_failed"),
    .text("since", "age or time: 30m, 7d, 2026-11-23T10:00:00Z", default: "1h"),
    .count("limit", "", in: 1...200, default: 20),
    .optionalText("cursor", "from the answer before")
) { fleet, _, agent, filter, kind, since, limit, cursor in
    let kinds = kind.map { $0.split { "|, ".contains($0) }.map { $0.lowercased() } } ?? []
    if let wrong = kinds.first(where: { !FleetEvent.kinds.contains($0) }) {
        throw ToolFailure(
            "list_events: there is no kind \(clean(wrong, limit: 80))",
            try: "use one or more of: \(FleetEvent.kinds.joined(separator: "|")); for example kind=unhealthy|stale")
    }
    let page = try await fleet.events(
        agent: agent, filter: filter, kinds: kinds, since: since, isCounted: cursor == nil, limit: limit, cursor: cursor
    )
    let asked = EventQuestion(agent: agent, filter: filter, kinds: kinds, since: since)
    return page.text(asked)
}
