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

    /// Whether a name is one that custom capabilities may have: a reverse domain name, and perhaps a version behind a
    /// slash. Spec: OpAMP, "CustomCapabilities".
    package static func isReverseDomainName(_ name: String) -> Bool {
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.count == 1 || isLabels(parts[1]) else { return false }
        return parts[0].contains(UInt8(ascii: ".")) && isLabels(parts[0])
    }

    private static func isLabels(_ text: Substring.UTF8View) -> Bool {
        text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            !label.isEmpty
                && label.allSatisfy {
                    (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
                        || $0 == 0x2d || $0 == 0x5f
                }
        }
    }

    /// The name without the `request:` that some agents put before it.
    package static func bare(_ name: String) -> String {
        name.hasPrefix("request:") ? String(name.dropFirst("request:".count)) : name
    }
}
