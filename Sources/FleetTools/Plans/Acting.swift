import FleetAPI
import FleetClient
import JSON
import MCP

/// One call of a tool that changes something.
struct Acting: Sendable {
    let tool: String
    let session: FleetSession
    let call: ToolCall

    var client: FleetClient { session.client }
    var action: Action { Action(client: client, call: call) }

    /// Asks one agent for a command, or many over a plan.
    ///
    /// - Parameter isPlannedForOne: whether one agent takes the plan step, too.
    func command(
        _ request: CommandRequest, _ scope: Scope, isPlannedForOne: Bool = false, waitSeconds: Int
    ) async throws -> String {
        if case .agent(let agent) = scope.subject, !isPlannedForOne {
            guard scope.plan == nil else { throw ToolFailure.refused("plan goes with filter here, not with agent") }
            try await confirmOne(agent, request.sentence)
            return try await action.perform(request, on: agent, waitSeconds: waitSeconds)
        }
        var operation = OperationRequest()
        (operation.command, operation.parameters) = (request.command, request.parameters)
        operation.acknowledgeKnownDefect = request.acknowledgeKnownDefect
        var arguments = scope.arguments
        arguments["command"] = .string(request.command)
        arguments["parameters"] = request.parameters.json
        arguments["acknowledge_known_defect"] = .bool(request.acknowledgeKnownDefect ?? false)
        return try await planned(operation, scope, arguments, waitSeconds: waitSeconds)
    }

    /// The first call makes a plan of it, the second carries it out.
    ///
    /// - Parameter arguments: what must be the same in both.
    func planned(
        _ operation: OperationRequest, _ scope: Scope, _ arguments: JSON.Object, waitSeconds: Int
    ) async throws -> String {
        var operation = operation
        guard let handle = scope.plan else {
            let one = try await target(of: scope, &operation)
            operation.limit = scope.limit
            operation.listTargets = true
            let found = try await client.plan(operation)
            let targets = try checked(found, scope, one)
            let plan = Plan(
                tool: tool, arguments: arguments, targets: targets,
                summary: found.question(operation, one))
            return found.text(
                operation.command, one, handle: session.plans.keep(plan), changes: found.changeLines(one))
        }
        let plan = try await confirmed(handle, scope, arguments)
        return try await call.act(on: plan.targets.map(\.instanceUID)) {
            try session.plans.use(handle)
            return try await start(operation, plan, scope, waitSeconds: waitSeconds)
        }
    }

    private func start(
        _ operation: OperationRequest, _ plan: Plan, _ scope: Scope, waitSeconds: Int
    ) async throws -> String {
        var operation = operation
        switch scope.subject {
        case .agent: operation.filter = "id:\(plan.targets[0].instanceUID)"
        case .filter(let filter): operation.filter = filter
        }
        operation.agents = plan.targets.map { Strict($0) }
        operation.atLeast = plan.leastCount
        let started = try await client.start(operation)
        return try await outcome(of: started, isOne: scope.subject.isAgent, waitSeconds: waitSeconds)
    }

    /// The plan that a second call repeats, once a person has confirmed it.
    func confirmed(_ handle: String, _ scope: Scope, _ arguments: JSON.Object) async throws -> Plan {
        let plan = try session.plans.plan(
            handle, tool: tool, arguments: arguments, expectedCount: scope.expectedCount)
        do {
            try await call.requireConfirmation(plan.summary, isBulk: true)
        } catch let refusal as ToolFailure {
            // What a person did not want is not asked again.
            try? session.plans.use(handle)
            throw refusal
        }
        return plan
    }

    /// Lets a person confirm what is done to one agent without a plan, where everything is confirmed.
    func confirmOne(_ agent: String, _ what: String) async throws {
        guard call.policy == .always else { return }
        let label = try await client.agent(agent).agent.label
        try await call.requireConfirmation("\(what): \(label)", isBulk: false)
    }

