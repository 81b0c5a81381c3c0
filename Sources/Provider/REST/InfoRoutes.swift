import FleetAPI
import HTTPTypes
import JSON

extension Route {
    /// What answers here, and the totals of the fleet.
    static let info = [
        Route(.get, "/healthz") { _ in Answer(json: ["status": "ok"]) },
        Route(.get, "/api/v1/info") { call in Answer(json: call.fleet.info().json) },
        Route(.get, "/api/v1/fleet", ["filter", "group_by"]) { call in
            let filter = try Filter(call.query["filter"] ?? "")
            return Answer(json: try call.fleet.summary(filter, groupBy: call.query.list("group_by") ?? []).json)
        },
    ]
}
