import FleetAPI
import OpAMP

// What people decide about agents: who is let in, and what they are labelled with.
extension FleetState {
    /// Files what was decided about an agent; its reports stay.
    mutating func decide(_ decisions: Decisions, at position: Int, _ now: Moment, _ effects: inout Effects) {
        replaceDecisions(decisions, at: position)
        effects.changes.append(.decisions(records[position].uid, decisions, at: now.wall))
    }

    /// Takes a decision back that could not be written, unless another has been made since: who is let in, and labels.
    mutating func takeBack(_ decisions: Decisions, of uid: InstanceUID, to before: Decisions) {
        guard let position = position(of: uid) else { return }
        var restored = records[position].decisions
        guard restored.admission == decisions.admission, restored.labels == decisions.labels else { return }
        (restored.admission, restored.labels) = (before.admission, before.labels)
        replaceDecisions(restored, at: position)
    }

    mutating func replaceDecisions(_ decisions: Decisions, at position: Int) {
        let old = records[position]
        pendingCount += (decisions.admission == .pending ? 1 : 0) - (old.decisions.admission == .pending ? 1 : 0)
        records[position] = AgentRecord(
            uid: old.uid, firstSeen: old.firstSeen, facts: old.facts, decisions: decisions
        )
    }

    /// Lets an agent in, or keeps it out.
    ///
    /// - Returns: why that cannot be decided of this agent; nil when it is what was asked for.
    mutating func decide(
        _ verb: AdmissionRequest.Verb, at position: Int, by caller: Caller, _ now: Moment, _ effects: inout Effects
    ) -> Problem? {
        var decisions = records[position].decisions
        switch (verb, decisions.admission) {
        case (.approve, .blocked):
            return Problem(409, "Agent blocked", detail: "a blocked agent is let in by the decision unblock")
        case (.unblock, .pending):
            return Problem(409, "Agent pending", detail: "a pending agent is let in by the decision approve")
        case (.approve, .approved), (.unblock, .approved), (.block, .blocked): return nil
        case (.approve, .pending), (.unblock, .blocked):
            decisions.admission = .approved
            decide(decisions, at: position, now, &effects)
            note(verb == .approve ? "approved" : "unblocked", position, "by \(caller.text)", now, &effects)
            askForEverything(position, now, &effects)
        case (.block, _):
            decisions.admission = .blocked
            decide(decisions, at: position, now, &effects)
            note("blocked", position, "by \(caller.text)", now, &effects)
            for id in commandsByAgent[records[position].uid] ?? [] {
                _ = cancel(id, reason: "the agent was blocked by \(caller.name)", at: now, &effects)
            }
            part(position, "blocked", at: now, &effects)
            if let link = links[position] {
                if !isUsed(link, besides: records[position].uid) { effects.closes.append(link) }
                links[position] = nil
            }
        }
        return nil
    }

    /// Gives an agent these labels.
    mutating func label(
        _ labels: [String: String], at position: Int, by caller: Caller, _ now: Moment, _ effects: inout Effects
    ) {
        var decisions = records[position].decisions
        guard decisions.labels != labels else { return }
        decisions.labels = labels
        decide(decisions, at: position, now, &effects)
        let text = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        note("labelled", position, "by \(caller.text): \(text.nonEmpty ?? "no labels")", now, &effects)
    }
}

extension Caller {
    /// Who and from where, as events tell it.
    var text: String { "\(name) from \(address)" }
}
