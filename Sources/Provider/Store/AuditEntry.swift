import FleetAPI

/// Who did what, when, from where, and what came of it.
struct AuditEntry: Sendable, Equatable {
    /// The most bytes of each text.
    static let textLimit = 1024
    /// The outcome where everything was as it was asked for.
    static let nothingToDo = "nothing to do"

    let at: Timestamp
    let by: String
    let from: String
    /// A verb: `queue`, `cancel`, `forget`; of configurations and connection settings `offer`, `roll_back`, `retry`,
    /// `withdraw`.
    let action: String
    /// What it was done to: the uid of an agent, the id of a command, or the name of what was changed.
    let target: String
    /// `done`, `nothing to do`, or why not.
    let outcome: String
    let detail: String?

    init(
        at: Timestamp, by: String, from: String, action: String, target: String, outcome: String, detail: String?
    ) {
        self.at = at
        self.by = by.prefixUTF8(Self.textLimit)
        self.from = from.prefixUTF8(Self.textLimit)
        self.action = action.prefixUTF8(Self.textLimit)
        self.target = target.prefixUTF8(Self.textLimit)
        self.outcome = outcome.prefixUTF8(Self.textLimit)
        self.detail = detail?.prefixUTF8(Self.textLimit)
    }
}

extension FleetState.Effects {
    /// Notes what a person did, in the same transaction as the act itself; without the act it is not written.
    ///
    /// A refusal, which changes nothing, is written with what comes next.
    ///
    /// - Parameters:
    ///   - action: a verb.
    ///   - target: the uid of an agent, the id of a command, or the name of what was changed.
    ///   - detail: no secrets and no bodies of configurations.
    mutating func audit(
        _ caller: Caller, _ action: String, _ target: String, outcome: String = "done", detail: String? = nil,
        at now: Moment
    ) {
        changes.append(
            .audit(
                AuditEntry(
                    at: now.wall, by: caller.name, from: caller.address, action: action, target: target,
                    outcome: outcome, detail: detail
                )
            )
        )
    }
}
