import FleetAPI
import Foundation
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

@Suite struct FleetStateTests {
    @Test func `a full first report makes an agent, and nothing is asked of it`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        let reply = stage.send(agent.full(), over: link)
        #expect(reply.instanceUid == agent.uid.data)
        #expect(reply.flags == 0)
        #expect(reply.capabilities == FleetState.capabilities.rawValue)
        #expect(reply.customCapabilities.capabilities.contains(CustomCapability.chatOps))
        #expect(stage.facts(agent.uid)?.type?.text == "fluent-bit")
        #expect(stage.facts(agent.uid)?.customCapabilities == [CustomCapability.chatOps, CustomCapability.shutdown])
        #expect(stage.vitals(agent.uid)?.health == .healthy)
        let second = stage.send(agent.beat(), over: link)
        #expect(!second.hasCustomCapabilities)
    }

    @Test func `the full state is asked for once a gap, and at most once a minute`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        /// Sends a message and tells whether the answer asks for the full state.
        func isAsked(_ message: AgentToServer) -> Bool {
            ServerToAgentFlags(rawValue: stage.send(message, over: link).flags).contains(.reportFullState)
        }
        let undescribed = isAsked(agent.beat())
        let answered = isAsked(agent.beat())
        let gapTooSoon = isAsked(agent.beat(skipping: 3))
        #expect([undescribed, answered, gapTooSoon] == [true, false, false])
        stage.wait(60)
        let gapRemembered = isAsked(agent.beat())
        let once = isAsked(agent.beat())
        #expect([gapRemembered, once] == [true, false])
        stage.wait(60)
        let repeated = isAsked(agent.again())
        _ = agent.beat()
        let full = isAsked(agent.full())
        let afterwards = isAsked(agent.beat())
        #expect([repeated, full, afterwards] == [false, false, false])
    }

    @Test func `what a message leaves out is unchanged`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        var everything = agent.full(healthy: false)
        everything.effectiveConfig.configMap.configMap["a"] = .with { $0.body = Data("a".utf8) }
        everything.remoteConfigStatus.lastRemoteConfigHash = Data([1])
        everything.connectionSettingsStatus.lastConnectionSettingsHash = Data([2])
        everything.packageStatuses.packages["a"] = PackageStatus()
        everything.availableComponents.hash = Data([3])
        everything.availableComponents.components["input"] = ComponentDetails()
        stage.send(everything, over: link)
        let before = stage.facts(agent.uid)
        #expect(before?.configFiles.count == 1 && before?.reportedConfig.hex == "01")
        #expect(before?.connection?.value.hash.hex == "02" && before?.packages.isEmpty == false)
        #expect(before?.componentsHash.hex == "03" && before?.components.isEmpty == false)
        stage.send(agent.beat(), over: link)
        #expect(stage.facts(agent.uid) == before)
        var bare = agent.beat()
        bare.capabilities = 0
        stage.send(bare, over: link)
        #expect(stage.facts(agent.uid)?.capabilities == agent.capabilities, "a client that leaves the mask out")
    }

    @Test func `a heartbeat writes no row, not even of an agent that never described itself`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.beat(), over: link)
        let before = stage.effects.changes.count
        #expect(before == 2, "the agent and its first event")
        stage.send(agent.beat(), over: link)
        #expect(stage.effects.changes.count == before)
    }

    @Test func `a lost connection and a goodbye are told apart from silence`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(), over: link)
        stage.send(agent.beat(), over: link)
        stage.close(link)
        #expect(stage.vitals(agent.uid)?.status == .disconnected)
        #expect(stage.vitals(agent.uid)?.health == .unknown)

        let poll = exchange()
        stage.send(agent.full(), over: poll)
        #expect(stage.vitals(agent.uid)?.status == .connected)
        stage.wait(90)
        #expect(stage.vitals(agent.uid)?.status == .connected)
        stage.wait(1)
        #expect(stage.vitals(agent.uid)?.status == .stale)
        var goodbye = agent.beat()
        goodbye.agentDisconnect = AgentDisconnect()
        stage.send(goodbye, over: poll)
        #expect(stage.vitals(agent.uid)?.status == .disconnected)
        #expect(stage.events == ["connected", "disconnected", "connected", "stale", "disconnected"])
    }

    @Test func `a slow poller is given its own time`() {
        var (stage, agent) = (Stage(), Reporter())
        stage.send(agent.full(), over: exchange())
        stage.wait(80)
        stage.send(agent.beat(), over: exchange())
        stage.wait(239)
        #expect(stage.vitals(agent.uid)?.status == .connected)
        stage.wait(2)
        #expect(stage.vitals(agent.uid)?.status == .stale)
    }

    @Test func `an agent that answers pings is not stale, a silent socket is`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(), over: link)
        stage.wait(60)
        link.answeredPing(at: stage.now)
        stage.wait(60)
        #expect(stage.vitals(agent.uid)?.status == .connected)
        stage.wait(60)
        #expect(stage.vitals(agent.uid)?.status == .stale)
    }

    @Test func `a client that opens a socket for each message counts as polling`() {
        var (stage, agent) = (Stage(), Reporter())
        for round in 0..<3 {
            let link = webSocket()
            stage.send(round == 0 ? agent.full() : agent.beat(), over: link)
            stage.close(link)
            stage.wait(20)
        }
        #expect(stage.vitals(agent.uid)?.status == .connected)
        stage.wait(120)
        #expect(stage.vitals(agent.uid)?.status == .stale)
    }

    @Test func `an old socket that closes late does not take the agent away`() {
        var (stage, agent, old, new) = (Stage(), Reporter(), webSocket(), webSocket())
        stage.send(agent.full(), over: old)
        stage.send(agent.full(), over: new)
        stage.close(old)
        #expect(stage.vitals(agent.uid)?.status == .connected)
    }

    @Test func `after a start nobody is connected before a message`() {
        var (first, agent) = (Stage(), Reporter())
        first.send(agent.full(), over: webSocket())
        let position = first.state.position(of: agent.uid)!
        var stored = Store.StoredFleet()
        stored.agents = [
            .init(
                record: first.state.records[position], lastSeen: first.now.wall, sequence: 1, transport: .webSocket
            )
        ]
        var second = Stage()
        second.state = FleetState(stored, now: second.now)
        #expect(second.vitals(agent.uid)?.status == .disconnected)
        second.send(agent.beat(), over: webSocket())
        #expect(second.vitals(agent.uid)?.status == .connected)
        #expect(second.vitals(agent.uid)?.health == .healthy)
    }

    @Test func `the worst component's error is told with its name`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        var report = agent.full(healthy: false)
        report.health.lastError = "1 component unhealthy"
        report.health.componentHealthMap["pipeline"] = .with {
            $0.componentHealthMap["output:es.1"] = .with { $0.lastError = "connection refused" }
            $0.componentHealthMap["input:tail.0"] = .with { $0.healthy = true }
        }
        stage.send(report, over: link)
        #expect(stage.facts(agent.uid)?.error == "connection refused")
        #expect(stage.facts(agent.uid)?.errorComponent == "pipeline/output:es.1")
        stage.send(agent.full(), over: link)
        #expect(stage.facts(agent.uid)?.error == nil)
        #expect(stage.events == ["connected", "unhealthy", "healthy"])
    }

    @Test func `a short id grows where others end alike, and references are found by level`() {
        var stage = Stage()
        var (one, two) = (Reporter(0x1_23_4567), Reporter(0x2_23_4567))
        (one.host, two.host) = ("web-17", "web-18")
        stage.send(one.full(), over: webSocket())
        stage.send(two.full(), over: webSocket())
        let (index, records) = (stage.state.index, stage.state.records)
        #expect(index.shortID(of: one.uid, in: records) == "1234567")
        #expect(index.matches("1234567", in: records).count == 1)
        #expect(index.matches("234567", in: records).count == 2)
        #expect(index.matches("WEB-18", in: records) == [1])
        #expect(index.matches("019f0000", in: records).isEmpty, "a beginning is never a reference")
        #expect(index.matches("34567", in: records).isEmpty, "shorter than six digits")
        #expect(index.matches(one.uid.description.uppercased(), in: records) == [0])
    }

    @Test func `forgetting one agent leaves the others findable`() {
        var stage = Stage()
        let hosts = ["a", "b", "c"]
        var uids: [InstanceUID] = []
        for (number, host) in hosts.enumerated() {
            var agent = Reporter(UInt64(number))
            agent.host = host
            stage.send(agent.full(), over: webSocket())
            uids.append(agent.uid)
        }
        stage.state.forget(0, keepsTokens: true, at: stage.now, &stage.effects)
        #expect(stage.state.records.count == 2)
        #expect(stage.state.position(of: uids[0]) == nil)
        for (uid, host) in zip(uids, hosts).dropFirst() {
            #expect(stage.facts(uid)?.host?.text == host)
            #expect(stage.state.index.matches(host, in: stage.state.records).count == 1)
        }
    }
}
