/// The custom capabilities that this system and the Python project share, by their names on the wire.
package enum CustomCapability {
    /// Hands a record to an HTTP input of the agent. Messages: `CustomRequest.chatOps`, answered by `CustomReply`.
    package static let chatOps = "org.mp3monster.opamp_provider.chatopcommand"
    /// Stops the agent and its supervisor for good.
    package static let shutdown = "org.mp3monster.opamp_provider.command_shutdown_agent"
    /// Does nothing.
    package static let null = "org.mp3monster.opamp_provider.nullcommand"
    /// Declared by agents that remember the ids of the commands they have carried out, over their own restarts too. They
    /// answer an id they know already without doing the work again, so a message with an id may be handed to them once
    /// more after a lost connection. Ours alone: the Python project's agents do not have it. No message has this name.
    package static let commandIDs = "org.mp3monster.opamp_provider.command_ids"

    /// The name without the `request:` that some agents put before it.
    package static func bare(_ name: String) -> String {
        name.hasPrefix("request:") ? String(name.dropFirst("request:".count)) : name
    }
}
