import FoundationEssentials
import OpAMP
import Simulator
import SwiftProtobuf
import Testing

/// Remote configurations and connection settings.
@Suite struct OfferTests {
    private static let start = AgentStage.start

    private func offer(_ hash: UInt8, _ files: [String: String]) -> ServerToAgent {
        .with {
            $0.remoteConfig.configHash = Data([hash])
            for (name, text) in files {
                $0.remoteConfig.config.configMap[name] = .with { $0.body = Data(text.utf8) }
            }
        }
    }

    private func configurable(_ change: (inout SimulationOptions) -> Void = { _ in }) throws -> SimulatedAgent {
        try AgentStage.agent(change, where: { $0.capabilities.contains(.acceptsRemoteConfig) })
    }

    /// Offers, lets the agent try, and gives its report of the outcome.
    private func outcome(of offer: ServerToAgent, at agent: inout SimulatedAgent) throws -> AgentToServer {
        let timer = try #require(agent.received(offer, at: Self.start).timers.first)
        #expect((Duration.milliseconds(100)...(.milliseconds(400))).contains(timer.delay))
        return try #require(agent.fired(timer.timer, at: Self.start + timer.delay).sent.first)
    }

    @Test func `an offered configuration is applying, then applied and part of what the agent runs`() throws {
        var agent = try configurable()
        let own = try #require(agent.connected(at: Self.start).sent.first).effectiveConfig.configMap.configMap
        let actions = agent.received(offer(1, ["extra.conf": "[INPUT]"]), at: Self.start)
        #expect(actions.commands.map(\.kind) == [.config] && actions.commands.map(\.hash) == ["01"])
        #expect(actions.sent.map(\.remoteConfigStatus.status) == [.applying])
        #expect(actions.sent.map(\.remoteConfigStatus.lastRemoteConfigHash) == [Data([1])])
        let timer = try #require(actions.timers.first).timer
        let report = try #require(agent.fired(timer, at: Self.start).sent.first)
        #expect(report.remoteConfigStatus.status == .applied)
        #expect(report.remoteConfigStatus.lastRemoteConfigHash == Data([1]))
        let running = report.effectiveConfig.configMap.configMap
        #expect(running["extra.conf"]?.body == Data("[INPUT]".utf8))
        #expect(running.count == own.count + 1 && running.merging(own) { $1 } == running)

        // A file of the same name takes the place of the agent's own, and nothing is left of the offer before.
        let name = try #require(own.keys.first)
        let next = try outcome(of: offer(2, [name: "other"]), at: &agent).effectiveConfig.configMap.configMap
        #expect(next.mapValues(\.body) == [name: Data("other".utf8)])
    }

    @Test func `the last status is told in every full report, over reconnects and restarts`() throws {
        var agent = try configurable()
        #expect(agent.connected(at: Self.start).sent.map(\.hasRemoteConfigStatus) == [false])
        _ = try outcome(of: offer(1, ["a": "b"]), at: &agent)
        _ = agent.received(.with { $0.command = ServerToAgentCommand() }, at: Self.start)
        let reports =
            agent.connected(at: Self.start).sent + agent.received(.with { $0.flags = 1 }, at: Self.start).sent
        #expect(reports.count == 2)
        for report in reports {
            #expect(report.remoteConfigStatus.status == .applied)
            #expect(report.remoteConfigStatus.lastRemoteConfigHash == Data([1]))
            #expect(report.effectiveConfig.configMap.configMap["a"] != nil)
        }
    }

    @Test func `a hash it has already is left alone`() throws {
        var agent = try configurable()
        _ = try outcome(of: offer(1, ["a": "b"]), at: &agent)
        let actions = agent.received(offer(1, ["a": "b"]), at: Self.start)
        #expect(actions.count == 1)
        #expect(actions.commands.map(\.isRepeated) == [true] && actions.commands.map(\.isDone) == [false])
    }

    @Test func `a line asks for a failure, which leaves the agent with what it ran`() throws {
        var agent = try configurable()
        _ = try outcome(of: offer(1, ["a": "b"]), at: &agent)
        let failed = try outcome(of: offer(2, ["a": "x\n  # sim: fail\r\n"]), at: &agent)
        #expect(failed.remoteConfigStatus.status == .failed && !failed.hasEffectiveConfig)
        #expect(failed.remoteConfigStatus.errorMessage == "a:2: the configuration is not valid: # sim: fail")
        let report = try #require(agent.connected(at: Self.start).sent.first)
        #expect(report.remoteConfigStatus == failed.remoteConfigStatus)
        #expect(report.effectiveConfig.configMap.configMap["a"]?.body == Data("b".utf8))
        #expect(try outcome(of: offer(3, ["a": "# sim: failure"]), at: &agent).remoteConfigStatus.status == .applied)
    }

    @Test(arguments: [("# sim: fail", RemoteConfigStatuses.failed), ("# sim: fail once", .applied)])
    func `a configuration that failed is tried again when it is offered again`(
        line: String, second: RemoteConfigStatuses
    ) throws {
        var agent = try configurable()
        #expect(try outcome(of: offer(1, ["a": line]), at: &agent).remoteConfigStatus.status == .failed)
        #expect(try outcome(of: offer(1, ["a": line]), at: &agent).remoteConfigStatus.status == second)
    }

