import FleetAPI
import HTTPTypes
import JSON

extension Route {
    /// How many entries a page has.
    static let pageSizes = 1...1000
    static let defaultPageSize = 50

    /// The inventory, one agent, and forgetting it.
    static let agents = [
        Route(.get, "/api/v1/agents", ["filter", "fields", "sort", "limit", "cursor"]) { call in
            let fields = try call.query.list("fields", of: Agent.fieldNames)
            let query = AgentQuery(
                filter: try Filter(call.query["filter"] ?? ""), sort: call.query["sort"],
                limit: try call.query.number("limit", in: pageSizes, default: defaultPageSize),
                cursor: call.query["cursor"])
            return Answer(json: written(try call.fleet.agents(query), only: fields.map(Set.init)))
        },
        Route(.get, "/api/v1/agents/find", ["q", "limit"]) { call in
            let limit = try call.query.number("limit", in: pageSizes, default: defaultPageSize)
            return Answer(json: call.fleet.find(try call.query.required("q"), limit: limit).json)
        },
        Route(.get, "/api/v1/agents/{ref}", ["include"]) { call in
            let names = try call.query.list("include", of: AgentSection.allCases.map(\.rawValue)) ?? []
            let sections = Set(names.compactMap(AgentSection.init(rawValue:)))
            return Answer(json: try await call.fleet.detail(call.arguments[0], include: sections).json)
        },
        Route(.delete, "/api/v1/agents/{ref}", for: .admin) { call in
            try await call.fleet.forget(call.arguments[0], caller: call.caller)
            return Answer(status: .noContent)
        },
    ]

    /// A page whose agents have only the named fields.
    static func written(_ page: AgentPage, only fields: Set<String>?) -> JSON {
        guard let fields else { return page.json }
        var empty = page
        empty.agents = []
        var object = empty.json.object ?? .init()
        object["agents"] = .array(page.agents.map { $0.written(only: fields) })
        return .object(object)
    }
}
