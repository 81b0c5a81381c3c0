/// What a caller of the REST API may do; each may do what the ones before may.
package enum Role: String, RESTEnum, Comparable {
    /// Reads; secrets are masked.
    case viewer
    /// Restarts, resyncs, sends declared commands, sets labels.
    case `operator`
    /// Configurations, connection settings, raw custom messages, approvals, tokens, settings, and unmasked reads.
    case admin

    package static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .viewer: 0
        case .operator: 1
        case .admin: 2
        }
    }
}
