import FleetAPI
import FleetClient
import MCP

/// A page of the inventory, with the counts of all that the filter matches in the first line.
let listAgents = fleetTool(
    "list_agents", .reads,
    "List agents as rows: id, host, type, version, state, last seen, error. To count, use fleet_summary.",
    .optionalText(
        "filter",
        "terms that must all match: problem:any host:web-* label.env:prod|staging -status:stale last_seen>5m; "
            + "keys: type version host ip os status health problem error config capability label.NAME attr.NAME"),
    .list("fields", "columns besides id", of: AgentColumn.all.dropFirst().map(\.name), atMost: 12),
    .optionalText("sort", "a column, - for descending: -seen"),
    .count("limit", "", in: 1...200, default: 20),
    .optionalText("cursor", "from the answer before")
) { fleet, _, filter, names, sort, limit, cursor in
    let columns = AgentColumn.named(names)
    async let summary = cursor == nil ? fleet.summary(filter: filter) : nil
    let page = try await fleet.agents(
        filter: filter, fields: (columns.isEmpty ? AgentColumn.standard : columns).flatMap(\.fields),
        sort: sort.map(AgentColumn.sortKey), limit: limit,
        cursor: cursor
    )
    let counts = try await summary
    guard !page.agents.isEmpty else {
        return try await fleet.nothing(matching: cursor == nil ? filter : nil, total: page.total, asOf: page.asOf)
    }
    return page.text(columns: columns, summary: counts)
}
