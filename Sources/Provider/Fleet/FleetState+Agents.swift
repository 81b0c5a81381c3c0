import FleetAPI
import OpAMP
import SwiftProtobuf

// How agents come, change and go, and under which uid.
extension FleetState {
    mutating func join(
        _ uid: InstanceUID, _ message: AgentToServer, over link: Link, at now: Moment, _ effects: inout Effects
    ) -> Int {
        let decisions = decisionsOfNewcomer(uid)
        append(
            AgentRecord(uid: uid, firstSeen: now.wall, facts: AgentFacts(), decisions: decisions),
            Vitals(lastSeen: now, sequence: message.sequenceNum, status: .disconnected, transport: link.transport),
            link: nil
        )
        if decisions != .none { effects.changes.append(.decisions(uid, decisions, at: now.wall)) }
        tokenOwnerCame(uid, at: records.count - 1, now, &effects)
        return records.count - 1
    }

    mutating func append(_ record: AgentRecord, _ vitals: Vitals, link: Link?) {
        records.append(record)
        self.vitals.append(vitals)
        links.append(link)
        if record.decisions.admission == .pending { pendingCount += 1 }
        if record.decisions.hasOfferings, let taken = record.decisions.settings.taken {
            self.vitals[records.count - 1].offeredInterval = UInt32(clamping: taken)
        }
        index.insert(record, at: records.count - 1)
        refreshHealth(records.count - 1)
    }

    /// Makes this link the one that the agent is reached on.
    mutating func takeLink(_ link: Link, at position: Int) {
        guard link.transport == .webSocket else {
            links[position] = nil
            return
        }
        if links[position] !== link {
            links[position] = link
            register(records[position].uid, on: link)
            vitals[position].messagesOnLink = 0
            vitals[position].wasIntroduced = false
        }
        vitals[position].messagesOnLink = min(2, vitals[position].messagesOnLink + 1)
        if vitals[position].messagesOnLink > 1 { vitals[position].briefLinks = 0 }
    }

    /// Notes that an agent is reached on a WebSocket: mostly the only one.
    private mutating func register(_ uid: InstanceUID, on link: Link) {
        let key = ObjectIdentifier(link)
        if let first = uidByLink[key], first != uid {
            moreByLink[key, default: []].insert(uid)
        } else {
            uidByLink[key] = uid
        }
    }

    /// Whether other agents are reached on this WebSocket too, so that it cannot be closed for the sake of one.
    func isUsed(_ link: Link, besides uid: InstanceUID) -> Bool {
        let key = ObjectIdentifier(link)
        guard let first = uidByLink[key] else { return false }
        return ([first] + (moreByLink[key] ?? [])).contains { other in
            other != uid && position(of: other).map { links[$0] === link && records[$0].uid != uid } ?? false
        }
    }

    mutating func part(_ position: Int, _ reason: String, at now: Moment, _ effects: inout Effects) {
        let wasConnected = vitals[position].status != .disconnected
        vitals[position].status = .disconnected
        vitals[position].wasIntroduced = false
        refreshHealth(position)
        // One that waits comes and goes each minute.
        if wasConnected, records[position].decisions.admission == .approved {
            note("disconnected", position, reason, now, &effects)
        }
    }

    /// Forgets an agent and cancels what is queued for it; its labels are kept for a while.
    ///
    /// - Parameter keepsTokens: whether its own token is kept for as long, so that it can come back.
    mutating func forget(_ position: Int, keepsTokens: Bool, at now: Moment, _ effects: inout Effects) {
        let uid = records[position].uid
        for id in commandsByAgent[uid] ?? [] {
            guard var open = commands[id] else { continue }
            if open.command.state == .queued {
                open.cancel("the agent was forgotten", at: now)
                update(open, &effects)
            } else if open.command.state == .sent {
                open.giveUp("the agent was forgotten before its outcome was known", at: now)
                update(open, &effects)
            }
            unfile(id)
        }
        effects.changes.append(.forget(uid))
        forgetTokens(of: uid, keeping: keepsTokens, at: now, &effects)
        let decisions = records[position].decisions
        if decisions.admission == .pending { pendingCount -= 1 }
        if !decisions.labels.isEmpty {
            keptLabels[uid] = KeptLabels(labels: decisions.labels, since: now)
            effects.changes.append(.decisions(uid, Decisions(labels: decisions.labels), at: now.wall))
        }
        dropRivals(of: uid, position, now, &effects) { _, _ in true }
        (doubts[uid], heirs[uid]) = (nil, nil)
        for kind in OfferKind.allCases { handovers[OfferKey(uid: uid, kind: kind)] = nil }
        if !aliases.isEmpty { aliases = aliases.filter { $0.value != uid } }
        if let offered = offers.removeValue(forKey: uid) { offeredTo[offered] = nil }
        let last = records.count - 1
        index.remove(records[position], at: position)
        if position != last {
            index.remove(records[last], at: last)
            records.swapAt(position, last)
            vitals.swapAt(position, last)
            links.swapAt(position, last)
            index.insert(records[position], at: position)
        }
        records.removeLast()
        vitals.removeLast()
        links.removeLast()
    }

