import FleetAPI

extension AgentPage {
    /// - Parameters:
    ///   - columns: those asked for; the standard ones when empty.
    ///   - summary: of the same agents, for the first line; nil on later pages.
    func text(columns: [AgentColumn] = [], summary: FleetSummary?) -> String {
        let plain = matched == total ? agentCount(total) : "\(matched) of \(agentCount(total))"
        var lines = ["\(summary?.headline ?? plain); \(clock(asOf))"]
        lines += agentTable(agents, columns, asOf: asOf).lines
        if let next {
            lines.append("… \(agents.count) rows of \(matched); next page: cursor=\(clean(next, limit: 500))")
        }
        return lines.joined(separator: "\n")
    }
}

extension AgentMatches {
    func text(query: String) -> String {
        let sought = "\"\(clean(query, limit: 80))\""
        guard let best = matches.first else {
            return total == 0
                ? nothingFound(filter: nil, total: 0, asOf: asOf)
                : "no agent of \(total) matches \(sought) by id, service instance id, host, ip, type or label; "
                    + "try a shorter part, or list_agents"
        }
        // Whatever is called exactly that is meant; the rest is only counted, if it is known that there is no more.
        let exact = matches.filter { $0.quality == "exact" }
        if !exact.isEmpty, exact.count < matches.count {
            var found = self
            (found.matches, found.matched) = (exact, exact.count)
            let word = query.contains { " :|\"*<>".contains($0) } ? "" : " filter=\(clean(query, limit: 80))"
            return found.text(query: query)
                + "\n… \(matched - exact.count) more match in part: list_agents\(word)"
        }
        let how = { (match: Match) in "\(clean(match.field, limit: 24)) \(clean(match.quality, limit: 12))".trimmed }
        let agreed = matches.allSatisfy { how($0) == how(best) }
        var line = "\(matched) of \(agentCount(total)) \(matched == 1 ? "matches" : "match") \(sought)"
        if matches.allSatisfy({ $0.quality == "near" }) { line = "nothing matches \(sought) exactly; nearest" }
        if agreed { line += " (\(how(best)))" }
        line += "; \(clock(asOf))"
        let table = agentTable(matches.map(\.agent), asOf: asOf)
        let match = Table.Column(name: "match", isHoisted: false)
        let whole =
            agreed
            ? table
            : Table(
                columns: table.columns + [match],
                rows: zip(table.rows, matches).map { row, found in row + [how(found)] })
        let more = matched > matches.count ? ["… \(matched - matches.count) more; raise limit, or list_agents"] : []
        return ([line] + whole.lines + more).joined(separator: "\n")
    }
}

extension String {
    /// Without spaces at either end.
    var trimmed: String {
        let start = drop { $0 == " " }
        return String(start[..<(start.lastIndex { $0 != " " }.map(start.index(after:)) ?? start.startIndex)])
    }
}
