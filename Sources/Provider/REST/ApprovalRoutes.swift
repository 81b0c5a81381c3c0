import FleetAPI
import HTTPTypes
import JSON

extension Route {
    /// What people decide about agents: who is let in, and labels.
    static let approvals = [
        Route(
            .get, "/api/v1/approvals", "The agents that wait for a person, or are blocked.", .notApproved, .pageSize,
            .cursor, answers: [.ok(AgentPage.self)]
        ) { call, admission, limit, cursor in
            let query = AgentQuery(
                filter: try Filter("admission:\(admission.rawValue)"), sort: "first_seen", limit: limit, cursor: cursor)
            return Answer(json: try call.fleet.agents(query).json)
        },
        Route(
            .post, "/api/v1/approvals", "Approves, blocks or unblocks agents; each decision has a result of its own.",
            .body(AdmissionRequest.self, example: #"{"decisions": [{"agent": "web-17", "decision": "approve"}]}"#),
            for: .admin, answers: [.ok(AdmissionResults.self)]
        ) { call, request in
            Answer(json: try await call.fleet.decide(request, caller: call.caller).json)
        },
        Route(
            .put, "/api/v1/agents/{ref}/labels", "Replaces or changes the labels of an agent.", .agent,
            .body(LabelsRequest.self, example: #"{"set": {"env": "prod"}, "remove": ["old"]}"#), for: .operator,
            answers: [.ok(Agent.self)], refusals: [404, 409]
        ) { call, agent, request in
            Answer(json: try await call.fleet.label(agent, request, caller: call.caller).json)
        },
    ]
}

extension Input where Value == Admission {
    /// Those of the states of admission that are listed here.
    fileprivate static var notApproved: Input {
        Input(
            "admission", "which of them",
            schema: ["type": "string", "enum": ["pending", "blocked"], "default": "pending"]
        ) { query throws(Problem) in
            let admission = try query.choice("admission", Admission.self) ?? .pending
            guard admission != .approved else {
                throw .badRequest(
                    field: "admission", value: admission.rawValue,
                    "agents that are let in are listed at /api/v1/agents; here: pending, blocked",
                    allowed: ["pending", "blocked"])
            }
            return admission
        }
    }
}