    @Test func `agents that cannot be configured report every configuration as failed`() throws {
        var agent = try configurable { $0.configFailurePercent = 100 }
        let status = try outcome(of: offer(1, ["a": "b"]), at: &agent).remoteConfigStatus
        #expect(status.status == .failed && !status.errorMessage.isEmpty)
    }

    @Test func `a connection that ends before the outcome does not lose it`() throws {
        var agent = try configurable()
        let lost = try #require(agent.received(offer(1, ["a": "b"]), at: Self.start).timers.first).timer
        let again = agent.connected(at: Self.start)
        #expect(again.sent.map(\.remoteConfigStatus.status) == [.applying])
        let timer = try #require(again.timers.first { $0.timer == lost })
        #expect(agent.fired(timer.timer, at: Self.start).sent.map(\.remoteConfigStatus.status) == [.applied])
        #expect(agent.fired(lost, at: Self.start).isEmpty)
    }

    @Test func `only the last of two offers is tried`() throws {
        var agent = try configurable()
        let first = try #require(agent.received(offer(1, ["a": "b"]), at: Self.start).timers.first).timer
        let report = try outcome(of: offer(2, ["a": "c"]), at: &agent)
        #expect(report.remoteConfigStatus.lastRemoteConfigHash == Data([2]))
        #expect(agent.fired(first, at: Self.start).isEmpty)
    }

    @Test func `an empty configuration stops the agent, the next one starts it anew`() throws {
        var agent = try configurable()
        let before = agent.startedAt
        let stopped = try outcome(of: offer(1, [:]), at: &agent)
        #expect(stopped.remoteConfigStatus.status == .applied && stopped.effectiveConfig.configMap.configMap.isEmpty)
        #expect(!stopped.health.healthy && stopped.health.startTimeUnixNano == 0)
        let running = try outcome(of: offer(2, ["a": "b"]), at: &agent)
        #expect(running.health.healthy && running.health.startTimeUnixNano > before.nanoseconds)
    }

    @Test func `an agent that does not accept configurations, or ignores commands, does nothing with one`() throws {
        var unable = try AgentStage.agent(where: { !$0.capabilities.contains(.acceptsRemoteConfig) })
        var ignoring = try configurable { $0.ignoringPercent = 100 }
        for actions in [
            unable.received(offer(1, ["a": "b"]), at: Self.start),
            ignoring.received(offer(1, ["a": "b"]), at: Self.start),
        ] {
            #expect(actions.count == 1 && actions.commands.map(\.isDone) == [false])
        }
    }

    // MARK: - Connection settings

    private func settings(_ hash: UInt8, _ fill: (inout OpAMPConnectionSettings) -> Void) -> ServerToAgent {
        .with {
            $0.connectionSettings.hash = Data([hash])
            $0.connectionSettings.opamp.heartbeatIntervalSeconds = 5
            fill(&$0.connectionSettings.opamp)
        }
    }

    private func settable() throws -> SimulatedAgent {
        try AgentStage.agent(
            { $0.serverURL = "ws://fleet.test/v1/opamp" },
            where: { $0.capabilities.contains(.reportsConnectionSettingsStatus) }
        )
    }

    @Test func `an offered interval is reported as applied with its hash, and again in full reports`() throws {
        var agent = try settable()
        let actions = agent.received(
            settings(1) { $0.destinationEndpoint = "ws://fleet.test/v1/opamp" }, at: Self.start)
        #expect(actions.timers.map(\.delay) == [.seconds(5)])
        for report in actions.sent + agent.connected(at: Self.start).sent {
            #expect(report.connectionSettingsStatus.status == .applied)
            #expect(report.connectionSettingsStatus.lastConnectionSettingsHash == Data([1]))
        }
        let again = agent.received(settings(1) { _ in }, at: Self.start)
        #expect(again.count == 1 && again.commands.map(\.isRepeated) == [true])
    }

    @Test func `settings other than the interval fail by their names and change nothing`() throws {
        var agent = try settable()
        let offer = settings(1) {
            $0.destinationEndpoint = "wss://elsewhere.test/v1/opamp"
            $0.headers = Headers()
            $0.proxy = ProxyConnectionSettings()
        }
        let actions = agent.received(offer, at: Self.start)
        #expect(actions.commands.map(\.kind) == [.settings] && actions.timers.isEmpty)
        let status = try #require(actions.sent.first).connectionSettingsStatus
        #expect(status.status == .failed && status.lastConnectionSettingsHash == Data([1]))
        #expect(status.errorMessage == "not supported by the simulator: destination_endpoint, headers, proxy")
        #expect(agent.heartbeat == .seconds(30))
    }

    @Test func `an agent that does not report on settings takes them silently`() throws {
        var agent = try AgentStage.agent(where: { !$0.capabilities.contains(.reportsConnectionSettingsStatus) })
        let actions = agent.received(settings(1) { _ in }, at: Self.start)
        #expect(actions.sent.isEmpty && agent.heartbeat == .seconds(5))
        #expect(agent.connected(at: Self.start).sent.map(\.hasConnectionSettingsStatus) == [false])
    }
}
