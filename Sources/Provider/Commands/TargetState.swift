import FleetAPI

/// How far an operation is with one of its agents.
enum TargetState: String, Sendable, CaseIterable {
    /// Its turn has not come; once the operation has ended it never will.
    case waiting
    case queued, sent, confirmed, failed, unconfirmed, expired, cancelled
    /// When its turn came it could not take the command.
    case skipped

    init(_ state: CommandState) {
        self =
            switch state {
            case .queued: .queued
            case .sent: .sent
            case .confirmed: .confirmed
            case .failed: .failed
            case .unconfirmed: .unconfirmed
            case .expired: .expired
            case .cancelled: .cancelled
            }
    }

    /// Whether the command is on its way.
    var isInFlight: Bool { self == .queued || self == .sent }
}
