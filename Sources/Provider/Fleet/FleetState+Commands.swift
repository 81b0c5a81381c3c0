import FleetAPI
import OpAMP
import SwiftProtobuf

// How commands are queued, handed over, proved and ended.
extension FleetState {
    /// Files a command as queued, under the uid that its agent has now.
    mutating func queue(_ open: OpenCommand, at now: Moment, _ effects: inout Effects) {
        var open = open
        if let position = InstanceUID(open.command.instanceUID).flatMap({ position(of: $0) }) {
            open.command.instanceUID = records[position].uid.description
        }
        file(open, at: now)
        commandsReached[open.command.state, default: 0] += 1
        effects.changes.append(.command(open))
    }

    /// Why a command cannot be queued now: the agent is gone, cannot take it, or has a restart open already.
    ///
    /// - Parameter acknowledged: whether a known defect of the agent's supervisor does not matter.
    func refusal(of command: Command, _ kind: CommandKind, acknowledged: Bool = false) -> Problem? {
        guard let uid = InstanceUID(command.instanceUID), let position = position(of: uid) else {
            return Problem(404, "No such agent", detail: "the agent has just been forgotten")
        }
        if let refusal = admissionRefusal(position) { return refusal }
        guard kind.isTaken(by: records[position].facts, command.parameters) else {
            let missing = kind.needed(command.parameters) ?? ""
            var problem = Problem(
                409, "Agent cannot do it",
                detail: "the agent does not have the capability \(missing) that "
                    + "\(command.command) needs"
            )
            problem.missingCapability = missing
            return problem
        }
        if kind.name == "restart", !acknowledged, let note = PeerNote.about(records[position].facts) {
            return Problem(
                409, "Known defect",
                detail: "the agent is \(note); if that is meant, ask for it with \"acknowledge_known_defect\": true"
            )
        }
        let open = (commandsByAgent[records[position].uid] ?? []).compactMap { commands[$0]?.command }
            .filter { !$0.state.isFinal }
        guard open.count < Self.openCommandLimit else {
            return Problem(
                409, "Too many open commands",
                detail: "\(open.count) commands of this agent are open; wait for their outcome or withdraw some"
            )
        }
        guard kind.proof == .startTime else { return nil }
        guard let other = open.first(where: { $0.proof == .startTime }) else { return nil }
        var problem = Problem(
            409, "Already open",
            detail: "a restart of this agent is \(other.state.rawValue) already; its outcome is "
                + "told by command_id"
        )
        problem.commandID = other.id
        return problem
    }

    /// Takes a command back that could not be written: it was never queued.
    mutating func drop(_ id: String) { unfile(id) }

    /// Hands over what is queued for an agent that is connected by WebSocket.
    mutating func push(to uid: InstanceUID, at now: Moment, _ effects: inout Effects) {
        guard let position = position(of: uid), let link = links[position], link.push != nil,
            vitals[position].status == .connected
        else { return }
        deliver(to: position, over: link, at: now, &effects)
    }

    /// Undoes handing over a command whose `sent` could not be written: it never left.
    mutating func takeBack(_ id: String) {
        commands[id]?.takeBack()
        if let open = commands[id] { takeBackOffer(open) }
        nextDeadline = .min
    }

    /// Notes that a command is on disk and may go out.
    mutating func written(_ id: String) { commands[id]?.isUnwritten = false }

    /// Notes that what was handed to an agent before may not have arrived.
    mutating func loseLink(of uid: InstanceUID) {
        for id in commandsByAgent[uid] ?? [] where commands[id]?.command.state == .sent {
            commands[id]?.isLinkLost = true
        }
    }

    /// Ends what has waited too long, and lets go of what ended long ago.
    mutating func endWaiting(at now: Moment, _ effects: inout Effects) {
        guard now.monotonic >= nextDeadline else { return }
        nextDeadline = .max
        for (id, open) in commands {
            guard now.monotonic >= open.deadline else {
                nextDeadline = min(nextDeadline, open.deadline)
                continue
            }
            var open = open
            guard open.checkTime(at: now) else {
                unfile(id)
                continue
            }
            update(open, &effects)
            if open.command.state == .unconfirmed, open.command.offerKind != nil,
                let position = InstanceUID(open.command.instanceUID).flatMap({ position(of: $0) })
            {
                pushForFullState(position, now, &effects)
            }
        }
    }

