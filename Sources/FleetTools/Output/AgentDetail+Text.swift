import FleetAPI
import JSON

/// The parts of one agent that `get_agent` can tell.
enum DetailSection: String, CaseIterable {
    case summary, health, components, attributes, capabilities, commands, events

    /// What is told unless others are asked for.
    static let standard: [DetailSection] = [.summary, .health, .commands, .events]

    /// What the provider is asked for.
    var source: AgentSection {
        switch self {
        case .summary: .config
        case .health: .health
        case .components: .components
        case .attributes: .attributes
        case .capabilities: .capabilities
        case .commands: .commands
        case .events: .events
        }
    }
}

extension AgentDetail {
    /// - Parameter asked: the sections asked for by name, told at length; those of the overview when empty.
    func text(_ asked: [DetailSection] = []) -> String {
        let sections = asked.isEmpty ? DetailSection.standard : asked
        let note = peerNote.map { ["note: \(clean($0, limit: 200))"] } ?? []
        return
            ([headline] + note
            + sections.flatMap { lines($0, isBrief: asked.isEmpty, withHealth: sections.contains(.health)) })
            .joined(separator: "\n")
    }

    private var headline: String {
        var parts = ["\(agent.label): \(agent.state)"]
        if agent.status == .connected {
            parts.append("seen \(age(agent.lastSeen, asOf: asOf)) ago")
        } else {
            let before = agent.lastHealth.map { ", \($0.rawValue) then" } ?? ""
            parts.append("last seen \(age(agent.lastSeen, asOf: asOf)) ago\(before)")
        }
        if let transport = agent.transport { parts.append(transport.rawValue) }
        if let identity = agent.identity { parts.append(identity.rawValue) }
        if let seconds = expectedIntervalSeconds { parts.append("reports every \(seconds)s") }
        return parts.joined(separator: ", ") + "; \(clock(asOf))"
    }

    private func lines(_ section: DetailSection, isBrief: Bool, withHealth: Bool) -> [String] {
        let rowLimit = isBrief ? 3 : 20
        return switch section {
        case .summary: summaryLines + (withHealth && health?.healthy == false ? [] : errorLines)
        case .health: health?.lines ?? ["health: not reported"]
        case .components: components.map(componentLines) ?? ["components: not reported"]
        case .attributes: attributes.map(attributeLines) ?? ["attributes: not reported"]
        case .capabilities: capabilityLines
        case .commands: rows("commands", commandTable(shortened(commands, rowLimit), asOf: asOf, withIDs: !isBrief))
        case .events: rows("events", eventTable(shortened(events, rowLimit), asOf: asOf, withAgents: false))
        }
    }

    private var summaryLines: [String] {
        let started = agent.started.map { "started \(age(asOf - $0)) ago" }
        let facts = [
            [agent.type, agent.version].compactMap { $0 }.map { clean($0, limit: 40) }.joined(separator: " "),
            clean(agent.os ?? "", limit: 40), agent.ip.map { "ip \(clean($0, limit: 45))" } ?? "", started ?? "",
        ]
        var lines = [facts.filter { !$0.isEmpty }.joined(separator: ", ")]
        let instance = agent.serviceInstanceID.flatMap { $0 == agent.instanceUID ? nil : $0 }
        lines.append(
            "uid \(clean(agent.instanceUID, limit: 36))"
                + (instance.map { ", instance id \(clean($0, limit: 64))" } ?? ""))
        if !agent.labels.isEmpty {
            let labels = agent.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            lines.append("labels: " + clean(labels.joined(separator: " "), limit: 200))
        }
        if let config { lines.append(config.line) }
        return lines.filter { !$0.isEmpty }
    }

    private var errorLines: [String] {
        agent.errorText.map { ["error: " + clean($0, limit: 160)] } ?? []
    }

    private var capabilityLines: [String] {
        guard capabilities != nil || customCapabilities != nil else { return ["capabilities: not reported"] }
        let names = (capabilities ?? []).map { clean($0, limit: 60) }
        let custom = (customCapabilities ?? []).prefix(20).map { clean($0) }
        var lines = ["capabilities: " + (names.isEmpty ? "none" : names.joined(separator: ", "))]
        if !custom.isEmpty { lines.append("custom: " + custom.joined(separator: ", ")) }
        return lines
    }

    private func shortened<Row>(_ rows: [Row]?, _ limit: Int) -> [Row] { Array((rows ?? []).prefix(limit)) }

    private func rows(_ name: String, _ table: Table) -> [String] {
        table.rows.isEmpty ? ["\(name): none"] : ["\(name), newest first:"] + table.lines
    }

    /// One line a component, with the names of what it is made of.
    private func componentLines(_ components: JSON) -> [String] {
        let members = components.object?.members ?? []
        guard !members.isEmpty else { return ["components: none"] }
        let lines = members.prefix(20).map { name, value in
            let parts = value["components"]?.object?.members.map(\.key) ?? []
            let all = parts.isEmpty ? "" : ": " + parts.joined(separator: ", ")
            return clean(name + all, limit: 200)
        }
        let more = members.count > lines.count ? ["… \(members.count - lines.count) more"] : []
        return ["components:"] + lines + more
    }

    private func attributeLines(_ attributes: Attributes) -> [String] {
        let all = [("identifying", attributes.identifying), ("other", attributes.nonIdentifying)]
        return all.flatMap { name, values in
            let lines = values.sorted { $0.key < $1.key }.prefix(30).map { key, value in
                "\(clean(key, limit: 60))=\(clean(value.string ?? value.text))"
            }
            let more = values.count > lines.count ? ["… \(values.count - lines.count) more"] : []
            return lines.isEmpty ? [] : ["\(name) attributes:"] + lines + more
        }
    }
}

extension ConfigSummary {
    fileprivate var line: String {
        let names = files.prefix(3).map { "\(clean($0.name, limit: 60)) \($0.bytes) B" }.joined(separator: ", ")
        let more = files.count > 3 ? " and \(files.count - 3) more" : ""
        let parts = [
            status.map { $0.rawValue } ?? "", hash.map { "hash \(clean(String($0.prefix(8))))" } ?? "", names + more,
            error.map { "error: \(clean($0, limit: 160))" } ?? "",
        ]
        let told = parts.filter { !$0.isEmpty }.joined(separator: ", ")
        return "config: " + (told.isEmpty ? "not reported" : told)
    }
}
