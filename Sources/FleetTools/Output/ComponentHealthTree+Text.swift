import FleetAPI

extension ComponentHealthTree {
    /// The most components that are named.
    private static var shownLimit: Int { 5 }

    /// How many components there are, and those that are not healthy.
    var lines: [String] {
        var found: [(path: String, node: ComponentHealthTree)] = []
        let count = collect(into: &found, path: "")
        let isTold = found.contains { $0.node.lastError == lastError }
        let own = healthy || isTold ? "" : lastError.map { ": \(clean($0, limit: 160))" } ?? ""
        let whole = healthy ? "healthy" : "unhealthy"
        guard !found.isEmpty else {
            return ["health: \(whole)" + (count > 0 ? ", all \(count) components too" : "") + own]
        }
        let table = Table(
            columns: [
                Table.Column(name: "component", limit: 60), Table.Column(name: "status", limit: 40),
                Table.Column(name: "error", limit: 100),
            ],
            rows: found.prefix(Self.shownLimit).map { [$0.path, $0.node.status ?? "", $0.node.lastError ?? ""] }
        )
        let more = found.count - min(found.count, Self.shownLimit)
        return ["health: \(whole), \(found.count) of \(count) components at fault" + own] + table.lines
            + (more > 0 ? ["… \(more) more"] : [])
    }

    /// - Returns: how many components there are below.
    private func collect(into found: inout [(path: String, node: ComponentHealthTree)], path: String) -> Int {
        var count = 0
        for (name, node) in components.sorted(by: { $0.key < $1.key }) {
            let place = path.isEmpty ? name : "\(path)/\(name)"
            let before = found.count
            count += 1 + node.collect(into: &found, path: place)
            // What is below says it already, unless this one has something of its own to say.
            let isTold = found[before...].contains { node.lastError == nil || $0.node.lastError == node.lastError }
            if !node.healthy, !isTold {
                found.insert((path: place, node: node), at: before)
            }
        }
        return count
    }
}
