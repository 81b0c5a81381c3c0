import FleetAPI

/// Which part of the history is looked at next for what need not be kept. Does nothing itself.
///
/// One step a second at most, each of a thousand rows at most, so that writes never wait for it.
struct Sweep: Sendable {
    enum Step: CaseIterable, Sendable {
        /// Past their number, then past their time.
        case surplusEvents, surplusCommands, surplusAudit
        case oldEvents, oldCommands, oldAudit, oldKeys
        /// Bodies that nothing refers to any more.
        case configs
    }

    /// What a step did.
    struct Result: Sendable {
        var deleted = 0
        /// Whether the same step has more to do.
        var hasMore = false
    }

    /// The most rows that one step looks at or deletes.
    static let rows = 1000
    /// How long to wait once there was nothing left to do.
    private static let restTime = Duration.seconds(60)

    /// The last row of `configs` that was looked at.
    var configsDone: Int64 = 0
    private var place = 0
    /// On the monotonic clock.
    private var restsUntil = Int64.min
    private var deletedInRound = 0

    /// The step to take now; nil while there is nothing to do.
    func step(at now: Moment) -> Step? {
        now.monotonic >= restsUntil ? Step.allCases[place] : nil
    }

    /// Notes what came of the step.
    mutating func did(_ result: Result, at now: Moment) {
        deletedInRound += result.deleted
        guard !result.hasMore else { return }
        place += 1
        guard place == Step.allCases.count else { return }
        if deletedInRound == 0 { restsUntil = now.monotonic + Self.restTime.nanoseconds }
        (place, deletedInRound) = (0, 0)
    }

    /// Goes on to the next step after one that failed.
    mutating func failed(at now: Moment) { did(Result(), at: now) }
}
