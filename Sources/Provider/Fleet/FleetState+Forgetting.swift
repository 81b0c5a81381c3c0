import FleetAPI
import OpAMP

// Agents that were away for too long.
extension FleetState {
    /// How often it is looked for them.
    static let forgetInterval = Duration.seconds(60)
    /// After a start of the provider nobody is forgotten for so long: who is there has time to come back.
    static let forgetGrace = Duration.seconds(3_600)
    /// The most that are forgotten in one step of time.
    static let forgetLimit = 1_000
    /// How often it is looked for tokens that nobody will ask for.
    private static let oldTokensInterval = Duration.seconds(3_600)
    /// How long numbers that jumped are remembered.
    private static let doubtTime = Duration.seconds(600)

    /// Once a second; looks at the fleet once a minute.
    mutating func forgetAbsent(at now: Moment, _ effects: inout Effects) {
        guard now.monotonic >= nextForgetting else { return }
        nextForgetting = now.monotonic + Self.forgetInterval.nanoseconds
        if now.monotonic >= nextDoubtsEnd {
            nextDoubtsEnd = now.monotonic + Self.doubtTime.nanoseconds
            doubts = [:]
        }
        dropKeptLabels(at: now, &effects)
        if now.monotonic >= nextTokensEnd {
            nextTokensEnd = now.monotonic + Self.oldTokensInterval.nanoseconds
            dropOldTokens(at: now, &effects)
        }
        guard now.monotonic >= forgettingFrom else { return }
        var count = 0
        // From the end: the place of one that goes is taken by the last, which was looked at before.
        for position in records.indices.reversed() where isAbsent(position, now) {
            guard count < Self.forgetLimit else {
                nextForgetting = now.monotonic
                return
            }
            note("forgotten", position, "not heard for \(settings.forgetAfterSeconds) s", now, &effects)
            forget(position, keepsTokens: true, at: now, &effects)
            count += 1
        }
    }

    /// Whether an agent was not heard for `forget_after`; the time the provider stood still does not count.
    private func isAbsent(_ position: Int, _ now: Moment) -> Bool {
        let seen = vitals[position].lastSeen.monotonic
        guard vitals[position].status != .connected, records[position].decisions.admission != .blocked else {
            return false
        }
        let limit = Duration.seconds(settings.forgetAfterSeconds).nanoseconds
        return now.monotonic - seen > limit && now.monotonic - seen - lostTime.lost(since: seen, at: now) > limit
    }

    private mutating func dropKeptLabels(at now: Moment, _ effects: inout Effects) {
        let limit = KeptLabels.time.nanoseconds
        for (uid, kept) in keptLabels where now.monotonic - kept.since.monotonic > limit {
            keptLabels[uid] = nil
            effects.changes.append(.forget(uid))
        }
    }
}

extension Moment {
    /// A moment of the past as this one sees it: its age decides from now on, whatever the wall clock does.
    func past(_ wall: Timestamp) -> Moment {
        let age = max(0, self.wall.nanoseconds - wall.nanoseconds)
        return Moment(wall: wall, monotonic: monotonic - age)
    }
}
