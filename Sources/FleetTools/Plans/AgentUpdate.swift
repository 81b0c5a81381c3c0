import FleetAPI
import FleetClient
import JSON
import MCP

/// What people decide about agents: labels, how often they report, whether they are let in.
struct AgentUpdate: Sendable {
    /// Names with their new values.
    var set: [String: String] = [:]
    /// Names to take away.
    var remove: [String] = []
    var heartbeatSeconds: Int?
    /// Whether they are asked for their full state.
    var resync = false
    var access: AdmissionRequest.Verb?

    /// - Parameter labels: names with texts, or with null for one to take away.
    /// - Throws: a refusal for a value that is no text, and when nothing is to be changed.
    init(labels: JSON.Object?, heartbeatSeconds: Int?, resync: Bool, access: String?) throws(ToolFailure) {
        for (name, value) in labels?.members ?? [] {
            let shown = clean(name, limit: 63)
            switch value {
            case .null: remove.append(name)
            case .string(""):
                throw .refused("label \(shown) is empty", try: "give a value, or null to take it away")
            case .string(let text): set[name] = text
            default:
                throw .refused(
                    "label \(shown) must be a string or null, got \(clean(value.text, limit: 40))",
                    try: "quote it: \"\(clean(value.text, limit: 40))\"")
            }
        }
        self.heartbeatSeconds = heartbeatSeconds
        self.resync = resync
        self.access = access.flatMap { AdmissionRequest.Verb(rawValue: $0) }
        guard !set.isEmpty || !remove.isEmpty || heartbeatSeconds != nil || resync || self.access != nil else {
            throw .refused(
                "nothing to change is given", try: "give labels, heartbeat_seconds, resync or access")
        }
    }

    /// What must be the same in both calls of a plan.
    var arguments: JSON.Object {
        let labels = set.sorted { $0.key < $1.key }.map { (key: $0.key, value: JSON.string($0.value)) }
        var arguments = JSON.Object()
        arguments["labels"] = [.object(.init(labels)), .array(remove.sorted().map { .string($0) })]
        arguments["resync"] = .bool(resync)
        if let heartbeatSeconds { arguments["heartbeat_seconds"] = .integer(heartbeatSeconds) }
        if let access { arguments["access"] = .string(access.rawValue) }
        return arguments
    }

    /// What is changed, as a person reads it: `labels env=prod -old, heartbeat 30s`.
    var sentence: String {
        var parts: [String] = []
        if let access { parts.append(access.rawValue) }
        if hasLabels {
            let labels = set.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" } + remove.map { "-\($0)" }
            parts.append("labels " + clean(labels.joined(separator: " "), limit: 120))
        }
        if let heartbeatSeconds { parts.append("heartbeat \(heartbeatSeconds)s") }
        if resync { parts.append("resync") }
        return parts.joined(separator: ", ")
    }

    var hasLabels: Bool { !set.isEmpty || !remove.isEmpty }

    /// Whether an agent has these labels already.
    func isLabelled(_ agent: Agent) -> Bool {
        set.allSatisfy { agent.labels[$0.key] == $0.value } && remove.allSatisfy { agent.labels[$0] == nil }
    }

    /// Whether an agent is let in, or kept out, already.
    func isDecided(_ agent: Agent) -> Bool {
        switch access {
        case .approve?, .unblock?: agent.admission == .approved
        case .block?: agent.admission == .blocked
        case nil: true
        }
    }
}

/// What became of one kind of change at many agents: counts and exceptions.
struct UpdateOutcome: Sendable {
    let name: String
    /// What those are called at which something was done: `changed`, `queued`.
    let done: String
    var changed = 0
    var same = 0
    var refused: [(agent: String, why: String)] = []
    /// Whether what was done is only on its way.
    var isOpen = false

    /// `labels: 10 changed, 2 already so, 1 refused`.
    var text: String {
        let counts = [(changed, done), (same, "already so"), (refused.count, "refused")]
        return "\(name): " + counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }
}

extension Acting {
    /// How many agents are changed at one time.
    private static let width = 8

