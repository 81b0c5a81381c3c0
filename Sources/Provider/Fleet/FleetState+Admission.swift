import FleetAPI
import OpAMP
import SwiftProtobuf

// Agents that are not let in: they wait, or are refused.
extension FleetState {
    /// The most agents that may wait; more are turned away without a record.
    static let pendingLimit = 1000
    /// The most bytes of a description of an agent that waits, and its most attributes.
    static let pendingFactsLimit = 64 << 10
    static let pendingAttributeLimit = 256
    /// When an agent that waits is told to come back.
    static let pendingRetry = Duration.seconds(60)

    /// What people decided about an agent that comes for the first time, or for the first time again.
    mutating func decisionsOfNewcomer(_ uid: InstanceUID) -> Decisions {
        var decisions = Decisions()
        // To enrol it was an act of a person.
        if settings.approvalRequired, ownTokens.token(of: uid) == nil { decisions.admission = .pending }
        if let kept = keptLabels.removeValue(forKey: uid) { decisions.labels = kept.labels }
        return decisions
    }

    /// What an agent that was never seen is answered when too many wait already; nil when it may join.
    func turnedAway(_ uid: InstanceUID) -> AgentReply? {
        guard settings.approvalRequired, pendingCount >= Self.pendingLimit, ownTokens.token(of: uid) == nil else {
            return nil
        }
        return AgentReply(
            .unavailable(
                "\(Self.pendingLimit) agents wait for approval already; come back later", retryAfter: Self.pendingRetry
            )
        )
    }

    /// Takes a message of an agent that is not let in.
    ///
    /// Of one that waits its description is kept, so that people see who it is, and where it can be reached; of one
    /// that is blocked only when it was heard.
    mutating func receiveUnadmitted(
        _ message: AgentToServer, at position: Int, isNew: Bool, over link: Link, _ now: Moment,
        _ effects: inout Effects
    ) -> AgentReply {
        vitals[position].heard(at: now)
        vitals[position].sequence = message.sequenceNum
        vitals[position].transport = link.transport
        guard records[position].decisions.admission == .pending else {
            let ending: AgentReply.Ending? = isUsed(link, besides: records[position].uid) ? nil : .forbidden
            return AgentReply(.badRequest("this agent is blocked on this server"), ending: ending)
        }
        let reply = AgentReply(
            .unavailable("this agent waits for approval; come back later", retryAfter: Self.pendingRetry)
        )
        takePlace(at: position, over: link, nil, &effects, now)
        takeLink(link, at: position)
        if message.hasAgentDisconnect {
            part(position, "said goodbye", at: now, &effects)
            return reply
        }
        vitals[position].status = .connected
        apply(Self.introduction(message), at: position, isNew: isNew, now, &effects)
        if isNew { note("pending", position, link.remoteAddress.map { "from \($0)" }, now, &effects) }
        return askForDescription(position, now) ?? reply
    }

    /// Asks an agent that waits and has not described itself who it is, in place of the answer that it should come back
    /// later, which cannot carry the question; nil when it has, and within a minute of the last time.
    ///
    /// Its next message is bounded like every other of an agent that waits.
    /// Spec: OpAMP, "ServerToAgent.error_response": no other field is set beside it.
    private mutating func askForDescription(_ position: Int, _ now: Moment) -> AgentReply? {
        guard !records[position].facts.isDescribed else { return nil }
        vitals[position].wantsFullState = true
        var question = answer(to: records[position].uid)
        askForFullState(position, now, &question)
        return question.flags == 0 ? nil : AgentReply(question)
    }

    /// What is kept of a message of an agent that waits: who it says it is, and what it can do. Of a description over
    /// the limit only the identifying attributes that fit.
    static func introduction(_ message: AgentToServer) -> AgentToServer {
        var kept = AgentToServer()
        kept.capabilities = message.capabilities
        guard message.hasAgentDescription else { return kept }
        let description = message.agentDescription
        let count = description.identifyingAttributes.count + description.nonIdentifyingAttributes.count
        if count <= pendingAttributeLimit, size(description) <= pendingFactsLimit {
            kept.agentDescription = description
            return kept
        }
        var room = pendingFactsLimit
        kept.agentDescription.identifyingAttributes = description.identifyingAttributes
            .prefix(pendingAttributeLimit).filter { attribute in
                let bytes = size(attribute)
                guard bytes <= room else { return false }
                room -= bytes
                return true
            }
        return kept
    }

    private static func size(_ message: some SwiftProtobuf.Message) -> Int {
        (try? message.serializedBytes() as [UInt8])?.count ?? .max
    }

    /// Has an agent that was just let in tell everything: at once over an open WebSocket, else with its next message.
    mutating func askForEverything(_ position: Int, _ now: Moment, _ effects: inout Effects) {
        vitals[position].wasIntroduced = false
        vitals[position].wantsFullState = true
        vitals[position].askedFullStateAt = nil
        pushForFullState(position, now, &effects)
    }

    /// Asks for the full state, if that is wanted and due, without waiting for a message: over WebSockets agents may
    /// say nothing for ever.
    mutating func pushForFullState(_ position: Int, _ now: Moment, _ effects: inout Effects) {
        guard vitals[position].status == .connected, let link = links[position], link.push != nil else { return }
        var message = answer(to: records[position].uid)
        askForFullState(position, now, &message)
        if message.flags != 0 { effects.pushes.append((message, link)) }
    }

    /// Why nothing may be sent to this agent now; nil when it is let in and no other one uses its uid.
    func admissionRefusal(_ position: Int) -> Problem? {
        var problem: Problem
        switch records[position].decisions.admission {
        case .approved: return conflictRefusal(position)
        case .pending:
            problem = Problem(409, "Agent pending", detail: "the agent waits for approval; approve it first")
        case .blocked:
            problem = Problem(409, "Agent blocked", detail: "the agent is blocked; unblock it first")
        }
        problem.field = "admission"
        problem.value = records[position].decisions.admission.rawValue
        return problem
    }
}
