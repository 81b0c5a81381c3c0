import OpAMP

/// What people should know before they command agents of another make.
enum PeerNote {
    /// Of supervisors of the Python project.
    static let pythonSupervisor =
        "run by a supervisor of the Python project: it carries out ChatOps messages twice, reports no outcome, and a "
        + "restart ends it together with its agent"

    /// The note about an agent; nil where nothing is known against it.
    ///
    /// Supervisors of the Python project describe themselves by `service.type` among the identifying attributes and by
    /// `os_type`, `hostname` and `mac_address` among the others: names that no convention has, and that nobody else
    /// sends together. An agent that remembers command ids is ours and never meant.
    static func about(_ facts: AgentFacts) -> String? {
        guard !facts.customCapabilities.contains(CustomCapability.commandIDs) else { return nil }
        func has(_ key: String, isIdentifying: Bool) -> Bool {
            facts.attributes.contains { $0.key == key && $0.isIdentifying == isIdentifying }
        }
        guard has("service.type", isIdentifying: true) else { return nil }
        let names = ["os_type", "hostname", "mac_address"]
        return names.allSatisfy { has($0, isIdentifying: false) } ? pythonSupervisor : nil
    }
}
