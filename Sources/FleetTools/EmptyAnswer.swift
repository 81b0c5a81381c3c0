import FleetAPI
import FleetClient

extension FleetClient {
    /// What is told where a filter matches no agent: what was searched, what comes nearest, and the next step.
    func nothing(matching filter: String?, total: Int, asOf now: Timestamp) async throws -> String {
        guard let filter, total > 0 else { return nothingFound(filter: filter, total: total, asOf: now) }
        return nothingFound(filter: filter, total: total, nearest: try await nearest(to: filter), asOf: now)
    }

    /// The most terms that are tried to be left out.
    private static let termLimit = 5

    /// In words what would match instead; nil where nothing is known.
    private func nearest(to filter: String) async throws -> String? {
        let terms = filterTerms(filter)
        var found: [(term: String, count: Int)] = []
        for (index, term) in terms.enumerated().prefix(Self.termLimit) where terms.count > 1 {
            var rest = terms
            rest.remove(at: index)
            let count = try await summary(filter: rest.joined(separator: " ")).matched
            if count > 0 { found.append((term, count)) }
        }
        guard found.isEmpty else {
            let told = found.sorted { $0.count < $1.count }.prefix(3).map { "\($0.count) without \(clean($0.term))" }
            return "\(told.joined(separator: ", ")) would match"
        }
        return terms.count == 1 ? try await values(near: terms[0]) : nil
    }

    /// The values there are of what the term asks for.
    private func values(near term: String) async throws -> String? {
        let bare = term.drop { $0 == "-" || $0 == "!" }
        let key = bare.prefix { !":<>=".contains($0) }
        let value = bare[key.endIndex...].drop { ":<>=".contains($0) }
        if value.isEmpty || ["host", "ip", "id"].contains(key) {
            let word = (value.isEmpty ? key : value).filter { $0 != "*" && $0 != "\"" }
            guard !word.isEmpty else { return nil }
            let matches = try await find(word, limit: 3).matches
            return matches.isEmpty ? nil : "nearest: " + matches.map(\.agent.label).joined(separator: ", ")
        }
        let name = key.hasPrefix("attr.") ? String(key.dropFirst(5)) : String(key)
        let isGrouped = ["type", "version", "os", "status", "health"].contains(name) || name.contains(".")
        guard isGrouped else { return nil }
        let groups = try await summary(groupBy: [name]).groups.prefix(5)
        let told = groups.map { "\(clean($0.values.first ?? "-", limit: 40)) (\($0.count))" }
        return told.isEmpty ? nil : "values of \(clean(name, limit: 40)): \(told.joined(separator: ", "))"
    }
}

/// The terms of a filter, parted at spaces that are not quoted.
func filterTerms(_ filter: String) -> [String] {
    var (terms, isQuoted): ([String], Bool) = ([""], false)
    for character in filter {
        if character == "\"" { isQuoted.toggle() }
        if character == " ", !isQuoted { terms.append("") } else { terms[terms.count - 1].append(character) }
    }
    return terms.filter { !$0.isEmpty }
}

/// What an empty list says: what was searched, what comes nearest, and the next step.
func nothingFound(filter: String?, total: Int, nearest: String? = nil, asOf now: Timestamp) -> String {
    guard total > 0 else {
        return "the fleet is empty: no agent has reported to this provider yet; \(clock(now)); "
            + "agents connect to its /v1/opamp"
    }
    guard let filter else { return "no agents are left of \(total); begin again without cursor" }
    let near = nearest.map { "; \($0)" } ?? ""
    return "none of \(agentCount(total)) matches the filter \(clean(filter, limit: 200)); \(clock(now))\(near); "
        + "change or drop a term, or see fleet_summary group_by for the values there are"
}
