import OpAMP
import Simulator
import TestSupport
import Testing

@Suite struct FleetTests {
    private static let now = UnixTime(nanoseconds: 1_790_000_000_000_000_000)

    @Test func `the same seed gives the same fleet, another seed another`() {
        var random = SeededRandom()
        let seed = random.next()
        #expect(AgentProfile.fleet(of: 60, seed: seed) == AgentProfile.fleet(of: 60, seed: seed))
        #expect(AgentProfile.fleet(of: 60, seed: seed) != AgentProfile.fleet(of: 60, seed: seed &+ 1))
        #expect(AgentProfile.fleet(of: 60, seed: seed).dropLast(40) == AgentProfile.fleet(of: 20, seed: seed)[...])
    }

    @Test func `first reports are the same for the same seed, faults and configurations too`() {
        let options = SimulationOptions(agents: 25, seed: SeededRandom().seed)
        let reports = [1, 2].map { _ in
            options.fleet(startingAt: Self.now).map { agent in
                var agent = agent
                return agent.connected(at: Self.now)
            }
        }
        #expect(reports[0] == reports[1])
    }

    @Test func `names, addresses and uids differ, and web-17 is a Fluent Bit`() throws {
        let fleet = AgentProfile.fleet(of: 3_000, seed: SeededRandom().seed)
        #expect(Set(fleet.map(\.uid)).count == fleet.count)
        #expect(Set(fleet.map(\.hostName)).count == fleet.count)
        #expect(Set(fleet.map(\.hostIP)).count == fleet.count)
        let example = try #require(fleet.prefix(20).first { $0.hostName == "web-17" })
        #expect(example.type == .fluentBit)
        let fluentBits = fleet.count { $0.type == .fluentBit }
        #expect((1_950...2_250).contains(fluentBits))
        #expect(Set(fleet.map(\.version)).count == 8)
    }

    @Test(arguments: [(2.0, 50, 1), (2, 10, 1), (10, 50, 5), (100, 7, 7), (0, 50, 0)])
    func `as many agents are unhealthy as asked, and one at least`(percent: Double, agents: Int, expected: Int) {
        var options = SimulationOptions(agents: agents, seed: SeededRandom().seed)
        options.unhealthyPercent = percent
        let faults = options.fleet(startingAt: Self.now).compactMap(\.fault)
        #expect(faults.count == expected)
        #expect(faults.allSatisfy { $0.message.contains(": ") && $0.message.utf8.count < 200 })
    }

    @Test func `clones use the uid of the first agent`() {
        var options = SimulationOptions(agents: 10, seed: 5)
        options.clones = 3
        let uids = options.fleet(startingAt: Self.now).map(\.profile.uid)
        #expect(Set(uids[0...3]).count == 1)
        #expect(Set(uids).count == 7)
    }

    @Test func `a first report holds everything, with a configuration of 2 to 4 kB`() throws {
        var secrets = 0
        for var agent in SimulationOptions(agents: 200, seed: SeededRandom().seed).fleet(startingAt: Self.now) {
            let report = try #require(agent.connected(at: Self.now).sent.first)
            #expect(report.hasAgentDescription && report.hasHealth && report.hasCustomCapabilities)
            let (name, file) = try #require(report.effectiveConfig.configMap.configMap.first)
            let text = String(decoding: file.body, as: UTF8.self)
            #expect((2_000...4_096).contains(text.utf8.count), "\(name)")
            #expect(text.contains(agent.profile.hostName))
            if text.lowercased().contains("passw") { secrets += 1 }
            let components = report.health.componentHealthMap["pipeline"]?.componentHealthMap ?? [:]
            #expect(components.count == agent.profile.pipeline.components.count)
            if let fault = agent.fault {
                #expect(!report.health.healthy && report.health.lastError == fault.message)
                #expect(components[fault.component]?.lastError == fault.message)
                #expect(components.values.count { !$0.healthy } == 1)
            } else {
                #expect(report.health.healthy && components.values.allSatisfy(\.healthy))
            }
        }
        #expect(secrets > 20)
    }
}
