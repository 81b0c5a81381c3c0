import FoundationEssentials
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
        /// The remote configuration with that hash has been tried.
        case configured(hash: [UInt8])
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
        /// From now on show this token: over a connection of its own, begin another one with it.
        case show(BearerToken)
        /// Close the connection properly and connect again, not before that long.
        case comeBack(after: Duration)
    }

    /// Whatever the server asks for.
    package static let longestWait = Duration.seconds(86_400)

    package private(set) var profile: AgentProfile
    package let behaviour: Behaviour
    package internal(set) var startedAt: UnixTime
    package private(set) var fault: Fault?
    package internal(set) var heartbeat: Duration
    /// What it was offered last; kept over reconnects and restarts, as are the next three.
    var offeredConfig: OfferedConfig?
    /// The files of the remote configuration that it runs beside those of its own.
    var remoteFiles: [String: AgentConfigObject] = [:]
    /// Whether the remote configuration that it runs is an empty one.
    var isStopped = false
    var offeredSettings: OfferedSettings?
    private var sequenceNumber: UInt64 = 0
    var heartbeatRound = 0
    private var serverCapabilities: Set<String> = []
    private var seenCommandIDs: Set<String> = []
    var random: SeededGenerator

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
        let beat = nextHeartbeat(within: .random(in: 0..<1, using: &random))
        return [.send(numbered(report))] + beat + tryOfferedConfig()
    }

    package mutating func fired(_ timer: Timer, at now: UnixTime) -> [Action] {
        if isSilent(at: now) { return [] }
        switch timer {
        case .heartbeat(let round):
            if round != heartbeatRound { return [] }
            return [.send(numbered(heartbeatReport(at: now)))] + nextHeartbeat()
        case .restarted: return answer(.with { $0.health = health(at: now) })
        case .configured(let hash): return configured(hash, at: now)
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
            if !behaviour.keepsUID {
                profile.uid = uid
                actions += answer(fullReport(at: now))
            }
        }
        let flags = ServerToAgentFlags(rawValue: message.flags)
        if flags.contains(.reportFullState) {
            actions.append(saw(.resync))
            actions += answer(fullReport(at: now))
        }
        if flags.contains(.reportAvailableComponents), profile.capabilities.contains(.reportsAvailableComponents) {
            actions += answer(.with { $0.availableComponents = profile.availableComponents })
        }
        if message.hasRemoteConfig { actions += consider(message.remoteConfig) }
        if message.connectionSettings.hasOpamp { actions += consider(message.connectionSettings) }
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
        return [seen, .wait(.restarted, for: shortWhile())]
    }

    private mutating func obey(_ message: CustomMessage) -> [Action] {
        guard let request = try? CustomRequest(message), profile.customCapabilities.contains(request.capability),
            let kind = Self.kinds[request.capability]
        else { return [saw(.custom, isDone: false)] }
        let isRepeated = request.commandID.map { seenCommandIDs.contains($0) } ?? false
        let isKnown = isRepeated && profile.customCapabilities.contains(CustomCapability.commandIDs)
        let seen = saw(kind, id: request.commandID, isDone: !isKnown)
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

    private static let kinds: [String: ReceivedCommand.Kind] = [
        CustomCapability.chatOps: .chatops, CustomCapability.shutdown: .shutdown, CustomCapability.null: .null,
    ]

    private func react(to error: ServerErrorResponse) -> [Action] {
        guard error.type == .unavailable else { return [] }
        let pause = Duration.nanoseconds(Int64(clamping: error.retryInfo.retryAfterNanoseconds))
        return [.comeBack(after: min(pause, Self.longestWait))]
    }

    /// - Parameter isDone: false for what the agent does not act on for a reason of this command's own.
    mutating func saw(
        _ kind: ReceivedCommand.Kind, id: String? = nil, hash: Data? = nil, isRepeated: Bool = false,
        isDone: Bool = true
    ) -> Action {
        let isNew = id.map { seenCommandIDs.insert($0).inserted } ?? true
        return .saw(
            ReceivedCommand(
                uid: profile.uid, kind: kind, id: id, hash: hash.map { hex($0) }, isRepeated: isRepeated || !isNew,
                isDone: isDone && !behaviour.ignoresCommands
            )
        )
    }

    /// How long something takes that the agent does to itself.
    mutating func shortWhile() -> Duration {
        .milliseconds(Int.random(in: 100...400, using: &random))
    }
}

// MARK: - Messages

extension SimulatedAgent {
    private func fullReport(at now: UnixTime) -> AgentToServer {
        .with {
            $0.agentDescription = profile.description
            $0.health = health(at: now)
            $0.effectiveConfig = effectiveConfig
            $0.customCapabilities.capabilities = profile.customCapabilities
            if let offeredConfig { $0.remoteConfigStatus = offeredConfig.report }
            if let offeredSettings, profile.capabilities.contains(.reportsConnectionSettingsStatus) {
                $0.connectionSettingsStatus = offeredSettings.report
            }
            // The components themselves only when the server asks for them.
            if profile.capabilities.contains(.reportsAvailableComponents) {
                $0.availableComponents.hash = profile.availableComponentsHash
            }
        }
    }

    /// Nothing but who and how many; the false start time of agents that report their uptime goes along.
    private func heartbeatReport(at now: UnixTime) -> AgentToServer {
        behaviour.reportsUptimeAsStartTime ? .with { $0.health = health(at: now) } : AgentToServer()
    }

    func health(at now: UnixTime) -> ComponentHealth {
        if isStopped { return .with { $0.status = "stopped" } }
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

    mutating func answer(_ message: AgentToServer) -> [Action] {
        behaviour.answerDelay == .zero
            ? [.send(numbered(message))] : [.wait(.answer(message), for: behaviour.answerDelay)]
    }

    func nextHeartbeat(within fraction: Double = 1) -> [Action] {
        let interval = heartbeat == .zero ? behaviour.poll : heartbeat
        return interval == .zero ? [] : [.wait(.heartbeat(round: heartbeatRound), for: interval * fraction)]
    }
}
