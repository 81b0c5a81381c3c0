import FleetAPI
import HTTPTypes
import JSON

extension Route {
    /// What people decide about agents: who is let in, and labels.
    static let approvals = [
        Route(.get, "/api/v1/approvals", ["admission", "limit", "cursor"]) { call in
            let admission = try call.query.choice("admission", Admission.self) ?? .pending
            guard admission != .approved else {
                throw Problem.badRequest(
                    field: "admission", value: admission.rawValue,
                    "agents that are let in are listed at /api/v1/agents; here: pending, blocked",
                    allowed: ["pending", "blocked"])
            }
            let query = AgentQuery(
                filter: try Filter("admission:\(admission.rawValue)"), sort: "first_seen",
                limit: try call.query.number("limit", in: pageSizes, default: defaultPageSize),
                cursor: call.query["cursor"])
            return Answer(json: try call.fleet.agents(query).json)
        },
        Route(.post, "/api/v1/approvals", for: .admin) { call in
            Answer(json: try await call.fleet.decide(try call.object(AdmissionRequest.self), caller: call.caller).json)
        },
        Route(.put, "/api/v1/agents/{ref}/labels", for: .operator) { call in
            let request = try call.object(LabelsRequest.self)
            return Answer(
                json: try await call.fleet.label(call.arguments[0], request, caller: call.caller).json)
        },
    ]
}
