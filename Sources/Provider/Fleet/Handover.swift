import OpAMP

/// One agent and one kind of offers.
struct OfferKey: Hashable, Sendable {
    let uid: InstanceUID
    let kind: OfferKind
}

/// How an offer was handed over so far: decides when it goes out again to an agent that says nothing of it.
struct Handover: Sendable, Equatable {
    /// The shortest time between two offers within a session.
    static let interval = Duration.seconds(60)
    /// So often it is repeated without a word of the agent; then only once an hour, since it may be what ends the agent.
    static let freeRepeats = 3
    static let restInterval = Duration.seconds(3600)

    /// On the monotonic clock; nil when it was not handed over since the provider started.
    private var at: Int64?
    private var repeats = 0

    init(at: Int64?) {
        self.at = at
    }

    /// - Parameters:
    ///   - mayBeLost: whether what was sent before may be lost: a session begins, or an answer is asked for again.
    ///   - isReport: whether the agent has just told what it has.
    func isDue(mayBeLost: Bool, isReport: Bool, at now: Moment) -> Bool {
        // What has just been handed over is on its way.
        if at == now.monotonic { return false }
        let waited = at.map { Duration.nanoseconds(now.monotonic - $0) }
        if repeats >= Self.freeRepeats { return isReport && waited ?? .zero >= Self.restInterval }
        return mayBeLost || isReport && (waited.map { $0 >= Self.interval } ?? true)
    }

    mutating func repeated(at now: Moment) {
        at = now.monotonic
        repeats += 1
    }
}
