import FleetAPI

/// How well a free text fits an agent. The best fit of all its fields counts.
struct AgentSearch {
    struct Fit: Sendable {
        /// 0 is the best.
        let rank: Int
        let field: String
        let quality: String
    }

    private let text: String

    /// - Parameter text: matched in lower case.
    init(_ text: String) {
        self.text = text.lowercased()
    }

    /// An exact, leading or partial match; nil for none.
    func fit(_ view: AgentView, uid: String) -> Fit? {
        var best: Fit?
        func consider(_ field: String, _ value: String?) {
            guard let value, let (rank, quality) = match(value), rank < best?.rank ?? .max else { return }
            best = Fit(rank: rank, field: field, quality: quality)
        }
        consider("host", view.facts.host?.lower)
        consider("service instance id", view.facts.serviceInstanceID?.lower)
        consider("ip", view.facts.ip?.lower)
        consider("type", view.facts.type?.lower)
        for (name, value) in view.record.decisions.labels {
            consider("label", value.lowercased())
            consider("label", "\(name)=\(value)".lowercased())
        }
        // Only the end of a uid names an agent: its beginning is the time, the same for many.
        let digits = text.filter { $0 != "-" }
        if digits.utf8.count >= AgentIndex.shortestSuffix, uid.hasSuffix(digits), (best?.rank ?? 9) > 0 {
            best = Fit(rank: 0, field: digits.utf8.count == 32 ? "uid" : "short id", quality: "exact")
        }
        return best
    }

    /// A near miss in the host or the service instance id: at most two letters differ; nil for none.
    func nearMiss(_ view: AgentView) -> Fit? {
        var best: Fit?
        for (field, value) in [("host", view.facts.host), ("service instance id", view.facts.serviceInstanceID)] {
            guard let value, let distance = distance(value.lower), 10 + distance < best?.rank ?? .max else { continue }
            best = Fit(rank: 10 + distance, field: field, quality: "near")
        }
        return best
    }

    private func match(_ value: String) -> (rank: Int, quality: String)? {
        if value == text { return (0, "exact") }
        if value.hasPrefix(text) { return (1, "prefix") }
        return contains(value) ? (2, "part") : nil
    }

    private func contains(_ value: String) -> Bool {
        let (haystack, needle) = (value.utf8, text.utf8)
        return haystack.withContiguousStorageIfAvailable { haystack in
            needle.withContiguousStorageIfAvailable { needle in
                haystack.count >= needle.count
                    && (0...(haystack.count - needle.count)).contains { start in
                        haystack[start...].starts(with: needle)
                    }
            } ?? false
        } ?? false
    }

    /// The edit distance, where it is at most two and less than half of the text.
    private func distance(_ value: String) -> Int? {
        let limit = min(2, text.utf8.count / 2)
        let (left, right) = (Array(text.utf8), Array(value.utf8))
        guard limit > 0, abs(left.count - right.count) <= limit else { return nil }
        var row = Array(0...right.count)
        for (i, letter) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                (diagonal, row[j + 1]) = (
                    row[j + 1], min(diagonal + (letter == other ? 0 : 1), row[j] + 1, row[j + 1] + 1)
                )
            }
        }
        return row[right.count] <= limit ? row[right.count] : nil
    }
}
