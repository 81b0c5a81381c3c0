import FleetAPI
import Foundation
import JSON
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

extension Stage {
    /// Makes this heartbeat interval the desired one, and nothing else of the connection; gives the id of its command.
    mutating func offer(heartbeat seconds: Int, to uid: InstanceUID) throws -> String {
        let settings = OpAMPConnectionSettings.with { $0.heartbeatIntervalSeconds = UInt64(seconds) }
        var request = OfferRequest(
            kind: .settings, command: .heartbeat, hash: settings.offerHash, body: nil, revision: ConfigRevision())
        request.heartbeatSeconds = seconds
        return try offer(request, to: uid)
    }
}

extension Reporter {
    static func steady(reportsStatus: Bool) -> Reporter {
        var agent = Reporter()
        agent.capabilities.insert(.reportsHeartbeat)
        if reportsStatus { agent.capabilities.insert(.reportsConnectionSettingsStatus) }
        return agent
    }

    mutating func settings(
        _ status: ConnectionSettingsStatuses, of hash: ContentHash, error: String = ""
    ) -> AgentToServer {
        var message = beat()
        message.connectionSettingsStatus.status = status
        message.connectionSettingsStatus.lastConnectionSettingsHash = hash.data
        message.connectionSettingsStatus.errorMessage = error
        return message
    }
}

@Suite struct HeartbeatOfferTests {
    @Test func `an interval is expected once the agent says that it took it`() throws {
        var (stage, agent, link) = (Stage(), Reporter.steady(reportsStatus: true), webSocket())
        stage.send(agent.full(), over: link)
        let id = try stage.offer(heartbeat: 300, to: agent.uid)
        #expect(stage.command(id)?.state == .sent && stage.offered.count == 1)
        #expect(stage.vitals(agent.uid)?.expectedInterval == .seconds(30))
        stage.send(agent.settings(.failed, of: .none), over: link)
        #expect(stage.command(id)?.state == .sent, "without the hash nothing is proved")
        stage.send(agent.settings(.applied, of: stage.offered[0]), over: link)
        #expect(stage.command(id)?.state == .confirmed)
        #expect(stage.vitals(agent.uid)?.expectedInterval == .seconds(300))
        #expect(stage.events.contains("settings_offered") && stage.events.contains("settings_applied"))

        let next = try stage.offer(heartbeat: 600, to: agent.uid)
        stage.send(agent.settings(.failed, of: stage.offered[1], error: "too long"), over: link)
        #expect(stage.command(next)?.state == .failed && stage.command(next)?.result == "too long")
        #expect(stage.vitals(agent.uid)?.expectedInterval == .seconds(300), "the one it took last")
        stage.wait(800)
        #expect(stage.vitals(agent.uid)?.status == .connected, "silent for less than three intervals")
    }

    @Test func `an agent that reports no status is expected to have taken it, and gets it again when it comes back`()
        throws
    {
        var (stage, agent, link) = (Stage(), Reporter.steady(reportsStatus: false), webSocket())
        stage.send(agent.full(), over: link)
        stage.send(agent.beat(), over: link)
        let id = try stage.offer(heartbeat: 120, to: agent.uid)
        #expect(stage.command(id)?.state == .unconfirmed)
        #expect(stage.vitals(agent.uid)?.expectedInterval == .seconds(120))
        stage.wait(61)
        stage.close(link)
        link = webSocket()
        stage.send(agent.full(), over: link)
        stage.send(agent.beat(), over: link)
        #expect(stage.reoffered == stage.offered, "a restarted agent has forgotten it")
    }

    @Test func `an interval that was taken is expected after a start of the provider too`() throws {
        var (stage, agent, link) = (Stage(), Reporter.steady(reportsStatus: false), webSocket())
        stage.send(agent.full(), over: link)
        _ = try stage.offer(heartbeat: 120, to: agent.uid)
        var fleet = Store.StoredFleet()
        fleet.agents = [
            .init(record: stage.state.records[0], lastSeen: stage.now.wall, sequence: 1, transport: .http)
        ]
        let state = FleetState(fleet, now: stage.now)
        #expect(state.vitals[0].expectedInterval == .seconds(120))
    }

    @Test func `heartbeats turned off leave the ordinary interval`() throws {
        var (stage, agent, link) = (Stage(), Reporter.steady(reportsStatus: false), webSocket())
        stage.send(agent.full(), over: link)
        _ = try stage.offer(heartbeat: 0, to: agent.uid)
        #expect(stage.vitals(agent.uid)?.expectedInterval == .seconds(30))
    }

    @Test func `an interval is offered only to agents that report heartbeats`() throws {
        var (stage, agent) = (Stage(), Reporter())
        stage.send(agent.full(), over: webSocket())
        let problem = #expect(throws: Problem.self) { try stage.offer(heartbeat: 60, to: agent.uid) }
        #expect(problem?.status == 409 && problem?.missingCapability == "ReportsHeartbeat")
    }
}
