import FleetAPI
import OpAMP

/// One agent as readers see it: its record and its vitals at one moment.
struct AgentView {
    let record: AgentRecord
    let vitals: Vitals
    /// The commands in memory: the open ones.
    var commands: [OpenCommand] = []

    var facts: AgentFacts { record.facts }

    var problems: [String] {
        var problems: [String] = []
        if vitals.health == .unhealthy { problems.append("unhealthy") }
        if vitals.status != .connected { problems.append(vitals.status.rawValue) }
        if facts.configStatus == .failed { problems.append("config_failed") }
        if vitals.isInConflict { problems.append("conflict") }
        if drift != nil { problems.append("config_drift") }
        return problems
    }

    var hasProblem: Bool {
        vitals.health == .unhealthy || vitals.status != .connected || facts.configStatus == .failed
            || vitals.isInConflict || drift != nil
    }

    /// Why the agent does not run what is desired; nil where it does.
    var drift: ConfigDrift? { ConfigDrift(record.facts, record.decisions) }

    /// When the process started, where what the agent reports can be a date.
    var started: Timestamp? {
        facts.startTimes.first.flatMap {
            $0 > 0 && $0 < UInt64(Int64.max) ? Timestamp(nanoseconds: Int64($0)) : nil
        }
    }

    /// The agent as lists show it.
    func agent(shortID: String) -> Agent {
        var agent = Agent()
        agent.instanceUID = record.uid.description
        agent.shortID = shortID
        agent.status = vitals.status
        agent.admission = record.decisions.admission
        agent.health = vitals.health
        agent.lastHealth = facts.isHealthy.map { $0 ? .healthy : .unhealthy }
        agent.problems = problems
        agent.type = facts.type?.text
        agent.version = facts.version?.text
        agent.host = facts.host?.text
        agent.ip = facts.ip?.text
        agent.os = facts.os?.text
        agent.serviceInstanceID = facts.serviceInstanceID?.text
        agent.error = facts.error
        agent.errorComponent = facts.errorComponent
        agent.labels = record.decisions.labels
        agent.transport = vitals.transport
        agent.identity = vitals.identity
        agent.started = started
        agent.firstSeen = record.firstSeen
        agent.lastSeen = vitals.lastSeen.wall
        agent.config = facts.configStatus
        agent.configHash = facts.configHash
        if let end = record.decisions.mutedUntil, end > Moment.now().wall { agent.mutedUntil = end }
        return agent
    }
}

extension AgentView: FilterSubject {
    var uidBits: (high: UInt64, low: UInt64)? { (record.uid.high, record.uid.low) }

    func text(_ key: Filter.TextKey) -> String? {
        switch key {
        case .status: vitals.status.rawValue
        case .health: vitals.health.rawValue
        case .admission: record.decisions.admission.rawValue
        case .type: facts.type?.lower
        case .version: facts.version?.lower
        case .host: facts.host?.lower
        case .ip: facts.ip?.lower
        case .os: facts.os?.lower
        case .config: drift == nil ? facts.configStatus?.rawValue : Filter.drift
        case .configHash: facts.configHash
        case .error: facts.error
        case .transport: vitals.transport.rawValue
        case .identity: vitals.identity?.rawValue ?? Filter.noIdentity
        case .serviceInstanceID: facts.serviceInstanceID?.lower
        }
    }

    func contains(_ key: Filter.ListKey, where matches: (String) -> Bool) -> Bool {
        switch key {
        case .problem: problems.contains(where: matches)
        case .capability:
            facts.capabilities.names.contains(where: matches) || facts.customCapabilities.contains(where: matches)
        case .command:
            commands.contains { matches($0.command.state.rawValue) || matches($0.command.command) }
        }
    }

    func moment(_ key: Filter.TimeKey) -> Timestamp? {
        switch key {
        case .lastSeen: vitals.lastSeen.wall
        case .firstSeen: record.firstSeen
        case .started: started
        }
    }

    func label(_ name: String) -> String? { record.decisions.labels[name] }

    func attribute(_ name: String) -> String? {
        facts.attributes.first { $0.key == name }?.value.displayText
    }
}
