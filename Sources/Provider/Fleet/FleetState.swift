import FleetAPI
import OpAMP
import SwiftProtobuf

/// Every agent and every open command: decides what a message, a request or the passing of time changes. Does no I/O:
/// what is to be written and sent is collected as effects, in order.
struct FleetState: Sendable {
    /// What the server tells agents it can do. Spec: OpAMP, "ServerToAgent.capabilities".
    static let capabilities: ServerCapabilities = [.acceptsStatus, .acceptsEffectiveConfig]
    /// An agent is asked for its full state at most this often.
    static let fullStateInterval = Duration.seconds(60)
    /// How long a command that was not confirmed in time still takes proof.
    static let lateProofTime = Duration.seconds(3600)

    /// What follows from a decision.
    struct Effects: Sendable {
        var changes: [Change] = []
        /// Commands that are handed over as soon as their `sent` is on disk.
        var deliveries: [Delivery] = []
        /// Ids of commands whose state changed.
        var touched: [String] = []
    }

    /// A message that carries one command, and the connection it goes out on.
    struct Delivery: Sendable {
        let commandID: String
        let message: ServerToAgent
        let link: Link
    }

    // One agent is one position in the three arrays; readers take copies of the first two.
    private(set) var records: [AgentRecord] = []
    private(set) var vitals: [Vitals] = []
    private var links: [Link?] = []
    private(set) var index = AgentIndex()
    private(set) var aliases: [InstanceUID: InstanceUID] = [:]
    private var uidByLink: [ObjectIdentifier: InstanceUID] = [:]
    /// Uids offered to agents and not yet adopted, one an agent, in both directions.
    private var offers: [InstanceUID: InstanceUID] = [:]
    private var offeredTo: [InstanceUID: InstanceUID] = [:]

    /// By id; the open ones, and those that late proof may still reach.
    private(set) var commands: [String: OpenCommand] = [:]
    /// Ids of an agent's commands in `commands`, in the order they were queued.
    private(set) var commandsByAgent: [InstanceUID: [String]] = [:]

    /// Keys of requests that are being written.
    var keysInFlight: Set<IdempotencyKey> = []

    private var interned = InternedTexts()

    init() {}

    init(_ stored: Store.StoredFleet, now: Moment) {
        aliases = stored.aliases
        for agent in stored.agents {
            var vitals = Vitals(
                lastSeen: Moment(wall: agent.lastSeen, monotonic: now.monotonic), sequence: agent.sequence,
                status: .disconnected, transport: agent.transport
            )
            vitals.wasIntroduced = false
            append(agent.record, vitals, link: nil)
        }
        for command in stored.commands { file(command) }
    }

    /// The position of an agent by its present uid or a former one.
    func position(of uid: InstanceUID) -> Int? {
        index.position(of: uid) ?? aliases[uid].flatMap { index.position(of: $0) }
    }

    // MARK: - Messages

