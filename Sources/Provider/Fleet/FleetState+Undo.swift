import FleetAPI
import OpAMP

// How acts of people that could not be written are undone: nobody was told that they are done.
extension FleetState {
    /// What an act changed beside what it was asked for, as it was before and as it was left.
    enum Step: Sendable {
        case command(before: OpenCommand, after: OpenCommand)
        case offering(OfferKey, OfferingChange)
        /// An operation that ran was ended.
        case end(operation: String)
    }

    /// What is offered to an agent, before and after a decision.
    struct OfferingChange: Sendable {
        let before: Offering
        let handover: Handover?
        let after: Offering
    }

    /// An agent with everything that is taken out when it is forgotten.
    struct Forgotten: Sendable {
        fileprivate let record: AgentRecord
        fileprivate let vitals: Vitals
        fileprivate let aliases: [InstanceUID: InstanceUID]
        fileprivate let commands: [OpenCommand]
        fileprivate let ownTokens: [OwnToken]
        fileprivate let handovers: [OfferKey: Handover]
        /// The uid that it was offered.
        fileprivate let offeredUID: InstanceUID?
    }

    /// Takes back the last steps, as far as nothing else has changed the same things since.
    mutating func undo(_ steps: [Step]) {
        for step in steps.reversed() {
            switch step {
            case .command(let before, let after): undo(after, to: before)
            case .offering(let key, let change): undo(change, of: key)
            case .end(let id):
                operations[id]?.goOn()
                operationsDue.insert(id)
            }
        }
        nextDeadline = .min
    }

    /// Notes that an act is on disk: nothing leads back to before it.
    mutating func keep(_ steps: [Step]) {
        guard !undone.isEmpty else { return }
        for case .offering(let key, _) in steps { undone[key] = nil }
    }

    private mutating func undo(_ after: OpenCommand, to before: OpenCommand) {
        let id = before.command.id
        if let now = commands[id], now == after {
            var restored = before
            // It may have been written since.
            restored.isUnwritten = now.isUnwritten
            commands[id] = restored
        }
        guard let operation = before.command.operation, let target = before.operationTarget else { return }
        operations[operation]?.undo(TargetState(after.command.state), of: target, to: TargetState(before.command.state))
        operationsDue.insert(operation)
    }

    private mutating func undo(_ change: OfferingChange, of key: OfferKey) {
        guard let position = position(of: key.uid) else { return }
        var decisions = records[position].decisions
        let now = decisions[key.kind]
        guard now.desired?.commandID == change.after.desired?.commandID else {
            // Another act came after it; should that be undone too, it leads back to before this one.
            undone[key, default: []].append(change)
            return
        }
        var (restored, handover) = (change.before, change.handover)
        while let index = undone[key]?.firstIndex(where: { $0.after == restored }),
            let earlier = undone[key]?.remove(at: index)
        {
            (restored, handover) = (earlier.before, earlier.handover)
        }
        if undone[key]?.isEmpty == true { undone[key] = nil }
        // What the agent said meanwhile of what was desired before stays.
        for offer in [now.desired, now.fallback].compactMap(\.self) {
            if restored.desired?.commandID == offer.commandID { restored.desired = offer }
            if restored.fallback?.commandID == offer.commandID { restored.fallback = offer }
        }
        if let desired = restored.desired, desired.state == .queued,
            commands[desired.commandID]?.command.state != .queued
        {
            restored.goBack()
        }
        decisions[key.kind] = restored
        replaceDecisions(decisions, at: position)
        if key.kind == .settings { vitals[position].offeredInterval = UInt32(clamping: restored.taken ?? 0) }
        handovers[key] = handover
    }

    /// What forgetting this agent takes out.
    func everything(of position: Int) -> Forgotten {
        let uid = records[position].uid
        return Forgotten(
            record: records[position], vitals: vitals[position], aliases: aliases.filter { $0.value == uid },
            commands: (commandsByAgent[uid] ?? []).compactMap { commands[$0] }, ownTokens: ownTokens.tokens(of: uid),
            handovers: handovers.filter { $0.key.uid == uid }, offeredUID: offers[uid]
        )
    }

    /// Brings a forgotten agent back; one that has come by itself meanwhile has what was decided about it again.
    mutating func bringBack(_ forgotten: Forgotten, at now: Moment, _ effects: inout Effects) {
        let uid = forgotten.record.uid
        if let position = index.position(of: uid) {
            decide(forgotten.record.decisions, at: position, now, &effects)
        } else {
            append(forgotten.record, forgotten.vitals, link: nil)
        }
        keptLabels[uid] = nil
        for token in forgotten.ownTokens where ownTokens[token.id] == nil { ownTokens.insert(token) }
        aliases.merge(forgotten.aliases) { now, _ in now }
        handovers.merge(forgotten.handovers) { now, _ in now }
        if let offered = forgotten.offeredUID, offers[uid] == nil {
            (offers[uid], offeredTo[offered]) = (offered, uid)
        }
        for open in forgotten.commands where commands[open.command.id] == nil {
            commands[open.command.id] = open
            commandsByAgent[uid, default: []].append(open.command.id)
        }
        nextDeadline = .min
    }
}
