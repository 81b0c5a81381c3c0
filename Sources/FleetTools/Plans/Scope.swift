import FleetAPI
import FleetClient
import JSON
import MCP

/// Whom an action is for, and the plan that it repeats.
struct Scope: Sendable {
    enum Subject: Sendable {
        /// A reference to one agent.
        case agent(String)
        case filter(String)
    }

    let subject: Subject
    /// Only the first so many of a filter, by uid.
    let limit: Int?
    let plan: String?
    let expectedCount: Int?

    /// - Throws: a refusal unless exactly one of `agent` and `filter` is given, for a filter that could mean anything,
    ///   and for what does not go together.
    init(
        agent: String?, filter: String?, limit: Int?, plan: String?, expectedCount: Int?
    ) throws(ToolFailure) {
        (self.limit, self.plan, self.expectedCount) = (limit, plan, expectedCount)
        switch (agent, filter) {
        case (let agent?, nil):
            guard limit == nil else { throw .refused("limit goes with filter, not with agent") }
            subject = .agent(agent)
        case (nil, let filter?):
            let parsed: Filter
            do { parsed = try Filter(filter) } catch { throw .refused(FleetError(error).text) }
            guard parsed.hasPositiveTerm else {
                throw .refused(
                    "the filter \(clean(filter, limit: 80)) does not say which agents are meant, only which are not",
                    try: "add a term such as type:fluent-bit or host:web-*")
            }
            subject = .filter(filter)
        default:
            throw .refused(
                agent == nil ? "agent or filter is missing" : "agent and filter exclude each other",
                try: "give one of them, e.g. agent: \"web-17\"")
        }
        guard plan != nil || expectedCount == nil else {
            throw .refused("expected_count goes with plan", try: "leave it out for a plan")
        }
    }

    /// What a plan compares of the scope.
    var arguments: JSON.Object {
        var arguments = JSON.Object()
        switch subject {
        case .agent(let agent): arguments["agent"] = .string(agent)
        case .filter(let filter): arguments["filter"] = .string(filter)
        }
        if let limit { arguments["limit"] = .integer(limit) }
        return arguments
    }
}

extension Field where Value == String? {
    static var agentOfTwo: Field { .optionalText("agent", "id, host or service instance id") }
    static var writingFilter: Field { .optionalText("filter", "") }
    static var plan: Field { .optionalText("plan", "") }
}

extension Field where Value == Int? {
    static var canary: Field {
        .optionalCount("limit", "only the first N", in: FleetSession.targetLimits, isRangeListed: false)
    }
    static var expectedCount: Field {
        .optionalCount("expected_count", "", in: FleetSession.targetLimits, isRangeListed: false)
    }
}
