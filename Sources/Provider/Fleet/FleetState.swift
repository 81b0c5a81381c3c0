import FleetAPI
import OpAMP
import SwiftProtobuf

/// Every agent and every open command: decides what a message, a request or the passing of time changes. Does no I/O:
/// what is to be written and sent is collected as effects, in order.
struct FleetState: Sendable {
    /// What the server tells agents it can do. Spec: OpAMP, "ServerToAgent.capabilities".
    static let capabilities: ServerCapabilities = [
        .acceptsStatus, .acceptsEffectiveConfig, .offersRemoteConfig, .offersConnectionSettings,
    ]
    /// An agent is asked for its full state at most this often.
    static let fullStateInterval = Duration.seconds(60)
    /// How long a command that was not confirmed in time still takes proof.
    static let lateProofTime = Duration.seconds(3600)
    /// The most commands of one agent that are queued or sent.
    static let openCommandLimit = 100

    /// What follows from a decision.
    struct Effects: Sendable {
        var changes: [Change] = []
        /// Commands that are handed over as soon as their `sent` is on disk.
        var deliveries: [Delivery] = []
        /// The command whose instance uid is in the answer: that waits until this is on disk.
        var offeringCommand: String?
        /// Offers that go out once more: as soon as their contents have been read.
        var reoffers: [Reoffer] = []
        /// Ids of commands whose state changed.
        var touched: [String] = []
        /// What undoes the changes of commands and offers, where a person asked for them and they cannot be written.
        var steps: [Step] = []
        /// Messages that need not be on disk first, and WebSockets to ask for a sign of life or to close: done at once,
        /// in this order.
        var pushes: [(message: ServerToAgent, link: Link)] = []
        var pings: [Link] = []
        var closes: [Link] = []

        /// Whether nothing follows: so it is after a heartbeat.
        var isEmpty: Bool {
            changes.isEmpty && deliveries.isEmpty && reoffers.isEmpty && touched.isEmpty && pushes.isEmpty
                && pings.isEmpty && closes.isEmpty
        }
    }

    /// A message that carries one command, and the connection it goes out on.
    struct Delivery: Sendable {
        let commandID: String
        let message: ServerToAgent
        let link: Link
        /// What is added to the message once it has been read from the store.
        var content: OfferedContent?
    }

    /// Offers that are handed over once more, in one message, without a command.
    struct Reoffer: Sendable {
        let contents: [OfferedContent]
        let message: ServerToAgent
        let link: Link

        /// Whether it must not leave before the changes of the same effects are on disk.
        var waitsForDisk: Bool { contents.contains { $0.token != nil } }
    }

    // One agent is one position in the three arrays; readers take copies of the first two.
    var records: [AgentRecord] = []
    var vitals: [Vitals] = []
    var links: [Link?] = []
    var index = AgentIndex()
    var aliases: [InstanceUID: InstanceUID] = [:]
    var uidByLink: [ObjectIdentifier: InstanceUID] = [:]
    /// More agents on one WebSocket, as gateways have them, beside the one in `uidByLink`.
    var moreByLink: [ObjectIdentifier: Set<InstanceUID>] = [:]
    /// Other senders that use the uid of an agent; only of agents that have any.
    var rivals: [InstanceUID: [Rival]] = [:]
    /// Uids offered to rivals, with the uid they share.
    var separations: [InstanceUID: InstanceUID] = [:]
    /// The names of senders that took an agent's place and have not described themselves since.
    var heirs: [InstanceUID: SenderNames] = [:]
    /// Agents over HTTP whose numbers jumped.
    var doubts: [InstanceUID: NumberDoubt] = [:]
    /// Uids offered to agents and not yet adopted, one an agent, in both directions.
    var offers: [InstanceUID: InstanceUID] = [:]
    var offeredTo: [InstanceUID: InstanceUID] = [:]

    /// By id; the open ones, and those that late proof may still reach.
    var commands: [String: OpenCommand] = [:]
    /// How many commands came into each state since the start.
    var commandsReached: [CommandState: Int] = [:]
    /// Ids of an agent's commands in `commands`, in the order they were queued.
    var commandsByAgent: [InstanceUID: [String]] = [:]

    var settings = ProviderSettings()
    /// What lets agents in for the first time, and the tokens that agents have for themselves.
    var enrolments = EnrolmentBook()
    var ownTokens = OwnTokenBook()
    /// Of the database, when enrolments were read.
    var foreignVersion = 0
    /// Agents that were refused for what they showed, as far as the audit has not been told.
    var refusals = RefusalLog()
    /// On the monotonic clock: when it is next looked for tokens that nobody will ask for.
    var nextTokensEnd = Int64.min
    /// How many agents wait for approval.
    var pendingCount = 0
    /// The labels of agents that were forgotten.
    var keptLabels: [InstanceUID: KeptLabels] = [:]
    /// What can be sent.
    var catalogue = CommandCatalogue()
    /// On the monotonic clock: when it is next looked for agents to forget and for doubts to end, and before when
    /// nobody is forgotten.
    var nextForgetting = Int64.min
    var nextDoubtsEnd = Int64.min
    var forgettingFrom = Int64.min