    /// Takes a message and says what to answer.
    ///
    /// - Parameter uid: the instance uid in it.
    /// - Returns: the answer, without a command: those are deliveries among the effects.
    mutating func receive(
        _ message: AgentToServer, from uid: InstanceUID, over link: Link, at now: Moment, _ effects: inout Effects
    ) -> ServerToAgent {
        adopt(uid, at: now, &effects)
        let isNew = index.position(of: uid) == nil
        let position = index.position(of: uid) ?? join(uid, message, over: link, at: now)
        let isRepeated = !isNew && message.sequenceNum == vitals[position].sequence && message.sequenceNum != 0
        let hasGap = !isNew && !isRepeated && message.sequenceNum != vitals[position].sequence &+ 1
        takeLink(link, at: position)

        let wasConnected = vitals[position].status == .connected
        vitals[position].heard(at: now)
        vitals[position].sequence = message.sequenceNum
        vitals[position].transport = link.transport
        if message.hasAgentDisconnect {
            part(position, "said goodbye", at: now, &effects)
            return answer(to: uid)
        }
        vitals[position].status = .connected
        if !wasConnected { note("connected", position, link.remoteAddress.map { "from \($0)" }, now, &effects) }

        apply(message, at: position, now, &effects)
        takeProof(message, at: position, now, &effects)

        if !isRepeated { deliver(to: position, over: link, at: now, &effects) }

        if message.hasAgentDescription {
            vitals[position].wantsFullState = false
        } else if hasGap || isNew {
            vitals[position].wantsFullState = true
        }
        var reply = answer(to: uid)
        // An OpAMP command that rides on this answer has to be alone in it: the rest waits for the next one.
        if link.push == nil, effects.deliveries.contains(where: { $0.message.hasCommand }) { return reply }
        introduce(message, position, isNew: isNew, &reply)
        askForFullState(position, now, &reply)
        if AgentToServerFlags(rawValue: message.flags).contains(.requestInstanceUID) {
            reply.agentIdentification.newInstanceUid = offerUID(for: uid, at: now).data
        }
        return reply
    }

    /// The WebSocket of a link is gone.
    mutating func closed(_ link: Link, at now: Moment, _ effects: inout Effects) {
        guard let uid = uidByLink.removeValue(forKey: ObjectIdentifier(link)),
            let position = position(of: uid), links[position] === link
        else { return }
        links[position] = nil
        let isBrief = vitals[position].messagesOnLink <= 1
        vitals[position].briefLinks = isBrief ? min(2, vitals[position].briefLinks + 1) : 0
        vitals[position].wasIntroduced = false
        // A client that opens a socket for each message is heard again; silence will tell if not.
        if !vitals[position].isPolling, vitals[position].status != .disconnected {
            part(position, "connection lost", at: now, &effects)
        }
    }

    // MARK: - Time

    /// Marks silent agents, and ends commands that have waited too long.
    mutating func tick(at now: Moment, _ effects: inout Effects) {
        for position in vitals.indices where vitals[position].status == .connected {
            if vitals[position].isSilent(at: now, lastPong: links[position]?.lastAnsweredPing ?? 0) {
                vitals[position].status = .stale
                refreshHealth(position)
                note("stale", position, "silent for three expected intervals", now, &effects)
            }
        }
        for (id, open) in commands {
            var open = open
            if open.checkTime(at: now) {
                update(open, &effects)
            } else if open.command.state.isFinal, now.wall - open.command.queuedAt > Self.lateProofTime {
                unfile(id)
            }
        }
    }

    /// The agents heard since a moment of the monotonic clock, for storing when that was.
    func seen(since moment: Int64) -> [(uid: InstanceUID, lastSeen: Timestamp, sequence: UInt64)] {
        vitals.indices.lazy.filter { vitals[$0].lastSeen.monotonic > moment }.map {
            (records[$0].uid, vitals[$0].lastSeen.wall, vitals[$0].sequence)
        }
    }

    // MARK: - Agents coming, changing and going

    private mutating func join(
        _ uid: InstanceUID, _ message: AgentToServer, over link: Link, at now: Moment
    ) -> Int {
        append(
            AgentRecord(uid: uid, firstSeen: now.wall, facts: AgentFacts()),
            Vitals(lastSeen: now, sequence: message.sequenceNum, status: .disconnected, transport: link.transport),
            link: nil
        )
        return records.count - 1
    }

    private mutating func append(_ record: AgentRecord, _ vitals: Vitals, link: Link?) {
        records.append(record)
        self.vitals.append(vitals)
        links.append(link)
        index.insert(record, at: records.count - 1)
        refreshHealth(records.count - 1)
    }