    mutating func apply(
        _ message: AgentToServer, at position: Int, isNew: Bool, _ now: Moment, _ effects: inout Effects
    ) {
        if !isNew, records[position].facts.hasNothingNew(in: message) { return refreshHealth(position) }
        let old = records[position]
        var facts = old.facts
        facts.apply(message, interned: &interned)
        if message.hasConnectionSettingsRequest { noteCertificateRequest(position, now, &effects) }
        if facts.configHash != old.facts.configHash { facts.configChangedAt = now.wall }
        let isChanged = facts != old.facts
        if isChanged {
            let record = AgentRecord(uid: old.uid, firstSeen: old.firstSeen, facts: facts, decisions: old.decisions)
            let moved = facts.host != old.facts.host || facts.serviceInstanceID != old.facts.serviceInstanceID
            if moved { index.remove(old, at: position) }
            records[position] = record
            if moved { index.insert(record, at: position) }
            followConfig(old.facts, at: position, now, &effects)
            noteDifferences(old.facts, facts, position, now, &effects)
            if let hash = facts.configHash, hash != old.facts.configHash {
                let body = (try? message.effectiveConfig.serializedBytes() as [UInt8]) ?? []
                effects.changes.append(.config(hash: hash, body: body))
            }
        }
        refreshHealth(position)
        if isChanged || isNew {
            effects.changes.append(.agent(records[position], vitals[position]))
        }
    }

    mutating func refreshHealth(_ position: Int) {
        guard vitals[position].status == .connected, let isHealthy = records[position].facts.isHealthy else {
            vitals[position].health = .unknown
            return
        }
        vitals[position].health = isHealthy ? .healthy : .unhealthy
    }

    mutating func noteDifferences(
        _ old: AgentFacts, _ new: AgentFacts, _ position: Int, _ now: Moment, _ effects: inout Effects
    ) {
        if new.isHealthy == false, old.isHealthy != false || new.error != old.error {
            note("unhealthy", position, new.error, now, &effects)
        } else if new.isHealthy == true, old.isHealthy == false {
            note("healthy", position, nil, now, &effects)
        }
        if let before = old.configHash, let after = new.configHash, before != after {
            note("config_changed", position, "\(before.prefix(8)) → \(after.prefix(8))", now, &effects)
        }
        if new.configStatus == .failed, old.configStatus != .failed || new.configError != old.configError {
            note("config_failed", position, new.configError, now, &effects)
        }
        if let before = old.version?.text, let after = new.version?.text, before != after {
            note("version_changed", position, "\(before) → \(after)", now, &effects)
        }
    }

    func note(
        _ kind: String, _ position: Int, _ text: String?, _ now: Moment, _ effects: inout Effects
    ) {
        var event = FleetEvent()
        (event.at, event.kind) = (now.wall, kind)
        event.instanceUID = records[position].uid.description
        event.text = text.map { $0.prefixUTF8(1024) }
        effects.changes.append(.event(event))
    }

    // MARK: - Uids

    /// The uid offered to an agent, to be adopted when a message comes with it: the same one until then.
    mutating func offerUID(for uid: InstanceUID, at now: Moment) -> InstanceUID {
        if let offered = offers[uid] { return offered }
        let offered = makeUID(at: now)
        offers[uid] = offered
        offeredTo[offered] = uid
        return offered
    }