    /// By id; those that run, and those of which commands are under way.
    var operations: [String: OpenOperation] = [:]
    /// Operations that may go on: something of theirs has changed.
    var operationsDue: Set<String> = []
    /// On the monotonic clock.
    var operationsPausedUntil = Int64.min

    /// Offers handed over that agents have said nothing of.
    var handovers: [OfferKey: Handover] = [:]
    /// On the monotonic clock: before it no command has waited too long.
    var nextDeadline = Int64.max

    /// Changes that were undone while another one had come after them.
    var undone: [OfferKey: [OfferingChange]] = [:]

    /// Keys of requests that are under way.
    var keysInFlight: Set<IdempotencyKey> = []

    var interned = InternedTexts()
    var lostTime = LostTime()

    init() {}

    init(_ stored: Store.StoredFleet, now: Moment) {
        aliases = stored.aliases
        settings = stored.settings
        enrolments = EnrolmentBook(stored.enrolments)
        ownTokens = OwnTokenBook(stored.ownTokens, revoked: stored.revokedTokens)
        keptLabels = stored.keptLabels.mapValues { KeptLabels(labels: $0.labels, since: now.past($0.since)) }
        forgettingFrom = now.monotonic + Self.forgetGrace.nanoseconds
        for agent in stored.agents {
            var vitals = Vitals(
                lastSeen: now.past(agent.lastSeen), sequence: agent.sequence,
                status: .disconnected, transport: agent.transport
            )
            vitals.wasIntroduced = false
            append(agent.record, vitals, link: nil)
        }
        for command in stored.commands {
            file(command, at: now)
            if let uid = InstanceUID(command.command.instanceUID), command.awaitsProof,
                let offered = command.newUID.flatMap({ InstanceUID($0) })
            {
                offers[uid] = offered
                offeredTo[offered] = uid
            }
        }
        for operation in stored.operations {
            operations[operation.id] = operation
            operationsDue.insert(operation.id)
            operationsPausedUntil = now.monotonic + Self.operationPause.nanoseconds
        }
        for open in commands.values where open.command.state.isFinal && now.monotonic >= open.deadline {
            unfile(open.command.id)
        }
    }

    /// The position of an agent by its present uid or a former one.
    func position(of uid: InstanceUID) -> Int? {
        index.position(of: uid) ?? aliases[uid].flatMap { index.position(of: $0) }
    }

    /// The agents that a reference means; last, those that had a uid with this end before they got another one.
    func positions(of reference: String) -> [Int] {
        if let uid = InstanceUID(reference), let position = position(of: uid) { return [position] }
        let found = index.matches(reference, in: records)
        guard found.isEmpty, !aliases.isEmpty, let end = AgentIndex.suffixDigits(reference) else { return found }
        let renamed = Set(aliases.filter { $0.key.description.hasSuffix(end) }.values)
        return renamed.compactMap { index.position(of: $0) }
    }

    // MARK: - Messages

