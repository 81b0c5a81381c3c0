/// Something that a simulated agent was asked to do, as the statistics count it.
package struct ReceivedCommand: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case restart, resync, identify, heartbeat, chatops, shutdown, null, custom
    }

    package let kind: Kind
    /// The command id in a custom message's data.
    package let id: String?
    /// Whether this agent has received that id before.
    package let isRepeated: Bool
}
