/// The custom capabilities that this system and the Python project share, by their names on the wire.
package enum CustomCapability {
    /// Hands a record to an HTTP input of the agent. Messages: `CustomRequest.chatOps`, answered by `CustomReply`.
    package static let chatOps = "org.mp3monster.opamp_provider.chatopcommand"
    /// Stops the agent and its supervisor for good.
    package static let shutdown = "org.mp3monster.opamp_provider.command_shutdown_agent"
    /// Does nothing.
    package static let null = "org.mp3monster.opamp_provider.nullcommand"

    /// The name without the `request:` that some agents put before it.
    package static func bare(_ name: String) -> String {
        name.hasPrefix("request:") ? String(name.dropFirst("request:".count)) : name
    }
}
