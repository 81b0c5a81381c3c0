import OpAMP

/// One agent and one kind of offers.
struct OfferKey: Hashable, Sendable {
    let uid: InstanceUID
    let kind: OfferKind
}

/// How an offer was handed over so far: decides when it goes out again to an agent that does not have it.
///
/// Agents start again for some offers, and may have forgotten them then. So it outlasts sessions, and what an agent
/// says of an offer is no reason to offer it again sooner.
struct Handover: Sendable, Equatable {
    /// What may be a reason to offer something again.
    enum Occasion: Sendable, Equatable {
        /// The answer that may have carried it is asked for again.
        case answerLost
        /// A session begins: it may have been lost with the one before.
        case session
        /// The agent has told what it has.
        case report
        /// It has said anything else.
        case message
    }

    /// The shortest time between two offers, unless one may have been lost.
    static let interval = Duration.seconds(60)
    /// So often it is repeated; then only once an hour, since it may be what ends the agent.
    static let freeRepeats = 3
    static let restInterval = Duration.seconds(3600)

    /// On the monotonic clock; nil when it was not handed over since the provider started.
    private var at: Int64?
    private var repeated = 0
    /// What the agent has said of it since: that it arrived, and that it was applied.
    private var hasArrived = false
    private var wasApplied = false
    /// Whether it was asked for before it was time.
    private var isOwed = false

    init(at: Int64?) {
        self.at = at
    }

    /// Whether it goes out again now; notes it if so.
    mutating func repeats(on occasion: Occasion, at now: Moment) -> Bool {
        guard isDue(occasion, at: now) else { return false }
        self = Handover(at: now.monotonic, repeated: repeated + 1)
        return true
    }

    /// Notes that the agent says something of exactly this offer.
    mutating func heard(isApplied: Bool) {
        hasArrived = true
        if isApplied { wasApplied = true }
    }

    private init(at: Int64, repeated: Int) {
        (self.at, self.repeated) = (at, repeated)
    }

    private mutating func isDue(_ occasion: Occasion, at now: Moment) -> Bool {
        guard let at else { return occasion != .message }
        // What has just been handed over is on its way.
        if at == now.monotonic { return false }
        let waited = Duration.nanoseconds(now.monotonic - at)
        // It had it for long: this is another story.
        if wasApplied, waited >= Self.restInterval { repeated = 0 }
        switch occasion {
        case .answerLost where repeated < Self.freeRepeats, .session where repeated == 0 && !hasArrived:
            return true
        case .message where !isOwed: return false
        default: break
        }
        isOwed = waited < (repeated < Self.freeRepeats ? Self.interval : Self.restInterval)
        return !isOwed
    }
}
