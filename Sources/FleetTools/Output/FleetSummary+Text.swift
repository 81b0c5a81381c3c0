import FleetAPI

extension FleetSummary {
    /// `50 agents: 47 healthy, 1 unhealthy, 2 stale`; `of` the fleet where a filter left some out.
    var headline: String {
        let (disconnected, stale) = (status["disconnected"] ?? 0, status["stale"] ?? 0)
        let silent = max(0, (health["unknown"] ?? 0) - disconnected - stale)
        let counts = [
            (health["healthy"] ?? 0, "healthy"), (health["unhealthy"] ?? 0, "unhealthy"),
            (silent, "connected without health"), (stale, "stale"), (disconnected, "disconnected"),
            (configFailed, "with a failed config"), (pending, "pending approval"),
        ]
        let told = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
        let of = matched == total ? agentCount(total) : "\(matched) of \(agentCount(total))"
        return told.isEmpty ? of : "\(of): \(told)"
    }

    /// The groups as rows, the largest first; how many have a problem is said unless none has or all have.
    ///
    /// - Parameter limit: the most rows.
    func groupLines(atMost limit: Int) -> [String] {
        guard !groups.isEmpty else { return [] }
        let hasProblems = groups.contains { $0.problems > 0 } && groups.contains { $0.problems < $0.count }
        let columns = groupBy.map { Table.Column(name: clean($0, limit: 40), limit: 80, isHoisted: false) }
        let counts = ["agents"] + (hasProblems ? ["problems"] : [])
        let table = Table(
            columns: columns + counts.map { Table.Column(name: $0, isHoisted: false) },
            rows: groups.prefix(limit).map { group in
                let values = group.values + Array(repeating: "", count: max(0, groupBy.count - group.values.count))
                return values.prefix(groupBy.count) + ["\(group.count)"] + (hasProblems ? ["\(group.problems)"] : [])
            }
        )
        let more = max(groupsTotal, groups.count) - min(limit, groups.count)
        return table.lines + (more > 0 ? ["… \(more) more groups; narrow with filter="] : [])
    }

    /// The whole answer of a summary that counts at least one agent.
    ///
    /// - Parameter errors: the unhealthy agents grouped by error, where these were asked for too.
    func text(groupLimit: Int, errors: FleetSummary? = nil) -> String {
        var lines = ["\(headline); \(clock(asOf))"]
        if let errors { lines += errors.groupLines(atMost: 3) }
        return (lines + groupLines(atMost: groupLimit)).joined(separator: "\n")
    }
}
