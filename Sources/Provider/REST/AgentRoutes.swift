import FleetAPI
import HTTPTypes
import JSON

extension Route {
    /// How many entries a page has.
    static let pageSizes = 1...1000
    static let defaultPageSize = 50

    /// The inventory, one agent, and forgetting it.
    static let agents = [
        Route(
            .get, "/api/v1/agents", "The inventory, one page of it.", .filter,
            .list("fields", "only these members of each agent", of: Agent.fieldNames), .agentOrder, .pageSize, .cursor,
            answers: [.ok(AgentPage.self)]
        ) { call, filter, fields, sort, limit, cursor in
            let query = AgentQuery(filter: filter, sort: sort, limit: limit, cursor: cursor)
            return Answer(json: written(try call.fleet.agents(query), only: fields.map(Set.init)))
        },
        Route(
            .get, "/api/v1/agents/find", "The agents that a free text means best, each with why it matched.",
            .requiredText("q", "a part of a uid, host, address, type or label"), .pageSize,
            answers: [.ok(AgentMatches.self)]
        ) { call, text, limit in
            Answer(json: call.fleet.find(text, limit: limit).json)
        },
        Route(
            .get, "/api/v1/agents/{ref}", "One agent, with the sections asked for.", .agent,
            .list("include", "sections besides the summary", of: AgentSection.self),
            answers: [.ok(AgentDetail.self)], refusals: [404, 409]
        ) { call, agent, sections in
            Answer(json: try await call.fleet.detail(agent, include: Set(sections ?? [])).json)
        },
        Route(
            .delete, "/api/v1/agents/{ref}", "Forgets an agent that is not connected.", .agent, for: .admin,
            answers: [.noContent()], refusals: [404, 409]
        ) { call, agent in
            try await call.fleet.forget(agent, caller: call.caller)
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

extension Input where Value == String? {
    /// What a list of agents is ordered by.
    fileprivate static var agentOrder: Input {
        let orders = AgentOrder.fields.flatMap { [$0, "-\($0)"] }
        return Input(
            "sort", "the field to order by, with `-` before it the largest first; absent: problems first, then by host",
            schema: ["type": "string", "enum": .array(orders.map { .string($0) })]
        ) { query in query["sort"] }
    }
}
