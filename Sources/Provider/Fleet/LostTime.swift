import FleetAPI

/// When the provider itself stood still: suspended, or so busy that its steps of time came late. What an agent did not
/// say meanwhile is no silence of the agent.
struct LostTime: Sendable {
    /// How often a step of time is taken.
    static let step = Duration.seconds(1)
    /// A step that comes later than this was held up.
    static let tolerance = Duration.seconds(3)
    /// How many times it stood still are remembered.
    private static let limit = 16

    private var stops: [(from: Int64, to: Int64)] = []
    private var lastStep: Int64?

    /// Notes a step of time.
    ///
    /// - Returns: how late it was, where that means that the provider stood still.
    mutating func stepped(at now: Moment) -> Duration? {
        let stop = stop(until: now.monotonic)
        lastStep = now.monotonic
        guard let stop else { return nil }
        stops.append(stop)
        if stops.count > Self.limit { stops.removeFirst() }
        return .nanoseconds(stop.to - stop.from)
    }

    /// How much of the time since a moment was lost, in nanoseconds.
    ///
    /// - Parameter since: on the monotonic clock.
    func lost(since: Int64, at now: Moment) -> Int64 {
        let current = stop(until: now.monotonic)
        // What most agents are asked for: they were heard since.
        guard current != nil || (stops.last.map { $0.to > since } ?? false) else { return 0 }
        return (stops + (current.map { [$0] } ?? [])).reduce(0) { sum, stop in
            sum + max(0, stop.to - max(stop.from, since))
        }
    }

    /// The time that is missing before now, if it is more than a step may be late.
    private func stop(until now: Int64) -> (from: Int64, to: Int64)? {
        guard let lastStep else { return nil }
        let due = lastStep + Self.step.nanoseconds
        return now - due > Self.tolerance.nanoseconds ? (due, now) : nil
    }
}
