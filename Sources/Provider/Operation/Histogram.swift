import FleetAPI

/// How often something took how long: counts in fixed buckets.
struct Histogram: Sendable, Equatable {
    /// The upper bounds of the buckets, in seconds; a last one has none.
    static let bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    /// In each bucket alone; one more than there are bounds.
    private(set) var counts = [Int](repeating: 0, count: bounds.count + 1)
    private(set) var sum = 0.0

    var count: Int { counts.reduce(0, +) }

    mutating func add(_ duration: Duration) {
        let seconds = Double(duration.nanoseconds) / 1e9
        counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
        sum += seconds
    }
}
