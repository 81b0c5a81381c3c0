import FleetAPI

/// One thing that lists can show of each agent.
struct AgentColumn: Sendable {
    let name: String
    /// The members of `Agent` it is made of.
    let fields: [String]
    /// The most characters of a cell in a list.
    let limit: Int
    let value: @Sendable (Agent, _ asOf: Timestamp) -> String?

    init(
        _ name: String, _ fields: [String], limit: Int = 40,
        _ value: @escaping @Sendable (Agent, _ asOf: Timestamp) -> String?
    ) {
        (self.name, self.fields, self.limit, self.value) = (name, fields, limit, value)
    }

    static let all = [
        AgentColumn("id", ["short_id"]) { agent, _ in agent.shortID },
        AgentColumn("host", ["host"]) { agent, _ in agent.host },
        AgentColumn("type", ["type"], limit: 24) { agent, _ in agent.type },
        AgentColumn("version", ["version"], limit: 16) { agent, _ in agent.version },
        AgentColumn("state", ["status", "admission", "health", "problems"]) { agent, _ in agent.state },
        AgentColumn("seen", ["last_seen"]) { agent, now in age(agent.lastSeen, asOf: now) },
        AgentColumn("error", ["error", "error_component"], limit: 40) { agent, _ in agent.errorText },
        AgentColumn("ip", ["ip"]) { agent, _ in agent.ip },
        AgentColumn("os", ["os"], limit: 24) { agent, _ in agent.os },
        AgentColumn("instance_id", ["service_instance_id"]) { agent, _ in agent.serviceInstanceID },
        AgentColumn("started", ["started"]) { agent, now in age(agent.started, asOf: now) },
        AgentColumn("first_seen", ["first_seen"]) { agent, now in age(agent.firstSeen, asOf: now) },
        AgentColumn("transport", ["transport"]) { agent, _ in agent.transport?.rawValue },
        AgentColumn("config", ["config"]) { agent, _ in agent.config?.rawValue },
        AgentColumn("config_hash", ["config_hash"], limit: 8) { agent, _ in
            agent.configHash.map { String($0.prefix(8)) }
        },
        AgentColumn("labels", ["labels"], limit: 80) { agent, _ in
            agent.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        },
        AgentColumn("uid", ["instance_uid"]) { agent, _ in agent.instanceUID },
    ]

    /// The member that a sort by column or member means, with its sign: `-seen` is `-last_seen`.
    static func sortKey(_ name: String) -> String {
        let sign = name.hasPrefix("-") ? "-" : ""
        let bare = String(name.dropFirst(sign.count))
        return sign + (all.first { $0.name == bare }?.fields.first ?? bare)
    }

    /// What is shown unless others are asked for; the error only where some agent has one.
    static let standard = Array(all.prefix(7))

    /// The columns of these names, led by the id; none when empty.
    static func named(_ names: [String]) -> [AgentColumn] {
        var chosen = names.isEmpty ? [] : ["id"]
        for name in names where !chosen.contains(name) { chosen.append(name) }
        return chosen.compactMap { name in all.first { $0.name == name } }
    }
}

/// Agents as rows.
///
/// - Parameter asked: the columns asked for; the standard ones when empty.
func agentTable(_ agents: [Agent], _ asked: [AgentColumn] = [], asOf now: Timestamp) -> Table {
    let hasErrors = agents.contains { $0.error != nil }
    let shown = asked.isEmpty ? AgentColumn.standard.filter { hasErrors || $0.name != "error" } : asked
    return Table(
        columns: shown.map { Table.Column(name: $0.name, limit: $0.limit, isHoisted: $0.name != "id") },
        rows: agents.map { agent in shown.map { $0.value(agent, now) ?? "" } }
    )
}