    /// Offers an agent that asks for an instance uid one. So that it is kept until a message comes with it, that is an
    /// `identify` which the agent asked for itself.
    ///
    /// - Returns: nil while another answer with it waits to be written.
    mutating func offerRequestedUID(
        _ position: Int, over link: Link, _ now: Moment, _ effects: inout Effects
    ) -> InstanceUID? {
        let uid = records[position].uid
        let offered = offerUID(for: uid, at: now)
        let known = (commandsByAgent[uid] ?? []).compactMap { commands[$0] }
        if let open = known.first(where: { $0.awaitsProof && $0.newUID == offered.description }) {
            let isWritten = !open.isUnwritten && !effects.deliveries.contains { $0.commandID == open.command.id }
            return isWritten ? offered : nil
        }
        let caller = Caller(name: "the agent itself", address: link.remoteAddress ?? "")
        var order = CommandOrder(CommandKind.identify, [:], caller: caller)
        order.take(expiresSeconds: nil, confirmSeconds: CommandRequest.confirmSecondsAllowed.upperBound)
        var open = order.command(id: Fleet.newID(), for: records[position], vitals[position], at: now)
        (open.newUID, open.isUnwritten) = (offered.description, true)
        file(open, at: now)
        open.send(at: now, startTimes: [])
        update(open, &effects)
        effects.offeringCommand = open.command.id
        return offered
    }

    func makeUID(at now: Moment) -> InstanceUID {
        var random = SystemRandomNumberGenerator()
        return InstanceUID.version7(unixMilliseconds: UInt64(now.wall.nanoseconds / 1_000_000), using: &random)
    }

    /// The agent that goes on under its former uid, which no other agent has: it comes over its own WebSocket, bears
    /// the same names, or continues its numbers. Anybody else under that uid is a new agent.
    func formerSender(_ uid: InstanceUID, _ message: AgentToServer, over link: Link) -> Int? {
        guard let position = aliases[uid].flatMap({ index.position(of: $0) }) else { return nil }
        if links[position] === link { return position }
        if message.hasAgentDescription {
            let names = SenderNames(message.agentDescription)
            return names.name(sameAs: SenderNames(records[position].facts)) ? position : nil
        }
        let last = vitals[position].sequence
        let continues = message.sequenceNum == last || message.sequenceNum == last &+ 1
        return link.transport == .http && vitals[position].transport == .http && continues ? position : nil
    }

    /// Goes on with an agent under the uid it was offered: labels, history and queue move, the old uid stays an alias.
    mutating func adopt(_ uid: InstanceUID, at now: Moment, _ effects: inout Effects) {
        guard index.position(of: uid) == nil, let old = offeredTo.removeValue(forKey: uid),
            let position = index.position(of: old)
        else { return }
        offers[old] = nil
        dropRivals(of: old, position, now, &effects) { _, _ in true }
        let record = records[position]
        index.remove(record, at: position)
        records[position] = AgentRecord(
            uid: uid, firstSeen: record.firstSeen, facts: record.facts, decisions: record.decisions
        )
        index.insert(records[position], at: position)
        for (alias, target) in aliases where target == old { aliases[alias] = uid }
        aliases[old] = uid
        aliases[uid] = nil
        if let link = links[position] {
            let key = ObjectIdentifier(link)
            if uidByLink[key] == old { uidByLink[key] = uid }
            if moreByLink[key]?.remove(old) != nil { moreByLink[key]?.insert(uid) }
        }
        (doubts[old], heirs[old]) = (nil, nil)
        effects.changes.append(.rename(from: old, to: uid))
        ownTokens.move(from: old, to: uid)
        for kind in OfferKind.allCases {
            let handover = handovers.removeValue(forKey: OfferKey(uid: old, kind: kind))
            handovers[OfferKey(uid: uid, kind: kind)] = handover
        }
        let ids = commandsByAgent.removeValue(forKey: old) ?? []
        commandsByAgent[uid] = ids
        for id in ids {
            commands[id]?.command.instanceUID = uid.description
            if let open = commands[id] { effects.changes.append(.command(open)) }
        }
        note("renamed", position, "from \(old)", now, &effects)
        prove(position, .newUID, "reports as \(uid)", now, &effects) { $0.newUID == uid.description }
    }
}
