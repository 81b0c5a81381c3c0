import FleetAPI
import HTTPTypes
import JSON

extension Route {
    /// What answers here, and the totals of the fleet.
    static let info = [
        Route(
            .get, "/healthz", "Whether the provider runs.", isOpen: true, answers: [.ok([String: String].self)]
        ) { _ in
            Answer(json: ["status": "ok"])
        },
        Route(.get, "/api/v1/info", "Product, version and size of the fleet.", answers: [.ok(ServerInfo.self)]) {
            call in
            Answer(json: call.fleet.info().json)
        },
        Route(
            .get, "/api/v1/fleet", "Totals by status and health, and counts by any attributes.", .filter,
            .list("group_by", "`type`, `version`, `label.NAME`, any attribute", atMost: 3),
            answers: [.ok(FleetSummary.self)]
        ) { call, filter, groupBy in
            Answer(json: try call.fleet.summary(filter, groupBy: groupBy ?? []).json)
        },
        Route(.get, "/api/v1/openapi.json", "This document.", answers: [.ok(JSON.self)]) { _ in
            Answer(json: OpenAPI.document)
        },
    ]
}
