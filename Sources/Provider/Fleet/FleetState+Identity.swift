import FleetAPI
import OpAMP
import SwiftProtobuf

// Who it is that speaks under an instance uid.
extension FleetState {
    /// Finds out whether a message that bears the uid of a known agent is that agent's.
    ///
    /// - Returns: nil when it is, or when its sender takes the agent's place now; else the answer to a sender whose
    ///   message is not applied.
    /// Spec: OpAMP, "Duplicate WebSocket Connections", "Agent Instance UID".
    mutating func judge(
        _ message: AgentToServer, at position: Int, over link: Link, _ now: Moment, _ effects: inout Effects
    ) -> AgentReply? {
        let open = links[position]
        let uid = records[position].uid
        if let open, open === link {
            agentSpoke(uid, position, now, &effects)
            return nil
        }
        let names = message.hasAgentDescription ? SenderNames(message.agentDescription) : nil
        if let names, !names.differ(from: ownNames(position)) {
            if open == nil, link.transport == vitals[position].transport, !isRival(link, of: uid) {
                agentSpoke(uid, position, now, &effects)
            } else {
                takePlace(at: position, over: link, names, &effects, now)
            }
            return nil
        }
        if let rival = rivalIndex(uid, message, names, position, link) {
            return hear(rival, of: uid, message, names, position, link, now, &effects)
        }
        if open == nil {
            let isConnected = vitals[position].status == .connected
            let isPlaceKept = !isConnected && isDisputed(uid, position, now)
            if names == nil, !isPlaceKept, !isConnected || link.transport == vitals[position].transport {
                doubtNumbers(of: uid, message, position, link)
                agentSpoke(uid, position, now, &effects)
                return nil
            }
            if !isConnected, !isPlaceKept { return nil }
        }
        // A goodbye of somebody else changes nothing.
        if message.hasAgentDisconnect { return AgentReply(answer(to: uid)) }
        return meet(message, names, uid, position, link, now, &effects)
    }

    /// What an agent is known by: what it last said, or what its successor said before it took its place.
    func ownNames(_ position: Int) -> SenderNames {
        if !heirs.isEmpty, let heir = heirs[records[position].uid] { return heir }
        return SenderNames(records[position].facts)
    }

    /// A new sender: what it says is not applied until it is known who it is.
    private mutating func meet(
        _ message: AgentToServer, _ names: SenderNames?, _ uid: InstanceUID, _ position: Int, _ link: Link,
        _ now: Moment, _ effects: inout Effects
    ) -> AgentReply {
        guard rivals[uid, default: []].count < Rival.limit else {
            return AgentReply(.unavailable("many agents use the instance uid \(uid)", retryAfter: .seconds(60)))
        }
        rivals[uid, default: []].append(Rival(message, names, over: link, at: now))
        if let open = links[position] { effects.pings.append(open) }
        var reply = answer(to: uid)
        if names == nil { reply.flags = ServerToAgentFlags.reportFullState.rawValue }
        return AgentReply(reply)
    }

    private func isRival(_ link: Link, of uid: InstanceUID) -> Bool {
        !rivals.isEmpty && (rivals[uid]?.contains { $0.webSocket === link } ?? false)
    }

    /// Whose message this is among the rivals: by its connection, its names, else by its numbers.
    private func rivalIndex(
        _ uid: InstanceUID, _ message: AgentToServer, _ names: SenderNames?, _ position: Int, _ link: Link
    ) -> Int? {
        guard !rivals.isEmpty, let known = rivals[uid] else { return nil }
        if let found = known.firstIndex(where: { $0.webSocket === link }) { return found }
        if let names {
            return known.firstIndex { rival in rival.names.map { names.name(sameAs: $0) } ?? false }
                ?? known.firstIndex { $0.names == nil && $0.isHTTP && link.transport == .http }
        }
        guard link.transport == .http else { return nil }
        let (number, last) = (message.sequenceNum, vitals[position].sequence)
        let hasSocket = links[position] != nil
        if !hasSocket, number == last &+ 1 { return nil }
        let polling = known.indices.filter { known[$0].isHTTP }
        if let found = polling.first(where: { number &- known[$0].sequence <= 1 }) { return found }
        // Some clients leave numbers out.
        if !hasSocket, number &- last <= Rival.numbersLeftOut { return nil }
        if let found = polling.first(where: { number &- known[$0].sequence <= Rival.numbersLeftOut }) { return found }
        return hasSocket && polling.count == 1 ? polling[0] : nil
    }

    /// Asks an agent over HTTP for its full state where its numbers go back to an earlier stream, as those of two
    /// senders do: it names itself then. A mere gap is no reason for doubt.
    private mutating func doubtNumbers(of uid: InstanceUID, _ message: AgentToServer, _ position: Int, _ link: Link) {
        let (last, number) = (vitals[position].sequence, message.sequenceNum)
        guard link.transport == .http, number != last, number != last &+ 1 else { return }
        var doubt = doubts[uid] ?? NumberDoubt(earlier: last)
        if doubts[uid] != nil, number == doubt.earlier &+ 1, doubt.asked < NumberDoubt.askLimit {
            doubt.asked += 1
            vitals[position].wantsFullState = true
            vitals[position].askedFullStateAt = nil
        }
        doubt.earlier = last
        doubts[uid] = doubt
    }

    // MARK: - Ends

    /// The WebSocket of a rival is gone; what is not settled needs no settling then.
    mutating func closedRival(_ link: Link) {
        guard !rivals.isEmpty else { return }
        for (uid, known) in rivals {
            guard let found = known.firstIndex(where: { $0.webSocket === link }) else { continue }
            if known[found].phase == .asking {
                rivals[uid]?.remove(at: found)
                if rivals[uid]?.isEmpty == true { rivals[uid] = nil }
            } else {
                rivals[uid]?[found].webSocket = nil
            }
        }
    }

    /// A sender comes with the uid that was offered to a rival: from now on it is an agent of its own.
    mutating func separate(_ uid: InstanceUID, at now: Moment, _ effects: inout Effects) {
        guard !separations.isEmpty, let old = separations.removeValue(forKey: uid) else { return }
        guard let position = index.position(of: old) else { return }
        note("separated", position, "the other one is \(uid) now", now, &effects)
        dropRivals(of: old, position, now, &effects) { _, rival in rival.newUID == uid }
    }

    /// Why nothing may be sent under this uid now: two agents use it; nil when one does.
    func conflictRefusal(_ position: Int) -> Problem? {
        guard vitals[position].isInConflict else { return nil }
        let other = conflict(of: records[position].uid) ?? "another agent"
        return Problem(
            409, "Agent in conflict",
            detail: "its instance uid is used by \(other) too, which could take the command; stop one of the two or "
                + "give it another instance uid"
        )
    }

    /// Who else uses the uid of an agent; nil when nobody does.
    func conflict(of uid: InstanceUID) -> String? {
        rivals[uid]?.first { $0.phase == .refused }?.text
    }
}

/// That the numbers of an agent over HTTP jumped, as those of two senders of one uid do.
struct NumberDoubt: Sendable {
    /// How many times names are asked for: once of either sender.
    static let askLimit = 2

    /// The last number before the last gap.
    var earlier: UInt64
    var asked = 0
}