    /// Replaces what can be sent; agents are told of other custom capabilities with their next answers.
    mutating func define(_ catalogue: CommandCatalogue) {
        if catalogue.customCapabilities != self.catalogue.customCapabilities {
            for position in vitals.indices { vitals[position].isIntroductionDue = true }
        }
        self.catalogue = catalogue
    }

    /// Withdraws a command that is still queued; nil when it is not open any more.
    mutating func cancel(_ id: String, reason: String, at now: Moment, _ effects: inout Effects) -> OpenCommand? {
        guard var open = commands[id] else { return nil }
        guard open.command.state == .queued else { return open }
        open.cancel(reason, at: now)
        update(open, &effects)
        return open
    }

    /// The queued commands of an agent become deliveries: over HTTP one with each answer. So do, once more, those handed
    /// over on a link that is gone, if the agent tells ids apart.
    mutating func deliver(to position: Int, over link: Link, at now: Moment, _ effects: inout Effects) {
        let uid = records[position].uid
        for id in commandsByAgent[uid] ?? [] {
            if commands[id]?.command.offerKind != nil {
                if handOver(id, to: position, over: link, at: now, &effects), link.push == nil { return }
                continue
            }
            guard var open = commands[id], !open.command.state.isFinal, let kind = open.kind else { continue }
            let facts = records[position].facts
            let isDue = open.command.state == .queued && !open.isUnwritten
            let isDueAgain =
                open.command.state == .sent && open.isLinkLost && kind.carriesID
                && facts.customCapabilities.contains(CustomCapability.commandIDs)
            guard isDue || isDueAgain else { continue }
            guard isDueAgain || kind.isTaken(by: facts, open.command.parameters) else {
                open.cancel("the agent no longer has \(kind.needed(open.command.parameters) ?? "it")", at: now)
                update(open, &effects)
                continue
            }
            if kind.name == "identify" { open.newUID = offerUID(for: uid, at: now).description }
            open.send(at: now, startTimes: facts.startTimes)
            update(open, &effects)
            var message = answer(to: uid)
            if let accepted = open.message {
                message.customMessage = accepted.message(commandID: id)
            } else {
                kind.add(open.command, newUID: open.newUID.flatMap { InstanceUID($0) }, to: &message)
            }
            effects.deliveries.append(Delivery(commandID: id, message: message, link: link))
            if link.push == nil { return }
        }
    }

    mutating func takeProof(
        _ message: AgentToServer, at position: Int, _ now: Moment, _ effects: inout Effects
    ) {
        let uid = records[position].uid
        if message.hasHealth {
            for id in commandsByAgent[uid] ?? [] {
                guard var open = commands[id] else { continue }
                let startTime = message.health.startTimeUnixNano
                if open.reported(startTime: startTime, at: now, health: vitals[position].health) {
                    update(open, &effects)
                    note("restarted", position, open.command.evidence, now, &effects)
                }
            }
        }
        if message.hasAgentDescription {
            prove(position, .fullReport, "full report received", now, &effects) { _ in true }
        }
        takeStatuses(message, at: position, now, &effects)
        if message.hasCustomMessage { take(message.customMessage, at: position, now, &effects) }
    }

