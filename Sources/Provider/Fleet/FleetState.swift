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
    /// The most commands of one agent that are queued or sent.
    static let openCommandLimit = 100

    /// What follows from a decision.
    struct Effects: Sendable {
        var changes: [Change] = []
        /// Commands that are handed over as soon as their `sent` is on disk.
        var deliveries: [Delivery] = []
        /// Ids of commands whose state changed.
        var touched: [String] = []
        /// Messages that need not be on disk first, and WebSockets to ask for a sign of life or to close: done at once,
        /// in this order.
        var pushes: [(message: ServerToAgent, link: Link)] = []
        var pings: [Link] = []
        var closes: [Link] = []
    }

    /// A message that carries one command, and the connection it goes out on.
    struct Delivery: Sendable {
        let commandID: String
        let message: ServerToAgent
        let link: Link
    }

    // One agent is one position in the three arrays; readers take copies of the first two.
    var records: [AgentRecord] = []
    var vitals: [Vitals] = []
    var links: [Link?] = []
    var index = AgentIndex()
    var aliases: [InstanceUID: InstanceUID] = [:]
    var uidByLink: [ObjectIdentifier: InstanceUID] = [:]
    /// Uids offered to agents and not yet adopted, one an agent, in both directions.
    var offers: [InstanceUID: InstanceUID] = [:]
    var offeredTo: [InstanceUID: InstanceUID] = [:]

    /// By id; the open ones, and those that late proof may still reach.
    var commands: [String: OpenCommand] = [:]
    /// Ids of an agent's commands in `commands`, in the order they were queued.
    var commandsByAgent: [InstanceUID: [String]] = [:]

    var settings = ProviderSettings()
    /// How many agents wait for approval.
    var pendingCount = 0
    /// The labels of agents that were forgotten.
    var keptLabels: [InstanceUID: KeptLabels] = [:]
    /// What can be sent.
    var catalogue = CommandCatalogue()

    /// By id; those that run, and those of which commands are under way.
    var operations: [String: OpenOperation] = [:]
    /// Operations that may go on: something of theirs has changed.
    var operationsDue: Set<String> = []

    /// Keys of requests that are under way.
    var keysInFlight: Set<IdempotencyKey> = []

    var interned = InternedTexts()

    init() {}

    init(_ stored: Store.StoredFleet, now: Moment) {
        aliases = stored.aliases
        (settings, keptLabels) = (stored.settings, stored.keptLabels)
        for agent in stored.agents {
            var vitals = Vitals(
                lastSeen: Moment(wall: agent.lastSeen, monotonic: now.monotonic), sequence: agent.sequence,
                status: .disconnected, transport: agent.transport
            )
            vitals.wasIntroduced = false
            append(agent.record, vitals, link: nil)
        }
        for command in stored.commands { file(command, at: now) }
        for operation in stored.operations {
            operations[operation.id] = operation
            operationsDue.insert(operation.id)
        }
        for open in commands.values where open.isOver(at: now) { unfile(open.command.id) }
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
    ) -> AgentReply {
        adopt(uid, at: now, &effects)
        let isNew = index.position(of: uid) == nil
        if isNew, let reply = turnedAway() { return reply }
        let position = index.position(of: uid) ?? join(uid, message, over: link, at: now, &effects)
        if records[position].decisions.admission != .approved {
            return receiveUnadmitted(message, at: position, isNew: isNew, over: link, now, &effects)
        }
        let isRepeated = !isNew && message.sequenceNum == vitals[position].sequence && message.sequenceNum != 0
        let hasGap = !isNew && !isRepeated && message.sequenceNum != vitals[position].sequence &+ 1
        // What was handed over before may be lost with its link, or with the answer that is asked for again.
        let mayHaveMissed =
            isRepeated || vitals[position].status != .connected || link.push != nil && links[position] !== link
        if mayHaveMissed { loseLink(of: uid) }
        takeLink(link, at: position)

        let wasConnected = vitals[position].status == .connected
        vitals[position].heard(at: now)
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

        if !isRepeated { deliver(to: position, over: link, at: now, &effects) }

        if message.hasAgentDescription {
            vitals[position].wantsFullState = false
        } else if hasGap || isNew {
            vitals[position].wantsFullState = true
        }
        var reply = answer(to: uid)
        // An OpAMP command that rides on this answer has to be alone in it: the rest waits for the next one.
        if link.push == nil, effects.deliveries.contains(where: { $0.message.hasCommand }) { return AgentReply(reply) }
        introduce(message, position, isNew: isNew, &reply)
        askForFullState(position, now, &reply)
        if AgentToServerFlags(rawValue: message.flags).contains(.requestInstanceUID) {
            reply.agentIdentification.newInstanceUid = offerUID(for: uid, at: now).data
        }
        return AgentReply(reply)
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
                if records[position].decisions.admission == .approved {
                    note("stale", position, "silent for three expected intervals", now, &effects)
                }
            }
        }
        endWaiting(at: now, &effects)
        advanceOperations(at: now, &effects)
    }

    /// The agents heard since a moment of the monotonic clock, for storing when that was.
    func seen(since moment: Int64) -> [(uid: InstanceUID, lastSeen: Timestamp, sequence: UInt64)] {
        vitals.indices.lazy.filter { vitals[$0].lastSeen.monotonic > moment }.map {
            (records[$0].uid, vitals[$0].lastSeen.wall, vitals[$0].sequence)
        }
    }
}
