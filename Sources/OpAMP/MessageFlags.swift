/// Spec: OpAMP, "AgentToServer.flags".
package struct AgentToServerFlags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The agent wants an instance UID from the server.
    package static let requestInstanceUID = Self(rawValue: 0x1)
}

/// Spec: OpAMP, "ServerToAgent.flags".
package struct ServerToAgentFlags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The agent is to send everything it reports in its next message.
    package static let reportFullState = Self(rawValue: 0x1)
    /// The agent is to send the full list of its available components.
    package static let reportAvailableComponents = Self(rawValue: 0x2)
}