    /// Makes this link the one that the agent is reached on.
    private mutating func takeLink(_ link: Link, at position: Int) {
        guard link.transport == .webSocket else {
            links[position] = nil
            return
        }
        if links[position] !== link {
            links[position] = link
            uidByLink[ObjectIdentifier(link)] = records[position].uid
            vitals[position].messagesOnLink = 0
            vitals[position].wasIntroduced = false
        }
        vitals[position].messagesOnLink = min(2, vitals[position].messagesOnLink + 1)
        if vitals[position].messagesOnLink > 1 { vitals[position].briefLinks = 0 }
    }

    private mutating func part(_ position: Int, _ reason: String, at now: Moment, _ effects: inout Effects) {
        let wasConnected = vitals[position].status != .disconnected
        vitals[position].status = .disconnected
        vitals[position].wasIntroduced = false
        refreshHealth(position)
        if wasConnected { note("disconnected", position, reason, now, &effects) }
        prove(position, .goodbye, "the agent \(reason)", now, &effects) { $0.command.command == "shutdown" }
    }

    /// Forgets an agent and cancels what is queued for it.
    mutating func forget(_ position: Int, at now: Moment, _ effects: inout Effects) {
        let uid = records[position].uid
        for id in commandsByAgent[uid] ?? [] {
            guard var open = commands[id] else { continue }
            if open.command.state == .queued {
                open.cancel("the agent was forgotten", at: now)
                update(open, &effects)
            }
            unfile(id)
        }
        effects.changes.append(.forget(uid))
        aliases = aliases.filter { $0.value != uid }
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

    private mutating func apply(_ message: AgentToServer, at position: Int, _ now: Moment, _ effects: inout Effects) {
        let old = records[position]
        var facts = old.facts
        facts.apply(message, interned: &interned)
        if facts != old.facts {
            let record = AgentRecord(uid: old.uid, firstSeen: old.firstSeen, facts: facts)
            let moved = facts.host != old.facts.host || facts.serviceInstanceID != old.facts.serviceInstanceID
            if moved { index.remove(old, at: position) }
            records[position] = record
            if moved { index.insert(record, at: position) }
            noteDifferences(old.facts, facts, position, now, &effects)
            if let hash = facts.configHash, hash != old.facts.configHash {
                let body = (try? message.effectiveConfig.serializedBytes() as [UInt8]) ?? []
                effects.changes.append(.config(hash: hash, body: body))
            }
        }
        refreshHealth(position)
        if facts != old.facts || !old.facts.isDescribed {
            effects.changes.append(.agent(records[position], vitals[position]))
        }
    }

    private mutating func refreshHealth(_ position: Int) {
        guard vitals[position].status == .connected, let isHealthy = records[position].facts.isHealthy else {
            vitals[position].health = .unknown
            return
        }
        vitals[position].health = isHealthy ? .healthy : .unhealthy
    }

    private mutating func noteDifferences(
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

    private func note(
        _ kind: String, _ position: Int, _ text: String?, _ now: Moment, _ effects: inout Effects
    ) {
        var event = FleetEvent()
        (event.at, event.kind) = (now.wall, kind)
        event.instanceUID = records[position].uid.description
        event.text = text.map { $0.prefixUTF8(1024) }
        effects.changes.append(.event(event))
    }

    // MARK: - Answers

    private func answer(to uid: InstanceUID) -> ServerToAgent {
        .with {
            $0.instanceUid = uid.data
            $0.capabilities = Self.capabilities.rawValue
        }
    }

    /// Tells the server's custom capabilities: once on a WebSocket, over HTTP with every report that describes the agent.
    private mutating func introduce(
        _ message: AgentToServer, _ position: Int, isNew: Bool, _ reply: inout ServerToAgent
    ) {
        guard
            isNew || !vitals[position].wasIntroduced || message.hasAgentDescription || message.hasCustomCapabilities
        else { return }
        reply.customCapabilities.capabilities = [
            CustomCapability.chatOps, CustomCapability.shutdown, CustomCapability.null,
        ]
        vitals[position].wasIntroduced = true
    }

    /// Asks for the full state after a gap in the numbers and of an agent not described: once each, and at most once
    /// a minute. Spec: OpAMP, "Agent Status Compression".
    private mutating func askForFullState(_ position: Int, _ now: Moment, _ reply: inout ServerToAgent) {
        let last = vitals[position].askedFullStateAt
        let isDue = last.map { now.monotonic - $0 >= Self.fullStateInterval.nanoseconds } ?? true
        guard vitals[position].wantsFullState, isDue else { return }
        reply.flags |= ServerToAgentFlags.reportFullState.rawValue
        vitals[position].wantsFullState = false
        vitals[position].askedFullStateAt = now.monotonic
    }

    // MARK: - Uids

    /// Makes a new uid for an agent, to be adopted when a message comes with it.
    mutating func offerUID(for uid: InstanceUID, at now: Moment) -> InstanceUID {
        if let offered = offers[uid] { return offered }
        var random = SystemRandomNumberGenerator()
        let offered = InstanceUID.version7(
            unixMilliseconds: UInt64(now.wall.nanoseconds / 1_000_000), using: &random
        )
        offers[uid] = offered
        offeredTo[offered] = uid
        return offered
    }

    /// Goes on with an agent under the uid it was offered: labels, history and queue move, the old uid stays an alias.
    private mutating func adopt(_ uid: InstanceUID, at now: Moment, _ effects: inout Effects) {
        guard index.position(of: uid) == nil, let old = offeredTo.removeValue(forKey: uid),
            let position = index.position(of: old)
        else { return }
        offers[old] = nil
        let record = records[position]
        index.remove(record, at: position)
        records[position] = AgentRecord(uid: uid, firstSeen: record.firstSeen, facts: record.facts)
        index.insert(records[position], at: position)
        for (alias, target) in aliases where target == old { aliases[alias] = uid }
        aliases[old] = uid
        effects.changes.append(.rename(from: old, to: uid))
        let ids = commandsByAgent.removeValue(forKey: old) ?? []
        commandsByAgent[uid] = ids
        for id in ids {
            commands[id]?.command.instanceUID = uid.description
            if let open = commands[id] { effects.changes.append(.command(open)) }
        }
        note("renamed", position, "from \(old)", now, &effects)
        prove(position, .newUID, "reports as \(uid)", now, &effects) { $0.newUID == uid.description }
    }

    // MARK: - Commands

    /// Files a command as queued, and hands it over if the agent can be reached now.
    mutating func queue(_ open: OpenCommand, at now: Moment, _ effects: inout Effects) {
        file(open)
        effects.changes.append(.command(open))
    }

    /// Why a command cannot be queued now: the agent is gone, cannot take it, or has a restart open already, or the
    /// same request is being written.
    func refusal(of command: Command, _ kind: CommandKind, key: IdempotencyKey?) -> Problem? {
        if let key, keysInFlight.contains(key) {
            return Problem(409, "Being queued", detail: "a request with this Idempotency-Key is under way; repeat it")
        }
        guard let uid = InstanceUID(command.instanceUID), let position = position(of: uid) else {
            return Problem(404, "No such agent", detail: "the agent has just been forgotten")
        }
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
        guard kind.proof == .startTime else { return nil }
        let open = (commandsByAgent[uid] ?? []).compactMap { commands[$0]?.command }
        guard let other = open.first(where: { $0.command == command.command && !$0.state.isFinal }) else { return nil }
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
        commands[id]?.command.state = .queued
        commands[id]?.command.sentAt = nil
    }

    /// Withdraws a command that is still queued; nil when it is not open any more.
    mutating func cancel(_ id: String, reason: String, at now: Moment, _ effects: inout Effects) -> OpenCommand? {
        guard var open = commands[id] else { return nil }
        guard open.command.state == .queued else { return open }
        open.cancel(reason, at: now)
        update(open, &effects)
        return open
    }

    /// The queued commands of an agent become deliveries: over HTTP one with each answer.
    private mutating func deliver(to position: Int, over link: Link, at now: Moment, _ effects: inout Effects) {
        let uid = records[position].uid
        for id in commandsByAgent[uid] ?? [] {
            guard var open = commands[id], open.command.state == .queued,
                let kind = CommandKind.all.first(where: { $0.name == open.command.command })
            else { continue }
            let facts = records[position].facts
            guard kind.isTaken(by: facts, open.command.parameters) else {
                open.cancel("the agent no longer has \(kind.needed(open.command.parameters) ?? "it")", at: now)
                update(open, &effects)
                continue
            }
            if kind.name == "identify" { open.newUID = offerUID(for: uid, at: now).description }
            open.send(at: now, startTimes: facts.startTimes)
            update(open, &effects)
            var message = answer(to: uid)
            kind.add(open.command, newUID: open.newUID.flatMap { InstanceUID($0) }, to: &message)
            effects.deliveries.append(Delivery(commandID: id, message: message, link: link))
            if link.push == nil { return }
        }
    }

    private mutating func takeProof(
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
        if message.hasCustomMessage { take(message.customMessage, at: position, now, &effects) }
    }

    /// Matches a custom message to the command it answers: by its id, else by being the only one open of its kind.
    private mutating func take(
        _ message: CustomMessage, at position: Int, _ now: Moment, _ effects: inout Effects
    ) {
        let uid = records[position].uid
        let reply = try? CustomReply(message)
        let capability = CustomCapability.bare(message.capability)
        let open = (commandsByAgent[uid] ?? []).compactMap { commands[$0] }.filter {
            $0.awaitsProof && $0.command.proof == .reply && Self.capability(of: $0.command) == capability
        }
        let answered =
            if let id = reply?.commandID { open.first { $0.command.id == id } } else {
                open.count == 1 ? open[0] : nil
            }
        guard var answered, let reply else {
            note("custom_message", position, "\(capability) \(message.type)", now, &effects)
            return
        }
        answered.proved(
            "the agent replied \(message.type)", succeeded: reply.succeeded, result: reply.summary, at: now
        )
        answered.command.healthAfter = vitals[position].health
        update(answered, &effects)
    }

    private static func capability(of command: Command) -> String? {
        CommandKind.all.first { $0.name == command.command }?.needed(command.parameters)
    }

    /// Confirms the commands of an agent that wait for this proof.
    private mutating func prove(
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

    private mutating func update(_ open: OpenCommand, _ effects: inout Effects) {
        commands[open.command.id] = open
        effects.changes.append(.command(open))
        effects.touched.append(open.command.id)
    }

    private mutating func file(_ open: OpenCommand) {
        guard let uid = InstanceUID(open.command.instanceUID) else { return }
        commands[open.command.id] = open
        commandsByAgent[uid, default: []].append(open.command.id)
    }

    private mutating func unfile(_ id: String) {
        guard let open = commands.removeValue(forKey: id), let uid = InstanceUID(open.command.instanceUID) else {
            return
        }
        let rest = (commandsByAgent[uid] ?? []).filter { $0 != id }
        commandsByAgent[uid] = rest.isEmpty ? nil : rest
    }

    /// Takes final commands out once they are on disk: from then on the store answers for them.
    mutating func dropFinished(_ ids: [String]) {
        for id in ids {
            guard let state = commands[id]?.command.state, state.isFinal, state != .unconfirmed else { continue }
            unfile(id)
        }
    }
}

extension CustomReply {
    /// The reply in one line.
    var summary: String? {
        let code = httpCode.map { "HTTP \($0)" }
        let parts = [code, errorMessage?.nonEmpty, body?.nonEmpty].compactMap(\.self)
        return parts.isEmpty ? nil : parts.joined(separator: ": ") + (isTruncated ? " (cut by the agent)" : "")
    }
}
