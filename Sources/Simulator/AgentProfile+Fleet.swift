import OpAMP

extension AgentProfile {
    /// The agents of a fleet. The same seed gives the same agents, and a larger fleet begins with the smaller one.
    ///
    /// The fourth is always a Fluent Bit on `web-17`, so that examples can name it.
    package static func fleet(of count: Int, seed: UInt64) -> [AgentProfile] {
        var numbers: [String: Int] = [:]
        return (0..<count).map { index in
            var random = SeededGenerator(seed: seed, stream: UInt64(index))
            var optional = SeededGenerator(seed: seed, stream: 1 << 48 + UInt64(index))
            return make(at: index, numbers: &numbers, using: &random, &optional)
        }
    }

    /// What runs on a group of hosts: the start of the host names, who owns them, how many of 100 agents are there.
    private struct Site {
        let hostPrefix: String
        let digits: Int
        let namespace: String
        let teams: [String]
        let weight: Int
    }

    private static let web = Site(
        hostPrefix: "web-", digits: 2, namespace: "shop", teams: ["checkout", "catalog"], weight: 30
    )
    private static let sites = [
        web,
        Site(hostPrefix: "db-", digits: 2, namespace: "data", teams: ["storage"], weight: 12),
        Site(hostPrefix: "api-", digits: 2, namespace: "shop", teams: ["checkout", "search"], weight: 13),
        Site(hostPrefix: "edge-fra-", digits: 3, namespace: "edge", teams: ["network"], weight: 10),
        Site(hostPrefix: "edge-iad-", digits: 3, namespace: "edge", teams: ["network"], weight: 10),
        Site(hostPrefix: "k8s-node-", digits: 4, namespace: "platform", teams: ["platform"], weight: 25),
    ]

    private static let exampleIndex = 3
    private static let exampleNumber = 17

    private static func make(
        at index: Int, numbers: inout [String: Int], using random: inout SeededGenerator,
        _ optional: inout SeededGenerator
    ) -> AgentProfile {
        let isExample = index == exampleIndex
        let site = isExample ? web : random.pick(sites.map { ($0, weight: $0.weight) })
        let type: AgentType = isExample ? .fluentBit : random.pick([(.fluentBit, weight: 70), (.fluentd, weight: 30)])
        let host = isExample ? hostName(site, exampleNumber) : nextHostName(site, &numbers)
        var custom = [CustomCapability.chatOps]
        custom += [CustomCapability.shutdown, CustomCapability.null].filter { _ in random.chance(percent: 80) }
        let capabilities = isExample ? always.union(.init(sometimes.map(\.0))) : capabilities(using: &optional)
        if optional.chance(percent: 80) || isExample { custom.append(CustomCapability.commandIDs) }
        // Since the start of 2026, over some 200 days.
        let created = 1_767_225_600_000 + UInt64.random(in: 0..<17_280_000_000, using: &random)
        return AgentProfile(
            uid: .version7(unixMilliseconds: created, using: &random),
            type: type,
            version: random.pick(type.versions),
            hostName: host,
            hostIP: "10.\(20 + index / 62_500).\(index / 250 % 250).\(index % 250 + 2)",
            osDescription: random.pick([
                ("Debian GNU/Linux 12 (bookworm)", weight: 4), ("Ubuntu 24.04.2 LTS", weight: 4),
                ("Amazon Linux 2023", weight: 2), ("Red Hat Enterprise Linux 9.5", weight: 1),
            ]),
            architecture: random.pick([("amd64", weight: 3), ("arm64", weight: 1)]),
            namespace: site.namespace,
            environment: random.pick([("prod", weight: 6), ("staging", weight: 3), ("dev", weight: 1)]),
            team: random.pick(site.teams),
            capabilities: capabilities,
            customCapabilities: custom,
            pipeline: .make(for: type, host: host, using: &random),
            configSeed: random.next(),
            age: .seconds(Int.random(in: 600...2_000_000, using: &random))
        )
    }

    /// What every agent can do.
    private static let always: AgentCapabilities = [
        .reportsStatus, .reportsEffectiveConfig, .acceptsRestartCommand, .reportsHealth, .reportsHeartbeat,
        .acceptsOpAMPConnectionSettings,
    ]

    /// What only that many of 100 agents can do.
    private static let sometimes: [(AgentCapabilities, percent: Double)] = [
        ([.acceptsRemoteConfig, .reportsRemoteConfig], 90), (.reportsConnectionSettingsStatus, 75),
        (.reportsAvailableComponents, 75),
    ]

    private static func capabilities(using random: inout SeededGenerator) -> AgentCapabilities {
        sometimes.reduce(into: always) { capabilities, bits in
            if random.chance(percent: bits.percent) { capabilities.formUnion(bits.0) }
        }
    }

    private static func nextHostName(_ site: Site, _ numbers: inout [String: Int]) -> String {
        var number = numbers[site.hostPrefix, default: site.digits == 3 ? 100 : 0] + 1
        if site.hostPrefix == web.hostPrefix, number == exampleNumber { number += 1 }
        numbers[site.hostPrefix] = number
        return hostName(site, number)
    }

    private static func hostName(_ site: Site, _ number: Int) -> String {
        let digits = String(number)
        return site.hostPrefix + String(repeating: "0", count: max(0, site.digits - digits.utf8.count)) + digits
    }
}
