/// Which agents are meant: terms that must all hold.
///
/// `type:fluent-bit health:unhealthy host:web-* version<5.1 -status:stale label.env:prod|staging last_seen>5m`.
/// Terms are joined by spaces, values by `|`; `-` or `!` before a term is not; `*` stands for any text. Letters match
/// in either case. A value must match as a whole, but for `error` and for bare words, where a part is enough unless a
/// `*` is in it. A bare word is looked for in type, host, ip, service instance id and, from six characters on, uid.
/// Versions compare by their numeric parts, missing ones being 0. `last_seen>5m` is an age (s, m, h, d),
/// `last_seen>2026-11-23T10:00:00Z` a time. An agent that does not have what a term asks for does not match it.
package struct Filter: Sendable {
    /// The longest text accepted, in bytes.
    package static let lengthLimit = 4096

    /// The keys that exist, as errors list them.
    package static let keys = [
        "status", "health", "admission", "problem", "type", "version", "host", "ip", "os", "id", "label.NAME",
        "attr.NAME", "config", "config_hash", "error", "last_seen", "first_seen", "started", "transport", "identity",
        "capability",
        "command",
    ]

    private let terms: [FilterTerm]

    /// Matches every agent.
    package init() {
        terms = []
    }

    /// - Throws: a 400 about the field `filter` that names the place and what exists.
    package init(_ text: String) throws(Problem) {
        var parser = FilterParser(text)
        terms = try parser.terms()
    }

    /// Whether it has no term and so matches every agent.
    package var isEmpty: Bool { terms.isEmpty }

    /// Whether some term that is not a negation asks for more than `*`: what a filter must have before it may write.
    package var hasPositiveTerm: Bool { terms.contains { !$0.isNegated && !$0.acceptsAnything } }

    /// - Parameter now: what ages are measured against.
    package func matches(_ subject: some FilterSubject, now: Timestamp) -> Bool {
        terms.allSatisfy { $0.holds(for: subject, now: now) }
    }
}
