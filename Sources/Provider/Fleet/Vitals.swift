import FleetAPI
import OpAMP

/// What every message of an agent changes; kept apart from its record, in plain memory.
struct Vitals: Sendable {
    /// How long an agent may be silent before anything is expected of it, unless its own gaps are longer.
    static let defaultInterval = Duration.seconds(30)

    var lastSeen: Moment
    var sequence: UInt64
    var status: AgentStatus
    /// `unknown` while the agent is not connected or says nothing of its health.
    var health: AgentHealth = .unknown
    var transport: AgentTransport
    /// The last five gaps between messages, in whole seconds rounded up, oldest first.
    private var gaps: (UInt16, UInt16, UInt16, UInt16, UInt16) = (0, 0, 0, 0, 0)
    /// Messages on the present WebSocket, up to 2; and sockets in a row that carried one message only, up to 2.
    var messagesOnLink: UInt8 = 0
    var briefLinks: UInt8 = 0
    var wantsFullState = false
    /// Whether the server's custom capabilities were told on this session.
    var wasIntroduced = false
    /// Whether they have to be told once more: they changed, or the agent may not have got them.
    var isIntroductionDue = false
    /// Whether another sender goes on under the agent's uid.
    var isInConflict = false
    /// The heartbeat interval in seconds that was offered and that the agent took; 0 for none.
    var offeredInterval: UInt32 = 0
    /// When the full state was last asked for, on the monotonic clock; nil before the first time.
    var askedFullStateAt: Int64?
    /// What is known of who it is, by what it showed with its last message; nil: nothing.
    var identity: AgentIdentity?

    init(lastSeen: Moment, sequence: UInt64, status: AgentStatus, transport: AgentTransport) {
        (self.lastSeen, self.sequence, self.status, self.transport) = (lastSeen, sequence, status, transport)
    }

    /// Whether the agent opens a socket for each message, so that a closed one means nothing.
    var isPolling: Bool { transport == .http || briefLinks >= 2 }

    /// The interval in which the agent is expected to report: the one it took, else 30 s, raised to the longest of its
    /// last five gaps.
    var expectedInterval: Duration { .seconds(expectedSeconds) }

    private var expectedSeconds: Int64 {
        let offered = offeredInterval > 0 ? Int64(offeredInterval) : Self.defaultInterval.components.seconds
        return max(offered, Int64(max(gaps.0, gaps.1, gaps.2, gaps.3, gaps.4)))
    }

    /// A longer silence of an agent that polls is an outage, not its interval.
    private static let longestGap: Int64 = 900

    /// Notes a message. A gap counts between messages of an agent that was connected throughout, and where one that
    /// polls at an interval not known yet was taken for silent.
    ///
    /// - Parameter lost: how long the provider stood still since the last one, in nanoseconds.
    mutating func heard(at now: Moment, lost: Int64 = 0) {
        let gap = (now.monotonic - lastSeen.monotonic - lost + 999_999_999) / 1_000_000_000
        if status == .connected || status == .stale && isPolling && gap <= Self.longestGap {
            gaps = (gaps.1, gaps.2, gaps.3, gaps.4, UInt16(clamping: gap))
        }
        lastSeen = now
    }

    /// Whether the agent has been silent for three expected intervals. Pings it answers count as a word.
    ///
    /// - Parameter lost: how much of its silence the provider stood still, in nanoseconds.
    func isSilent(at now: Moment, lastPong: Int64, lost: Int64 = 0) -> Bool {
        now.monotonic - max(lastSeen.monotonic, lastPong) - lost > 3 * expectedSeconds * 1_000_000_000
    }
}
