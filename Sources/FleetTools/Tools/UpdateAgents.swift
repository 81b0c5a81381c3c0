import FleetAPI
import FleetClient
import JSON
import MCP

/// Changes what people decide about agents; done twice it is the same as once.
let updateAgents = actingTool(
    "update_agents", .changes(destructive: false, idempotent: true),
    "Set labels (null removes one) or the heartbeat of an agent, ask for its full state, approve or block it; "
        + "with filter of many: the first call only plans, the second repeats it with plan and expected_count.",
    .agentOfTwo, .writingFilter,
    .object("labels", "{name: value}"),
    .optionalCount("heartbeat_seconds", "0: off", in: HeartbeatRequest.secondsAllowed),
    .flag("resync", "", default: false),
    .optionalChoice("access", "", of: AdmissionRequest.Verb.allCases.map(\.rawValue)),
    .canary, .plan, .expectedCount
) { acting, agent, filter, labels, heartbeat, resync, access, limit, plan, expectedCount in
    let scope = try Scope(agent: agent, filter: filter, limit: limit, plan: plan, expectedCount: expectedCount)
    let update = try AgentUpdate(labels: labels, heartbeatSeconds: heartbeat, resync: resync, access: access)
    switch scope.subject {
    case .agent(let reference):
        guard plan == nil else { throw ToolFailure.refused("plan goes with filter here, not with agent") }
        let agent = try await acting.client.agent(reference).agent
        try await acting.call.requireConfirmation("\(update.sentence): \(agent.label)", isBulk: false)
        return try await acting.call.act(on: [agent.instanceUID]) {
            let outcomes = try await acting.carryOut(update, on: [agent], filter: nil)
            return try told(outcomes, of: agent.label, count: 1)
        }
    case .filter(let filter):
        var arguments = scope.arguments
        for (name, value) in update.arguments.members { arguments[name] = value }
        let (agents, page) = try await acting.agents(of: filter, limit: plan == nil ? limit : nil)
        guard let plan else {
            return try acting.updatePlan(update, agents, page, scope, arguments)
        }
        let repeated = try await acting.confirmed(plan, scope, arguments)
        let meant = Set(repeated.targets.map(\.instanceUID))
        let left = agents.filter { meant.contains($0.instanceUID) }
        guard left.count >= repeated.leastCount else {
            throw ToolFailure.refused(
                "only \(left.count) of the \(meant.count) agents of the plan still match the filter",
                try: "call without plan and expected_count for a new one")
        }
        return try await acting.call.act(on: left.map(\.instanceUID)) {
            try acting.session.plans.use(plan)
            let outcomes = try await acting.carryOut(update, on: left, filter: filter)
            return try told(outcomes, of: agentCount(left.count), count: left.count, skipped: meant.count - left.count)
        }
    }
}

extension Acting {
    private static let pageSize = 1_000
    private static let fields = [
        "instance_uid", "short_id", "host", "type", "version", "status", "labels", "admission",
    ]

    /// The agents of a filter by uid, the first `limit` of them; the page tells the counts.
    ///
    /// - Throws: a refusal when there are more than can be told apart at one time.
    fileprivate func agents(of filter: String, limit: Int?) async throws -> (agents: [Agent], page: AgentPage) {
        var page = try await client.agents(
            filter: filter, fields: Self.fields, sort: "first_seen", limit: Self.pageSize)
        guard page.matched <= OperationRequest.agentLimit else {
            throw ToolFailure.refused(
                "the filter matches \(page.matched) agents, at most \(OperationRequest.agentLimit) can be meant",
                try: "narrow it")
        }
        let first = page
        var agents = page.agents
        while let next = page.next, agents.count < first.matched {
            page = try await client.agents(
                filter: filter, fields: Self.fields, sort: "first_seen", limit: Self.pageSize, cursor: next)
            agents += page.agents
        }
        agents.sort { $0.instanceUID < $1.instanceUID }
        return (limit.map { Array(agents.prefix($0)) } ?? agents, first)
    }

    fileprivate func updatePlan(
        _ update: AgentUpdate, _ agents: [Agent], _ page: AgentPage, _ scope: Scope, _ arguments: JSON.Object
    ) throws -> String {
        guard !agents.isEmpty else {
            throw ToolFailure.refused(
                "the filter matches none of \(agentCount(page.total))", try: "see list_agents with this filter")
        }
        try session.checkCount(agents.count, matched: page.matched, total: page.total, limit: scope.limit)
        let named = agents.prefix(5).map(\.label).joined(separator: ", ")
        let more = agents.count > 5 ? " … \(agents.count - 5) more" : ""
        let sentence = "\(update.sentence) of \(agents.count) of \(agentCount(page.total))"
        var lines = ["planned, nothing is done yet: \(sentence)", "first: \(named)\(more)"]
        var same: [String] = []
        if update.hasLabels { same.append("labels: \(agents.count(where: update.isLabelled)) already so") }
        if let access = update.access {
            same.append("\(access.rawValue): \(agents.count(where: update.isDecided)) already so")
        }
        if !same.isEmpty { lines.append(same.joined(separator: "; ")) }
        let plan = Plan(
            tool: tool, arguments: arguments, targets: agents.map { OperationTarget($0.instanceUID) },
            summary: "\(sentence): \(named)\(more)")
        let handle = session.plans.keep(plan)
        lines.append(
            "to do it repeat the arguments with plan=\"\(handle)\", expected_count=\(agents.count) within 10 min")
        return lines.joined(separator: "\n")
    }
}

/// What was done: the state first, counts, and the first agents that refused.
///
/// - Throws: a refusal where all of it was refused.
private func told(
    _ outcomes: [UpdateOutcome], of whom: String, count: Int, skipped: Int = 0
) throws(ToolFailure) -> String {
    let refused = outcomes.flatMap { outcome in outcome.refused.map { (outcome.name, $0.agent, $0.why) } }
    let counts = outcomes.map(\.text).joined(separator: "; ")
    if outcomes.allSatisfy({ $0.changed == 0 && $0.same == 0 }), let first = refused.first {
        throw ToolFailure("refused: \(count == 1 ? first.1 : "\(whom), \(counts)"): \(first.2)")
    }
    let state = outcomes.contains { $0.isOpen && $0.changed > 0 } ? CommandState.queued : .confirmed
    let gone = skipped > 0 ? "; \(skipped) skipped: the filter does not match them any more" : ""
    var lines = ["\(state.rawValue): \(whom); \(counts)\(gone)"]
    lines += refused.prefix(5).map { "refused: \($0.0) of \($0.1): \(clean($0.2, limit: 120))" }
    if refused.count > 5 { lines.append("… \(refused.count - 5) more refused") }
    return lines.joined(separator: "\n")
}