    /// Writes into the operation which agents it is for.
    ///
    /// - Returns: the agent, where one is meant.
    private func target(of scope: Scope, _ operation: inout OperationRequest) async throws -> Agent? {
        switch scope.subject {
        case .filter(let filter):
            operation.filter = filter
            return nil
        case .agent(let reference):
            let agent = try await client.agent(reference).agent
            operation.filter = "id:\(agent.instanceUID)"
            return agent
        }
    }

    /// The targets, if a plan may be made of them.
    ///
    /// - Throws: a refusal when there are none, too many, or when they are the whole fleet.
    private func checked(_ found: OperationPlan, _ scope: Scope, _ one: Agent?) throws(ToolFailure) -> [OperationTarget]
    {
        guard found.targets > 0 else {
            let who = one?.label ?? "the filter matches \(found.matched) of \(agentCount(found.total))"
            let why = found.excluded.isEmpty ? "" : ": \(found.leftOut)"
            throw .refused(
                who + why, try: one == nil ? "see list_agents with this filter" : "see get_agent or get_config")
        }
        if one == nil {
            try session.checkCount(found.targets, matched: found.matched, total: found.total, limit: scope.limit)
        }
        guard let list = found.list, list.count == found.targets else {
            throw .refused("the provider does not name the agents", try: "use an opamp-provider of this version")
        }
        return list
    }

    private func outcome(of started: FleetOperation, isOne: Bool, waitSeconds: Int) async throws -> String {
        guard isOne else {
            let text = try await action.outcome(of: started, waitSeconds: waitSeconds)
            let how = text.hasPrefix(OperationState.running.rawValue) ? "outcome: command_status " : ""
            // In the first line: exceptions are below it.
            let end = text.firstIndex(of: "\n") ?? text.endIndex
            return "\(text[..<end]); \(how)command_id=\(clean(started.id, limit: 64))\(text[end...])"
        }
        guard let command = try await client.commands(operation: started.id, limit: 1).commands.first else {
            throw ToolFailure.refused(clean(started.exceptions?.first?.result ?? "it was not sent", limit: 200))
        }
        return try await action.outcome(of: command, waitSeconds: waitSeconds)
    }
}

extension Plan {
    /// How many must still be meant: no more than a tenth may have left.
    var leastCount: Int { targets.count - targets.count / 10 }
}

extension CommandRequest {
    /// What is asked for, as a person decides it: `chatops {"tag":"ok"}`.
    var sentence: String {
        let details = parameters.isEmpty ? "" : " " + clean(parameters.json.text, limit: 160)
        return clean(command, limit: 40) + details
    }
}

extension Scope.Subject {
    var isAgent: Bool { if case .agent = self { true } else { false } }
}

extension FleetSession {
    /// - Throws: a refusal when more agents are meant than may be, or a whole fleet though nobody allowed that.
    func checkCount(_ count: Int, matched: Int, total: Int, limit: Int?) throws(ToolFailure) {
        let most = maxTargets ?? Self.standardTargetLimit
        guard count <= most else {
            throw .refused(
                "\(count) agents are meant, at most \(most) may be (--max-targets)",
                try: "narrow the filter, or give limit")
        }
        guard maxTargets == nil, total > 1, count == total || limit == nil && matched == total else { return }
        throw .refused(
            "these are all \(total) agents of the fleet, which only an explicit --max-targets allows",
            try: "narrow the filter, or give limit")
    }
}

/// A tool that changes something, as `fleetTool` makes it, with what plans need.
func actingTool<each Value: Sendable>(
    _ name: String, _ access: Access, _ description: String, _ field: repeat Field<each Value>,
    handler: @escaping @Sendable (Acting, repeat each Value) async throws -> String
) -> Tool<FleetSession> {
    sessionTool(name, access, description, repeat each field) { (session, call, value: repeat each Value) in
        try await handler(Acting(tool: name, session: session, call: call), repeat each value)
    }
}
