import FleetAPI

/// The moment at which the sample agents are looked at.
let sampleNow = Timestamp(seconds: 1_795_428_000)

/// A few agents that differ in everything a filter can ask for, by a name of one letter.
let sampleAgents: [(name: Character, agent: FilteredAgent)] = [
    (
        "a",
        FilteredAgent { agent in
            agent.instanceUID = "0190a1b2c3d47e5f8a9b0c1d2e3f4a5b"
            (agent.status, agent.health, agent.transport, agent.config) = (.connected, .healthy, .webSocket, .applied)
            (agent.type, agent.version, agent.os) = ("fluent-bit", "5.1.0", "linux")
            (agent.host, agent.ip, agent.serviceInstanceID) = ("web-17", "10.0.0.17", "fb-web-17")
            agent.labels = ["env": "prod", "team": "Plattform Süd", "rack": "7"]
            agent.configHash = "aabbcc"
            agent.lastSeen = sampleNow + .seconds(-10)
            agent.firstSeen = sampleNow + .seconds(-86_400 * 10)
            agent.started = sampleNow + .seconds(-7200)
        }
    ),
    (
        "b",
        FilteredAgent { agent in
            agent.instanceUID = "0190a1b2c3d47e5f8a9b0c1d2eabcdef"
            (agent.status, agent.health, agent.transport, agent.config) = (.connected, .unhealthy, .http, .failed)
            agent.problems = ["unhealthy", "config_failed"]
            (agent.type, agent.version, agent.os) = ("fluent-bit", "5.10.2-rc1", "linux")
            (agent.host, agent.ip, agent.serviceInstanceID) = ("WEB-18", "10.0.0.18", "fb web 18")
            agent.error = "output es.1: connection refused to es-prod-3:9200"
            agent.labels = ["env": "staging", "rack": "12"]
            agent.lastSeen = sampleNow + .seconds(-20)
            agent.firstSeen = sampleNow + .seconds(-3600)
            agent.started = sampleNow + .seconds(-60)
        }
    ),
    (
        "c",
        FilteredAgent { agent in
            agent.instanceUID = "0190ffffc3d47e5f8a9b0c1d2e000001"
            (agent.status, agent.health, agent.admission, agent.transport) = (.stale, .unknown, .pending, .http)
            agent.problems = ["stale"]
            (agent.type, agent.version, agent.os) = ("fluentd", "1.19", "linux")
            (agent.host, agent.ip) = ("db-03", "10.0.1.3")
            agent.labels = ["env": "prod", "rack": "none"]
            agent.lastSeen = sampleNow + .seconds(-600)
            agent.firstSeen = sampleNow + .seconds(-7200)
        }
    ),
    // An agent of which next to nothing is known.
    (
        "d",
        FilteredAgent { agent in
            agent.instanceUID = "ffffffffffffffffffffffffffffff00"
            agent.problems = ["disconnected"]
        }
    ),
]

/// An agent of the REST API together with what is not told there.
struct FilteredAgent: FilterSubject {
    var agent = Agent()

    init(_ fill: (inout Agent) -> Void) {
        fill(&agent)
    }

    var uidBits: (high: UInt64, low: UInt64)? { agent.uidBits }
    func text(_ key: Filter.TextKey) -> String? { agent.text(key) }
    func moment(_ key: Filter.TimeKey) -> Timestamp? { agent.moment(key) }
    func label(_ name: String) -> String? { agent.label(name) }

    func contains(_ key: Filter.ListKey, where matches: (String) -> Bool) -> Bool {
        switch key {
        case .problem: agent.contains(key, where: matches)
        case .capability: agent.type == "fluentd" && ["ReportsHealth", "org.example.purge"].contains(where: matches)
        case .command: agent.host == "WEB-18" && ["sent", "restart"].contains(where: matches)
        }
    }

    func attribute(_ name: String) -> String? {
        switch (name, agent.type) {
        case ("host.arch", "fluentd"): "arm64"
        case ("cpu.count", "fluentd"): "4"
        case ("cpu.count", "fluent-bit"): "16"
        default: nil
        }
    }
}