    /// Takes a message and says what to answer.
    ///
    /// - Parameter uid: the instance uid in it.
    /// - Returns: the answer, without a command: those are deliveries among the effects.
    mutating func receive(
        _ message: AgentToServer, from uid: InstanceUID, over link: Link, at now: Moment, _ effects: inout Effects
    ) -> AgentReply {
        if let reply = refusal(of: uid, message, over: link, at: now, &effects) { return reply }
        separate(uid, at: now, &effects)
        adopt(uid, at: now, &effects)
        let own = index.position(of: uid)
        let former = own == nil ? provedSender(uid, over: link) ?? formerSender(uid, message, over: link) : nil
        let isNew = own == nil && former == nil
        if isNew, let reply = turnedAway(uid) { return reply }
        let position = own ?? former ?? join(uid, message, over: link, at: now, &effects)
        vitals[position].identity = link.credential.identity
        if records[position].decisions.admission != .approved {
            return receiveUnadmitted(message, at: position, isNew: isNew, over: link, now, &effects)
        }
        if former != nil {
            takePlace(at: position, over: link, nil, &effects, now)
        } else if !isNew, let reply = judge(message, at: position, over: link, now, &effects) {
            return reply
        }
        if !heirs.isEmpty, message.hasAgentDescription { heirs[records[position].uid] = nil }
        let isRepeated = !isNew && message.sequenceNum == vitals[position].sequence && message.sequenceNum != 0
        let hasGap = !isNew && !isRepeated && message.sequenceNum != vitals[position].sequence &+ 1
        // What was handed over before may be lost with its link, or with the answer that is asked for again.
        let mayHaveMissed =
            isRepeated || vitals[position].status != .connected || link.push != nil && links[position] !== link
        if mayHaveMissed { loseLink(of: records[position].uid) }
        takeLink(link, at: position)

        let wasConnected = vitals[position].status == .connected
        // Over HTTP nothing but the numbers tells that the client is another one, or missed an answer.
        if link.push == nil, isRepeated || hasGap || !wasConnected || vitals[position].transport != link.transport {
            vitals[position].isIntroductionDue = true
        }
        vitals[position].heard(at: now, lost: lostTime.lost(since: vitals[position].lastSeen.monotonic, at: now))
        vitals[position].sequence = message.sequenceNum
        vitals[position].transport = link.transport
        if message.hasAgentDisconnect {
            part(position, "said goodbye", at: now, &effects)
            prove(position, .goodbye, "the agent said goodbye", now, &effects) { _ in true }
            return AgentReply(answer(to: uid))
        }
        vitals[position].status = .connected
        if !wasConnected { note("connected", position, link.remoteAddress.map { "from \($0)" }, now, &effects) }

        apply(message, at: position, isNew: isNew, now, &effects)
        takeProof(message, at: position, now, &effects)
        offerOwnToken(to: position, over: link, at: now, &effects)

        let before = effects.deliveries.count
        if !isRepeated, former == nil { deliver(to: position, over: link, at: now, &effects) }
        // Over HTTP one answer carries one thing.
        if former == nil, link.push != nil || effects.deliveries.count == before {
            let begins = !wasConnected || !vitals[position].wasIntroduced
            offerAgain(
                to: position, after: message, begins: begins, isRepeated: isRepeated, over: link, at: now, &effects)
        }

        if message.hasAgentDescription {
            vitals[position].wantsFullState = false
        } else if hasGap || isNew {
            vitals[position].wantsFullState = true
        }
        var reply = answer(to: uid)
        // An OpAMP command that rides on this answer has to be alone in it: the rest waits for the next one.
        if link.push == nil, effects.deliveries.contains(where: { $0.message.hasCommand }) { return AgentReply(reply) }
        introduce(position, &reply)
        askForFullState(position, now, &reply)
        askForComponents(after: message, &reply)
        if AgentToServerFlags(rawValue: message.flags).contains(.requestInstanceUID) {
            if let offered = offerRequestedUID(position, over: link, now, &effects) {
                reply.agentIdentification.newInstanceUid = offered.data
            }
        }
        if former != nil { reply.agentIdentification.newInstanceUid = records[position].uid.data }
        return AgentReply(reply)
    }

    /// The WebSocket of a link is gone, and with it every agent that was reached on it.
    ///
    /// - Parameter reason: why its agents are disconnected then.
    mutating func closed(
        _ link: Link, _ reason: String = "connection lost", at now: Moment, _ effects: inout Effects
    ) {
        closedRival(link)
        let more = moreByLink.removeValue(forKey: ObjectIdentifier(link)) ?? []
        guard let first = uidByLink.removeValue(forKey: ObjectIdentifier(link)) else { return }
        for uid in [first] + more.sorted() {
            guard let position = position(of: uid), links[position] === link else { continue }
            links[position] = nil
            let isBrief = vitals[position].messagesOnLink <= 1
            vitals[position].briefLinks = isBrief ? min(2, vitals[position].briefLinks + 1) : 0
            vitals[position].wasIntroduced = false
            // A client that opens a socket for each message is heard again; silence will tell if not.
            if !vitals[position].isPolling, vitals[position].status != .disconnected {
                part(position, reason, at: now, &effects)
            }
        }
    }

    // MARK: - Time

    /// Once a second: marks silent agents, settles who is who, and ends commands that have waited too long.
    ///
    /// - Returns: how long the provider itself stood still before, where it did: nobody was silent in that time.
    @discardableResult
    mutating func tick(at now: Moment, _ effects: inout Effects) -> Duration? {
        let stood = lostTime.stepped(at: now)
        for position in vitals.indices
        where vitals[position].status == .connected && vitals[position].isSilent(at: now, lastPong: 0) {
            let lastPong = links[position]?.lastAnsweredPing ?? 0
            if vitals[position].isSilent(at: now, lastPong: lastPong),
                vitals[position].isSilent(
                    at: now, lastPong: lastPong,
                    lost: lostTime.lost(since: max(lastPong, vitals[position].lastSeen.monotonic), at: now))
            {
                vitals[position].status = .stale
                refreshHealth(position)
                if records[position].decisions.admission == .approved {
                    note("stale", position, "silent for three expected intervals", now, &effects)
                }
            }
        }
        settleRivals(at: now, &effects)
        effects.changes += refusals.flush(at: now).map(Change.audit)
        forgetAbsent(at: now, &effects)
        endWaiting(at: now, &effects)
        advanceOperations(at: now, &effects)
        return stood
    }

    /// The agents heard since a moment of the monotonic clock, for storing when that was.
    func seen(since moment: Int64) -> [(uid: InstanceUID, lastSeen: Timestamp, sequence: UInt64)] {
        vitals.indices.lazy.filter { vitals[$0].lastSeen.monotonic > moment }.map {
            (records[$0].uid, vitals[$0].lastSeen.wall, vitals[$0].sequence)
        }
    }
}
