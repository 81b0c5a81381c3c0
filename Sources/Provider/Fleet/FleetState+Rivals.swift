import FleetAPI
import OpAMP
import SwiftProtobuf

// What becomes of a sender that uses the instance uid of another agent.
extension FleetState {
    /// Takes a message of a known rival.
    ///
    /// - Returns: nil when it takes the agent's place with this message.
    mutating func hear(
        _ number: Int, of uid: InstanceUID, _ message: AgentToServer, _ names: SenderNames?, _ position: Int,
        _ link: Link, _ now: Moment, _ effects: inout Effects
    ) -> AgentReply? {
        guard var rival = rivals[uid]?[number] else { return nil }
        if message.hasAgentDisconnect {
            dropRivals(of: uid, position, now, &effects) { other, _ in other == number }
            return AgentReply(answer(to: uid))
        }
        if let socket = rival.webSocket, socket !== link, !isUsed(socket, besides: uid) {
            effects.closes.append(socket)
        }
        rival.heard(message, names, over: link, at: now)
        rivals[uid]?[number] = rival
        switch rival.phase {
        case .asking:
            if isGone(position, rival, now) {
                takePlace(at: position, over: link, rival.names, &effects, now)
                return nil
            }
            guard rival.names != nil, isAlive(position, since: rival.since) else { return AgentReply(answer(to: uid)) }
            detect(number, of: uid, position, now, &effects)
            return offer(number, of: uid, position, over: link, now, &effects)
        case .duplicate, .refused:
            if links[position] == nil, !isDisputed(uid, position, now) {
                takePlace(at: position, over: link, rival.names, &effects, now)
                return nil
            }
            return offer(number, of: uid, position, over: link, now, &effects)
        }
    }

    /// The agent itself speaks: a rival that polls and was heard since its last message is another sender.
    mutating func agentSpoke(_ uid: InstanceUID, _ position: Int, _ now: Moment, _ effects: inout Effects) {
        guard !rivals.isEmpty, let known = rivals[uid] else { return }
        for (number, rival) in known.enumerated() where rival.phase == .asking {
            rivals[uid]?[number].messages = 0
            if rival.names != nil { detect(number, of: uid, position, now, &effects, isOffered: true) }
        }
    }

    /// Once a second: rivals whose time to wait is over.
    mutating func settleRivals(at now: Moment, _ effects: inout Effects) {
        guard !rivals.isEmpty else { return }
        for uid in rivals.keys.sorted() {
            guard let position = index.position(of: uid) else {
                rivals[uid] = nil
                continue
            }
            dropRivals(of: uid, position, now, &effects) { _, rival in
                now.monotonic - rival.heard.monotonic > Rival.forgetTime.nanoseconds
            }
            for (number, rival) in (rivals[uid] ?? []).enumerated() where rival.phase == .asking {
                if settle(number, of: uid, position, rival, now, &effects) { break }
            }
        }
    }

    /// - Returns: whether the rival is none any more.
    private mutating func settle(
        _ number: Int, of uid: InstanceUID, _ position: Int, _ rival: Rival, _ now: Moment, _ effects: inout Effects
    ) -> Bool {
        let since = rival.since.monotonic
        let isOver = now.monotonic - since - lostTime.lost(since: since, at: now) >= Rival.answerTime.nanoseconds
        let isConnected = vitals[position].status == .connected
        if links[position] != nil, isAlive(position, since: rival.since) {
            if rival.names != nil { detect(number, of: uid, position, now, &effects, isOffered: true) }
        } else if links[position] != nil ? isOver : !isConnected && (isOver || !isDisputed(uid, position, now)) {
            replace(position, by: number, rival, now, &effects)
            return true
        }
        guard isOver, rival.names == nil else { return false }
        settleNameless(number, of: uid, position, rival, now, &effects)
        return true
    }

    /// Both are there, and the new one does not say who it is: the newest session wins, unless others are known to use
    /// the uid too.
    private mutating func settleNameless(
        _ number: Int, of uid: InstanceUID, _ position: Int, _ rival: Rival, _ now: Moment, _ effects: inout Effects
    ) {
        guard vitals[position].isInConflict else { return replace(position, by: number, rival, now, &effects) }
        if let socket = rival.webSocket {
            effects.pushes.append((refusal(of: uid, position), socket))
            if !isUsed(socket, besides: uid) { effects.closes.append(socket) }
        }
        dropRivals(of: uid, position, now, &effects) { other, _ in other == number }
    }

    // MARK: - Who is there

    /// Whether there was a sign of life of an agent since then: a message, or an answer to a ping.
    private func isAlive(_ position: Int, since moment: Moment) -> Bool {
        vitals[position].lastSeen.monotonic > moment.monotonic
            || (links[position].map { isAlive($0, since: moment) } ?? false)
    }

    private func isAlive(_ link: Link, since moment: Moment) -> Bool { link.lastAnsweredPing > moment.monotonic }

    /// Whether a rival may take the place of an agent: that one has left, or polls and was not heard between two
    /// messages of the rival.
    private func isGone(_ position: Int, _ rival: Rival, _ now: Moment) -> Bool {
        guard links[position] == nil else { return false }
        guard vitals[position].status == .connected else { return !isDisputed(records[position].uid, position, now) }
        guard rival.messages >= 2, rival.names != nil else { return false }
        // A poller is given the time for its next poll.
        let waited = now.monotonic - rival.since.monotonic
        return rival.isHTTP || waited >= vitals[position].expectedInterval.nanoseconds
    }

