import FleetAPI
import FleetClient
import MCP

/// Totals of the fleet, or of the part that a filter matches, and counts by any attributes.
///
/// Without `group_by` agents are counted by type, and the unhealthy ones by error.
let fleetSummary = fleetTool(
    "fleet_summary", .reads,
    "Count agents by health and status, by any attribute, and by error. Start here.",
    .optionalText("filter", "e.g. type:fluent-bit health:unhealthy version<5.1"),
    .list("group_by", "type, version, host, os, status, health, error, label.NAME or any attribute", atMost: 3)
) { fleet, _, filter, groupBy in
    guard groupBy.isEmpty else {
        let summary = try await fleet.summary(filter: filter, groupBy: groupBy)
        guard summary.matched > 0 else {
            return try await fleet.nothing(matching: filter, total: summary.total, asOf: summary.asOf)
        }
        return summary.text(groupLimit: 20)
    }
    let summary = try await fleet.summary(filter: filter, groupBy: ["type"])
    guard summary.matched > 0 else {
        return try await fleet.nothing(matching: filter, total: summary.total, asOf: summary.asOf)
    }
    let unhealthy = summary.health["unhealthy"] ?? 0
    let sick = [filter, "health:unhealthy"].compactMap { $0 }.joined(separator: " ")
    let errors = unhealthy > 0 ? try await fleet.summary(filter: sick, groupBy: ["error"]) : nil
    return summary.text(groupLimit: 5, errors: errors)
}
