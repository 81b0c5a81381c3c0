import FleetAPI
import HTTPTypes
import JSON

extension Route {
    /// Who did what, and who was refused what.
    static let audit = [
        Route(
            .get, "/api/v1/audit", "Who did what, when and from where, and what came of it; the newest first.",
            .text("agent", "only what concerns this agent"),
            .text("target", "only what was done to exactly this: an instance uid, the id of a command, a name"),
            .text("action", "only this verb"), .text("caller", "only what this caller did"),
            .moment("since", "only what happened since then"), .pageSize, .cursor, for: .operator,
            answers: [.ok(AuditPage.self)], refusals: [404, 409]
        ) { call, agent, target, action, caller, since, limit, cursor in
            let page = try await call.fleet.audit(
                agent: agent, target: target, action: action, caller: caller, since: since, limit: limit,
                cursor: cursor)
            return Answer(json: page.json)
        }
    ]
}
