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
    /// Whether this agent has received that id before, or was offered that hash last.
    package let isRepeated: Bool
    /// Whether the agent acts on it: not if it ignores commands, nor if it remembers to have done so.
    package let isDone: Bool

    package init(
        uid: InstanceUID, kind: Kind, id: String? = nil, hash: String? = nil, isRepeated: Bool = false,
        isDone: Bool = true
    ) {
        self.uid = uid
        self.kind = kind
        self.id = id
        self.hash = hash
        self.isRepeated = isRepeated
        self.isDone = isDone
    }
}
