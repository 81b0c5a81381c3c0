package import OpAMP

/// Something that a simulated agent was asked to do, as the statistics count it and the journal keeps it.
package struct ReceivedCommand: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case restart, resync, identify, heartbeat, chatops, shutdown, null, custom, config, settings
    }

    /// The agent's uid when it received it, also if the command gives it another one.
    package let uid: InstanceUID
    package let kind: Kind
    /// The command id in a custom message's data.
    package let id: String?
    /// The hash that the server gave what it offers, in hex: configurations and settings.
    package let hash: String?
    /// Whether this agent has received that id before.
    package let isRepeated: Bool

    package init(uid: InstanceUID, kind: Kind, id: String?, hash: String?, isRepeated: Bool) {
        self.uid = uid
        self.kind = kind
        self.id = id
        self.hash = hash
        self.isRepeated = isRepeated
    }
}