    /// Makes all changes at these agents, one kind after the other.
    ///
    /// Doing it again changes nothing more: a call that ended in between is repeated.
    func carryOut(_ update: AgentUpdate, on agents: [Agent], filter: String?) async throws -> [UpdateOutcome] {
        var outcomes: [UpdateOutcome] = []
        if let verb = update.access { outcomes.append(try await decide(verb, update, agents)) }
        if update.hasLabels {
            var request = LabelsRequest()
            request.set = update.set.isEmpty ? nil : update.set
            request.remove = update.remove.isEmpty ? nil : update.remove
            let due = agents.filter { !update.isLabelled($0) }
            var outcome = UpdateOutcome(name: "labels", done: "changed", same: agents.count - due.count)
            try await each(due, &outcome) { [request] agent in
                _ = try await client.label(agent.instanceUID, request)
                return true
            }
            outcomes.append(outcome)
        }
        if let seconds = update.heartbeatSeconds {
            var request = HeartbeatRequest()
            request.seconds = Nullable(seconds)
            var outcome = UpdateOutcome(name: "heartbeat \(seconds)s", done: "queued", isOpen: true)
            try await each(agents, &outcome) { [request] agent in
                try await client.offerHeartbeat(request, to: agent.instanceUID).state != .confirmed
            }
            outcomes.append(outcome)
        }
        if update.resync { outcomes.append(try await resync(agents, filter)) }
        return outcomes
    }

    private func decide(
        _ verb: AdmissionRequest.Verb, _ update: AgentUpdate, _ agents: [Agent]
    ) async throws -> UpdateOutcome {
        let due = agents.filter { !update.isDecided($0) }
        var outcome = UpdateOutcome(name: verb.rawValue, done: "done", same: agents.count - due.count)
        for start in stride(from: 0, to: due.count, by: AdmissionRequest.limit) {
            let some = due[start..<min(start + AdmissionRequest.limit, due.count)]
            let results = try await client.decide(AdmissionRequest(some.map { .init($0.instanceUID, verb) })).results
            for (agent, result) in zip(some, results) {
                guard let error = result.error else {
                    outcome.changed += 1
                    continue
                }
                outcome.refused.append((agent.label, FleetError(error).text))
            }
        }
        return outcome
    }

    private func resync(_ agents: [Agent], _ filter: String?) async throws -> UpdateOutcome {
        guard let filter else {
            var outcome = UpdateOutcome(name: "resync", done: "queued", isOpen: true)
            try await each(agents, &outcome) { agent in
                _ = try await client.queue(CommandRequest(command: "resync"), for: agent.instanceUID)
                return true
            }
            return outcome
        }
        var operation = OperationRequest()
        (operation.command, operation.filter) = ("resync", filter)
        operation.agents = agents.map { Strict(OperationTarget($0.instanceUID)) }
        let started = try await client.start(operation)
        var outcome = UpdateOutcome(
            name: "resync command_id=\(clean(started.id, limit: 64))", done: "queued", isOpen: true)
        let skipped = (started.exceptions ?? []).filter { $0.state == "skipped" }
        outcome.refused = skipped.map { (agentLabel(host: $0.host, shortID: $0.shortID), $0.result ?? "") }
        outcome.changed = agents.count - (started.counts["skipped"] ?? 0)
        return outcome
    }

    /// Does something at each agent, some at a time.
    ///
    /// - Parameter work: returns whether it changed anything.
    private func each(
        _ agents: [Agent], _ outcome: inout UpdateOutcome, _ work: @escaping @Sendable (Agent) async throws -> Bool
    ) async throws {
        typealias Done = (agent: Agent, result: Result<Bool, FleetError>)
        let attempt = { @Sendable (agent: Agent) async throws -> Done in
            do {
                return (agent, .success(try await work(agent)))
            } catch let error as FleetError {
                return (agent, .failure(error))
            }
        }
        try await withThrowingTaskGroup(of: Done.self) { group in
            for agent in agents.prefix(Self.width) { group.addTask { try await attempt(agent) } }
            var rest = agents.dropFirst(Self.width)
            while let (agent, result) = try await group.next() {
                switch result {
                case .success(let isChanged): if isChanged { outcome.changed += 1 } else { outcome.same += 1 }
                case .failure(let error):
                    // What fails at all of them, such as a provider that is gone, need not be tried at each.
                    guard case .problem(let problem) = error.kind, problem.status < 500 else { throw error }
                    outcome.refused.append((agent.label, error.text))
                }
                if let next = rest.popFirst() { group.addTask { try await attempt(next) } }
            }
        }
    }
}
