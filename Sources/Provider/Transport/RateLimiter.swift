import FleetAPI

/// How often each of many may do something: so many at once, and then one each interval. A pure value of bounded size.
struct RateLimiter<Key: Hashable & Sendable>: Sendable {
    private let rate: Rate
    /// How many keys a generation has; twice as many are remembered.
    private let generation: Int
    /// When each key will have nothing left of what it did, on the monotonic clock. What is not seen while as many others
    /// as a generation has come is forgotten.
    private var young: [Key: Int64] = [:]
    private var old: [Key: Int64] = [:]

    init(_ rate: Rate, generation: Int = 8_192) {
        (self.rate, self.generation) = (rate, generation)
    }

    /// Counts one more, unless it is one too many.
    ///
    /// - Parameter now: on the monotonic clock.
    /// - Returns: how long until it may; nil when it may now.
    mutating func take(_ key: Key, at now: Int64) -> Duration? {
        let interval = rate.interval.nanoseconds
        let start = max(young[key] ?? old[key] ?? now, now)
        let over = start - now - interval * Int64(rate.burst - 1)
        guard over <= 0 else { return .nanoseconds(over) }
        if young[key] == nil, young.count >= generation { (old, young) = (young, [:]) }
        young[key] = start + interval
        return nil
    }

    /// How many keys are remembered.
    var count: Int { young.count + old.count }
}

/// So many at once, and then one each interval.
package struct Rate: Sendable, Equatable {
    package let burst: Int
    package let interval: Duration

    package init(burst: Int, perSecond: Int) {
        (self.burst, interval) = (burst, .nanoseconds(1_000_000_000 / Int64(perSecond)))
    }
}