    /// Whether others are known to use the uid of an agent that has been away for less than three expected intervals:
    /// it may be about to come back, and its place is kept.
    func isDisputed(_ uid: InstanceUID, _ position: Int, _ now: Moment) -> Bool {
        guard !rivals.isEmpty, let known = rivals[uid], known.contains(where: { $0.phase != .asking }) else {
            return false
        }
        return !vitals[position].isSilent(at: now, lastPong: 0)
    }

    // MARK: - What follows

    /// Both are there and differ: it is a duplicate.
    ///
    /// - Parameter isOffered: whether the uid is offered over its WebSocket now; else that goes with an answer.
    private mutating func detect(
        _ number: Int, of uid: InstanceUID, _ position: Int, _ now: Moment, _ effects: inout Effects,
        isOffered: Bool = false
    ) {
        guard var rival = rivals[uid]?[number] else { return }
        let newUID = makeUID(at: now)
        (rival.phase, rival.newUID) = (.duplicate, newUID)
        separations[newUID] = uid
        note("duplicate", position, "the instance uid is also used by \(rival.text)", now, &effects)
        if isOffered, let socket = rival.webSocket {
            rival.offers = 1
            effects.pushes.append((answer(to: uid, offering: newUID), socket))
        }
        rivals[uid]?[number] = rival
    }

    /// Answers a duplicate: with an offer as long as there are some left, else by refusing it.
    private mutating func offer(
        _ number: Int, of uid: InstanceUID, _ position: Int, over link: Link, _ now: Moment, _ effects: inout Effects
    ) -> AgentReply {
        guard var rival = rivals[uid]?[number], let newUID = rival.newUID else { return AgentReply(answer(to: uid)) }
        if rival.phase == .duplicate, rival.offers < Rival.offerLimit {
            rival.offers += 1
            rivals[uid]?[number] = rival
            return AgentReply(answer(to: uid, offering: newUID))
        }
        if rival.phase != .refused {
            rivals[uid]?[number].phase = .refused
            vitals[position].isInConflict = true
            note("conflict", position, "\(rival.text) goes on with the same instance uid", now, &effects)
        }
        return AgentReply(refusal(of: uid, position), ending: isUsed(link, besides: uid) ? nil : .refused)
    }

    private func answer(to uid: InstanceUID, offering newUID: InstanceUID) -> ServerToAgent {
        var message = answer(to: uid)
        message.agentIdentification.newInstanceUid = newUID.data
        return message
    }

    private func refusal(of uid: InstanceUID, _ position: Int) -> ServerToAgent {
        let owner = SenderNames(records[position].facts).text ?? "another agent"
        return .badRequest("the instance uid \(uid) is used by \(owner); take another one")
    }

    /// The agent goes on over this connection: the old one is closed, and what the new session has not told is asked.
    mutating func takePlace(
        at position: Int, over link: Link, _ names: SenderNames?, _ effects: inout Effects, _ now: Moment
    ) {
        let uid = records[position].uid
        if let open = links[position], open !== link {
            if !isUsed(open, besides: uid) { effects.closes.append(open) }
            links[position] = nil
        }
        guard !rivals.isEmpty, rivals[uid] != nil else { return }
        let isOther = names?.differ(from: ownNames(position)) ?? false
        dropRivals(of: uid, position, now, &effects) { _, rival in
            rival.webSocket === link || rival.phase == .asking
                || (names.flatMap { names in rival.names.map { names.name(sameAs: $0) } } ?? false)
        }
        if isOther {
            heirs[uid] = names
            forceFullState(position)
        }
    }

    /// A rival takes an agent's place without a message of it: it is asked for its full state, since what it said so
    /// far was not applied.
    private mutating func replace(
        _ position: Int, by number: Int, _ rival: Rival, _ now: Moment, _ effects: inout Effects
    ) {
        let uid = records[position].uid
        loseLink(of: uid)
        if let open = links[position], !isUsed(open, besides: uid) { effects.closes.append(open) }
        links[position] = nil
        dropRivals(of: uid, position, now, &effects) { other, _ in other == number }
        let link = rival.webSocket ?? Link(transport: .http, remoteAddress: rival.remoteAddress, push: nil)
        heirs[uid] = rival.names ?? .unknown
        takeLink(link, at: position)
        vitals[position].sequence = rival.sequence
        vitals[position].lastSeen = rival.heard
        vitals[position].transport = link.transport
        vitals[position].status = .connected
        refreshHealth(position)
        note("replaced", position, "by a new session of \(rival.text)", now, &effects)
        askForEverything(position, now, &effects)
    }

    /// Has the next answer ask for the full state, however short ago it was asked last.
    private mutating func forceFullState(_ position: Int) {
        vitals[position].wantsFullState = true
        vitals[position].askedFullStateAt = nil
    }

    /// Takes rivals out; a conflict ends with the last of those that are refused.
    ///
    /// - Parameter isDone: told the place of a rival among those of the uid, and the rival.
    mutating func dropRivals(
        of uid: InstanceUID, _ position: Int, _ now: Moment, _ effects: inout Effects,
        where isDone: (Int, Rival) -> Bool
    ) {
        guard !rivals.isEmpty, let known = rivals[uid] else { return }
        var rest: [Rival] = []
        for (number, rival) in known.enumerated() {
            if !isDone(number, rival) {
                rest.append(rival)
            } else if let newUID = rival.newUID {
                separations[newUID] = nil
            }
        }
        rivals[uid] = rest.isEmpty ? nil : rest
        if vitals[position].isInConflict, !rest.contains(where: { $0.phase == .refused }) {
            vitals[position].isInConflict = false
            note("conflict_ended", position, nil, now, &effects)
        }
    }
}
