import FleetAPI
import JSON

/// A made-up fleet, the same each time.
enum SampleFleet {
    static let now = Timestamp("2026-11-23T10:00:40Z") ?? Timestamp(seconds: 0)
    static let errors = [
        "output.es.0: [http_client] broken connection to es-1.logs.example:9200, retry 3 of 5",
        "input.tail.1: cannot open /var/log/nginx/access.log: permission denied",
    ]

    static func agents(_ count: Int) -> [Agent] { (0..<count).map(agent) }

    static func agent(_ number: Int) -> Agent {
        var agent = Agent()
        let tail = String(0xA1_B2C3 &+ number &* 0x9E_3779, radix: 16).suffix(6)
        agent.instanceUID = "019c2f7a0b1c7d3e8f90112233" + String(tail)
        agent.shortID = String(tail)
        agent.type = number % 3 == 2 ? "fluentd" : "fluent-bit"
        agent.version = number % 3 == 2 ? "1.19.1" : ["5.0.2", "5.1.0"][number % 2]
        agent.host = ["web", "db", "edge"][number % 3] + "-\(number)"
        agent.ip = "10.0.\(number / 250).\(number % 250)"
        agent.os = "linux"
        agent.serviceInstanceID = "\(agent.host ?? "").example"
        agent.labels = ["env": number % 2 == 0 ? "prod" : "staging", "zone": "eu-1"]
        agent.transport = .webSocket
        agent.started = now + .seconds(-7200 - number)
        agent.firstSeen = now + .seconds(-864_000)
        agent.lastSeen = now + .seconds(-(number * 7) % 30)
        agent.config = .applied
        agent.configHash = String(repeating: "3f9a", count: 16)
        agent.status = .connected
        (agent.health, agent.lastHealth) = (.healthy, .healthy)
        if number % 17 == 3 {
            (agent.health, agent.lastHealth) = (.unhealthy, .unhealthy)
            agent.error = errors[number % 2]
            agent.problems = ["unhealthy"]
        } else if number % 23 == 11 {
            agent.status = .stale
            agent.health = .unknown
            agent.lastSeen = now + .seconds(-400)
            agent.problems = ["stale"]
        }
        return agent
    }

    static func page(_ agents: [Agent], matched: Int? = nil, total: Int? = nil, next: String? = nil) -> AgentPage {
        var page = AgentPage()
        page.agents = agents
        page.matched = matched ?? agents.count
        page.total = total ?? page.matched
        page.next = next
        page.asOf = now
        return page
    }

    /// Counts and groups as a provider gives them.
    static func summary(_ agents: [Agent], total: Int? = nil, groupBy: [String] = []) -> FleetSummary {
        var summary = FleetSummary()
        summary.total = total ?? agents.count
        summary.matched = agents.count
        summary.asOf = now
        for status in AgentStatus.allCases { summary.status[status.rawValue] = 0 }
        for health in AgentHealth.allCases { summary.health[health.rawValue] = 0 }
        var groups: [[String]: FleetSummary.Group] = [:]
        for agent in agents {
            summary.status[agent.status.rawValue, default: 0] += 1
            summary.health[agent.health.rawValue, default: 0] += 1
            let values = groupBy.map { agent.json[$0]?.string ?? "-" }
            var group = groups[values] ?? FleetSummary.Group()
            group.values = values
            group.count += 1
            group.problems += agent.problems.isEmpty ? 0 : 1
            groups[values] = group
        }
        summary.groupBy = groupBy
        summary.groups =
            groupBy.isEmpty ? [] : groups.values.sorted { ($1.count, $0.values[0]) < ($0.count, $1.values[0]) }
        summary.groupsTotal = summary.groups.count
        return summary
    }

    /// An unhealthy agent with everything that can be told of it.
    static var detail: AgentDetail {
        var detail = AgentDetail()
        detail.agent = agent(3)
        detail.asOf = now
        detail.expectedIntervalSeconds = 30
        var tree = ComponentHealthTree()
        tree.lastError = "1 output fails"
        for name in ["input.tail.0", "input.tail.1", "filter.kubernetes.0", "output.es.0", "output.s3.0"] {
            var node = ComponentHealthTree()
            node.healthy = name != "output.es.0"
            node.status = node.healthy ? "running" : "retrying"
            node.lastError = node.healthy ? nil : "broken connection to es-1.logs.example:9200, retry 3 of 5"
            tree.components[name] = node
        }
        detail.health = tree
        var config = ConfigSummary()
        var file = ConfigSummary.File()
        (file.name, file.bytes) = ("fluent-bit.yaml", 3_120)
        (config.files, config.hash, config.status) = ([file], detail.agent.configHash, .applied)
        detail.config = config
        detail.components = [
            "inputs": ["components": ["tail": [:], "cpu": [:]]], "outputs": ["components": ["es": [:]]],
        ]
        detail.capabilities = ["ReportsStatus", "AcceptsRestartCommand", "ReportsHealth"]
        detail.customCapabilities = ["org.mp3monster.opamp_provider.chatopcommand"]
        var attributes = AgentDetail.Attributes()
        attributes.identifying = ["service.name": "fluent-bit", "service.version": "5.1.0"]
        attributes.nonIdentifying = ["host.name": "web-3", "cpus": 4]
        detail.attributes = attributes
        detail.commands = [command(.confirmed), command(.unconfirmed), command(.expired), command(.cancelled)]
        detail.events = [("unhealthy", "output.es.0: broken connection"), ("restarted", nil), ("connected", nil)].map {
            var event = FleetEvent()
            (event.kind, event.text, event.at) = ($0.0, $0.1, now + .seconds(-90))
            return event
        }
        return detail
    }

    static let commandID = "3f9a51c07d2e4b688a10c4d5e6f70812"

    /// A restart of the first agent in this state.
    static func command(_ state: CommandState, of name: String = "restart") -> Command {
        var command = Command()
        let agent = agent(0)
        command.id = commandID
        command.state = state
        command.command = name
        (command.instanceUID, command.shortID, command.host) = (agent.instanceUID, agent.shortID, agent.host)
        (command.requestedBy, command.requestedFrom) = ("local", "127.0.0.1")
        command.queuedAt = now + .seconds(-10)
        command.expiresAt = now + .seconds(290)
        command.proof = .startTime
        command.asOf = now
        command.agentStatus = .connected
        command.agentLastSeen = now + .seconds(-4)
        switch state {
        case .queued: command.nextReportSeconds = 12
        case .sent: command.sentAt = now + .seconds(-3)
        case .confirmed:
            command.sentAt = now + .milliseconds(-9_900)
            command.finishedAt = now + .milliseconds(-8_700)
            command.evidence = "start time 2026-11-23T08:00:40Z → 2026-11-23T10:00:31.250Z"
            command.healthAfter = .healthy
        case .failed:
            (command.sentAt, command.finishedAt) = (now + .seconds(-9), now + .seconds(-8))
            command.result = "no output takes the tag app.x"
        case .unconfirmed: command.sentAt = now + .seconds(-70)
        case .expired: command.result = "the agent was stale"
        case .cancelled: command.result = "by local"
        }
        return command
    }
}
