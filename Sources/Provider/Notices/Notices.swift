import FleetAPI
import OpAMP

/// What of an agent's state people want to know.
enum Condition: String, Sendable {
    case well, unhealthy, lost
}

/// Decides of which agents people are told, and when: once an agent has stayed for a while what it has become, and is
/// something else than was told last. Does no I/O and reads no clock.
struct Notices: Sendable {
    /// How long an agent must stay what it has become.
    static let settleTime = Duration.seconds(30)
    /// An agent that never stays anything is told of after this long, as it is then.
    static let longestSettling = Duration.seconds(300)

    /// An agent as it is when its time has come.
    struct Present: Sendable {
        let condition: Condition
        /// Nobody is told of it before.
        let mutedUntil: Timestamp?
    }

    private struct Settling {
        var first: Int64
        var last: Int64
        var notBefore = Int64.min

        var due: Int64 {
            max(
                notBefore, min(last + Notices.settleTime.nanoseconds, first + Notices.longestSettling.nanoseconds))
        }
    }

    private var settling: [InstanceUID: Settling] = [:]
    /// What was told last; agents that are well are not in it.
    private(set) var told: [InstanceUID: Condition]

    init(told: [InstanceUID: Condition] = [:]) { self.told = told }

    /// Takes what happened to an agent.
    mutating func heard(_ event: FleetEvent, at now: Moment) {
        guard let uid = InstanceUID(event.instanceUID) else { return }
        switch event.kind {
        case "connected", "disconnected", "stale", "unhealthy", "healthy", "approved", "blocked", "unblocked",
            "replaced":
            look(at: uid, now)
        case "renamed":
            guard let old = event.text.flatMap({ InstanceUID(String($0.dropFirst("from ".count))) }) else { return }
            told[uid] = told.removeValue(forKey: old)
            if let waiting = settling.removeValue(forKey: old) { settling[uid] = waiting }
        case "forgotten":
            (told[uid], settling[uid]) = (nil, nil)
        default: break
        }
    }

    /// Looks at an agent once it has settled.
    mutating func look(at uid: InstanceUID, _ now: Moment) {
        settling[uid, default: Settling(first: now.monotonic, last: 0)].last = now.monotonic
    }

    /// The agents whose time has come; each must be settled.
    func due(at now: Moment) -> [InstanceUID] {
        settling.filter { $0.value.due <= now.monotonic }.keys.sorted()
    }

    /// Decides on an agent whose time has come.
    ///
    /// - Parameter present: nil for one that is gone.
    /// - Returns: what is to be told; nil when there is nothing new, or not yet.
    mutating func settle(_ uid: InstanceUID, _ present: Present?, at now: Moment) -> NoticeKind? {
        guard let present else {
            (told[uid], settling[uid]) = (nil, nil)
            return nil
        }
        if let end = present.mutedUntil, end > now.wall {
            // Looked at again now and then: a mute may end sooner.
            let rest = min((end - now.wall).nanoseconds, Self.settleTime.nanoseconds)
            settling[uid]?.notBefore = now.monotonic + rest
            return nil
        }
        settling[uid] = nil
        let before = told[uid] ?? .well
        guard before != present.condition else { return nil }
        told[uid] = present.condition == .well ? nil : present.condition
        return switch present.condition {
        case .well: .back
        case .unhealthy: .unhealthy
        case .lost: .lost
        }
    }

    /// Takes what an agent is for known, without telling anybody.
    mutating func take(_ condition: Condition, of uid: InstanceUID) {
        told[uid] = condition == .well ? nil : condition
    }
}
