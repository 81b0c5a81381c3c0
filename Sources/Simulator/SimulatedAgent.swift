package import OpAMP
import SwiftProtobuf

/// Decides what one simulated agent says and when; does nothing itself.
///
/// Events go in with the time, actions come out, to be carried out in their order. Every message given out counts as
/// sent: its sequence number is used up.
package struct SimulatedAgent: Sendable {
    /// Something to be told of later, unless the connection has ended by then.
    package enum Timer: Sendable, Equatable {
        /// `round` goes up when the interval changes; a timer of an older round is ignored.
        case heartbeat(round: Int)
        case restarted
        case answer(AgentToServer)
    }

    package enum Action: Sendable, Equatable {
        case send(AgentToServer)
        /// Call `fired` with the timer after that long.
        case wait(Timer, for: Duration)
        /// For the statistics.
        case saw(ReceivedCommand)
        /// Close the connection properly and stay away.
        case leave
        /// Close the connection properly and connect again, not before that long.
        case comeBack(after: Duration)
    }

    /// Whatever the server asks for.
    package static let longestWait = Duration.seconds(86_400)

    package private(set) var profile: AgentProfile
    package let behaviour: Behaviour
    package private(set) var startedAt: UnixTime
    package private(set) var fault: Fault?
    package private(set) var heartbeat: Duration
    private var sequenceNumber: UInt64 = 0
    private var heartbeatRound = 0
    private var serverCapabilities: Set<String> = []
    private var seenCommandIDs: Set<String> = []
    private var random: SeededGenerator

    /// - Parameters:
    ///   - now: the start of the simulation; the agent itself has been running for `profile.age`.
    ///   - seed: decides the timing and the outcomes.
    package init(_ profile: AgentProfile, _ behaviour: Behaviour, fault: Fault?, seed: UInt64, at now: UnixTime) {
        self.profile = profile
        self.behaviour = behaviour
        self.fault = fault
        startedAt = now - profile.age
        heartbeat = behaviour.heartbeat
        random = SeededGenerator(seed: seed)
    }

    package func isSilent(at now: UnixTime) -> Bool {
        behaviour.silentFrom.map { now >= $0 } ?? false
    }

    /// A connection is open: the full report, and heartbeats from somewhere within the first interval.
    package mutating func connected(at now: UnixTime) -> [Action] {
        if isSilent(at: now) { return [] }
        let report = fullReport(at: now)
        heartbeatRound += 1
        return [.send(numbered(report))] + nextHeartbeat(within: .random(in: 0..<1, using: &random))
    }

    package mutating func fired(_ timer: Timer, at now: UnixTime) -> [Action] {
        if isSilent(at: now) { return [] }
        switch timer {
        case .heartbeat(let round):
            if round != heartbeatRound { return [] }
            return [.send(numbered(heartbeatReport(at: now)))] + nextHeartbeat()
        case .restarted: return answer(.with { $0.health = health(at: now) })
        case .answer(let message): return [.send(numbered(message))]
        }
    }

    /// A message of the server. What is for another agent or needs a capability that was not announced is ignored.
    package mutating func received(_ message: ServerToAgent, at now: UnixTime) -> [Action] {
        let isOurs = message.instanceUid.isEmpty || message.instanceUid == profile.uid.data
        if isSilent(at: now) || !isOurs { return [] }
        if message.hasErrorResponse { return react(to: message.errorResponse) }
        if message.hasCustomCapabilities {
            serverCapabilities = Set(message.customCapabilities.capabilities.map { CustomCapability.bare($0) })
        }
        // The rest of a message with a command has to be ignored.
        if message.hasCommand { return message.command.type == .restart ? restart(at: now) : [] }

        var actions: [Action] = []
        if let uid = InstanceUID(bytes: message.agentIdentification.newInstanceUid) {
            actions.append(saw(.identify))
            profile.uid = uid
            actions += answer(fullReport(at: now))
        }
        if ServerToAgentFlags(rawValue: message.flags).contains(.reportFullState) {
            actions += [saw(.resync)] + answer(fullReport(at: now))
        }
        if message.connectionSettings.hasOpamp {
            let seconds = message.connectionSettings.opamp.heartbeatIntervalSeconds
            heartbeat = min(.seconds(Int64(clamping: seconds)), Self.longestWait)
            heartbeatRound += 1
            actions += [saw(.heartbeat)] + nextHeartbeat()
        }
        if message.hasCustomMessage { actions += obey(message.customMessage) }
        return actions
    }

    /// The simulation ends: what to say before closing.
    package mutating func goodbye(at now: UnixTime) -> [Action] {
        if isSilent(at: now) { return [.leave] }
        return [.send(numbered(.with { $0.agentDisconnect = AgentDisconnect() })), .leave]
    }
}