    /// Matches a custom message to the command it answers: by its id, else by being the only one open of its kind.
    mutating func take(
        _ message: CustomMessage, at position: Int, _ now: Moment, _ effects: inout Effects
    ) {
        let uid = records[position].uid
        let capability = CustomCapability.bare(message.capability)
        var open = (commandsByAgent[uid] ?? []).compactMap { commands[$0] }.filter {
            $0.awaitsProof && $0.command.proof == .reply && $0.kind?.needed($0.command.parameters) == capability
        }
        var reply = try? CustomReply(message)
        let awaiting = open.filter { $0.outcome(ofReply: message.type) != nil }
        if let succeeded = awaiting.first?.outcome(ofReply: message.type) {
            (open, reply) = (awaiting, CustomReply(anyData: message, succeeded: succeeded))
        }
        let answered: OpenCommand? =
            if let id = reply?.commandID { open.first { $0.command.id == id } } else {
                Self.only(open.filter { Self.isNamed(reply?.action, $0) })
            }
        guard var answered, let reply else {
            note("custom_message", position, "\(capability) \(message.type)", now, &effects)
            return
        }
        let tookRecord = reply.succeeded && reply.httpCode == 201 && answered.command.command == "chatops"
        let caveat = tookRecord ? "the agent took the record, which does not say the task is done" : nil
        answered.proved(
            "the agent replied \(message.type)", succeeded: reply.succeeded, result: reply.summary(caveat), at: now
        )
        answered.command.healthAfter = vitals[position].health
        update(answered, &effects)
    }

    /// Whether a reply that calls what it answers so can be about this command; nil fits each, and a raw message any.
    private static func isNamed(_ action: String?, _ open: OpenCommand) -> Bool {
        guard let action else { return true }
        if let message = open.message { return action == message.action }
        return switch open.command.command {
        case "chatops": action == "chatopcommand"
        case "shutdown": action == "shutdownagent"
        case "custom": true
        default: action == open.command.command
        }
    }

    /// The only one; nil where there are none or several.
    private static func only(_ open: [OpenCommand]) -> OpenCommand? { open.count == 1 ? open[0] : nil }

    /// Confirms the commands of an agent that wait for this proof.
    mutating func prove(
        _ position: Int, _ proof: CommandProof, _ evidence: String, _ now: Moment, _ effects: inout Effects,
        where applies: (OpenCommand) -> Bool
    ) {
        for id in commandsByAgent[records[position].uid] ?? [] {
            guard var open = commands[id], open.awaitsProof, open.command.proof == proof, applies(open) else {
                continue
            }
            open.proved(evidence, at: now)
            open.command.healthAfter = vitals[position].health
            update(open, &effects)
        }
    }

    mutating func update(_ changed: OpenCommand, _ effects: inout Effects) {
        let open = settle(changed, &effects)
        let before = commands.updateValue(open, forKey: open.command.id)
        if let before { effects.steps.append(.command(before: before, after: open)) }
        if before?.command.state != open.command.state { commandsReached[open.command.state, default: 0] += 1 }
        nextDeadline = min(nextDeadline, open.deadline)
        effects.changes.append(.command(open))
        effects.touched.append(open.command.id)
        noteInOperation(open, &effects)
    }

    mutating func file(_ open: OpenCommand, at now: Moment) {
        guard let uid = InstanceUID(open.command.instanceUID) else { return }
        var open = open
        open.startWaiting(at: now)
        commands[open.command.id] = open
        nextDeadline = min(nextDeadline, open.deadline)
        commandsByAgent[uid, default: []].append(open.command.id)
    }

    mutating func unfile(_ id: String) {
        guard let open = commands.removeValue(forKey: id), let uid = InstanceUID(open.command.instanceUID) else {
            return
        }
        let rest = (commandsByAgent[uid] ?? []).filter { $0 != id }
        commandsByAgent[uid] = rest.isEmpty ? nil : rest
    }

    /// Takes out the commands that have ended in these changes, which are on disk: from then on the store answers for
    /// them. One that has ended since, and whose end is still to be written, stays.
    mutating func dropFinished(_ written: [Change]) {
        for case .command(let open) in written
        where open.command.state.isFinal && (open.command.state != .unconfirmed || open.command.proof == .nothing) {
            unfile(open.command.id)
        }
        for case .operation(let operation) in written where operation.isSettled { operations[operation.id] = nil }
    }
}

extension CustomReply {
    /// The reply in one line.
    ///
    /// - Parameter caveat: what its code does not say.
    func summary(_ caveat: String?) -> String? {
        let code = httpCode.map { "HTTP \($0)" }
        let parts = [code, caveat, errorMessage?.nonEmpty, body?.nonEmpty].compactMap(\.self)
        return parts.isEmpty ? nil : parts.joined(separator: ": ") + (isTruncated ? " (cut by the agent)" : "")
    }
}
