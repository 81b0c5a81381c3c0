/// How much the agents of one listener may ask of it at one time.
package struct TransportLimits: Sendable {
    /// What the most bytes of one message may be set to, in MiB. With less a configuration that the API takes might not
    /// fit into its offer.
    package static let messageMiBAllowed = 8...64

    /// The most bytes of one message, either way, header included and after decompression.
    package var messageBytes: Int
    /// The same as long as the fleet does not know the agent as approved.
    package var strangerBytes = 4 << 20
    /// The most bytes of all messages together that are being collected or decoded.
    package var inFlightBytes = 256 << 20
    /// How many files the program may have open; a connection is one.
    package var openFiles = Int.max
    package var rates = Rates()

    /// What one address may ask for. A whole fleet may come from one, behind NAT: 10,000 agents in 5 s are far below.
    package struct Rates: Sendable {
        package var connections = Rate(burst: 20_000, perSecond: 2_000)
        package var agentRequests = Rate(burst: 50_000, perSecond: 10_000)
        package var requests = Rate(burst: 1_000, perSecond: 200)
        /// Whether addresses of this machine are limited, too.
        package var isForLoopback = false

        package init() {}
    }

    /// - Parameter messageMiB: the most of one message; 64 is the specification's default.
    package init(messageMiB: Int = 64) {
        messageBytes = messageMiB << 20
    }
}