// MARK: - Commands

extension SimulatedAgent {
    private mutating func restart(at now: UnixTime) -> [Action] {
        let seen = saw(.restart)
        if behaviour.ignoresCommands { return [seen] }
        startedAt = max(now, startedAt + .nanoseconds(1))
        if fault != nil, random.chance(percent: 50) { fault = nil }
        return [seen, .wait(.restarted, for: .milliseconds(Int.random(in: 100...400, using: &random)))]
    }

    private mutating func obey(_ message: CustomMessage) -> [Action] {
        guard let request = try? CustomRequest(message), profile.customCapabilities.contains(request.capability) else {
            return [saw(.custom)]
        }
        let kind: ReceivedCommand.Kind =
            switch request.capability {
            case CustomCapability.chatOps: .chatops
            case CustomCapability.shutdown: .shutdown
            default: .null
            }
        let seen = saw(kind, id: request.commandID)
        if behaviour.ignoresCommands { return [seen] }
        if kind == .shutdown {
            return [seen, .send(numbered(.with { $0.agentDisconnect = AgentDisconnect() })), .leave]
        }
        guard serverCapabilities.contains(request.capability) else { return [seen] }
        var reply =
            kind == .chatops
            ? ChatOps.reply(to: request, from: profile.uid)
            : CustomReply(capability: request.capability, succeeded: true)
        reply.action = request.action
        reply.commandID = request.commandID
        return [seen] + answer(.with { $0.customMessage = reply.message })
    }

    private func react(to error: ServerErrorResponse) -> [Action] {
        guard error.type == .unavailable else { return [] }
        let pause = Duration.nanoseconds(Int64(clamping: error.retryInfo.retryAfterNanoseconds))
        return [.comeBack(after: min(pause, Self.longestWait))]
    }

    private mutating func saw(_ kind: ReceivedCommand.Kind, id: String? = nil, hash: String? = nil) -> Action {
        let isNew = id.map { seenCommandIDs.insert($0).inserted } ?? true
        return .saw(ReceivedCommand(uid: profile.uid, kind: kind, id: id, hash: hash, isRepeated: !isNew))
    }
}

// MARK: - Messages

extension SimulatedAgent {
    private func fullReport(at now: UnixTime) -> AgentToServer {
        .with {
            $0.agentDescription = profile.description
            $0.health = health(at: now)
            $0.effectiveConfig = ConfigText(of: profile).effectiveConfig
            $0.customCapabilities.capabilities = profile.customCapabilities
        }
    }

    /// Nothing but who and how many; the false start time of agents that report their uptime goes along.
    private func heartbeatReport(at now: UnixTime) -> AgentToServer {
        behaviour.reportsUptimeAsStartTime ? .with { $0.health = health(at: now) } : AgentToServer()
    }

    private func health(at now: UnixTime) -> ComponentHealth {
        let uptime = now.nanoseconds &- startedAt.nanoseconds
        return profile.health(
            startTime: behaviour.reportsUptimeAsStartTime ? uptime : startedAt.nanoseconds, fault: fault, at: now
        )
    }

    private mutating func numbered(_ message: AgentToServer) -> AgentToServer {
        sequenceNumber += 1
        var message = message
        message.instanceUid = profile.uid.data
        message.sequenceNum = sequenceNumber
        message.capabilities = profile.capabilities.rawValue
        return message
    }

    private mutating func answer(_ message: AgentToServer) -> [Action] {
        behaviour.answerDelay == .zero
            ? [.send(numbered(message))] : [.wait(.answer(message), for: behaviour.answerDelay)]
    }

    private func nextHeartbeat(within fraction: Double = 1) -> [Action] {
        heartbeat == .zero ? [] : [.wait(.heartbeat(round: heartbeatRound), for: heartbeat * fraction)]
    }
}
