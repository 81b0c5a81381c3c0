import FleetAPI
import Foundation
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

/// What agents built on the client library opamp-go do, and what follows for a server. What else they rely on is shown
/// with the part that does it.
@Suite struct ClientLibraryTests {
    @Test func `settings that an agent goes on APPLYING end unconfirmed, and are not offered again`() throws {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        agent.capabilities.formUnion([.acceptsOpAMPConnectionSettings, .reportsConnectionSettingsStatus])
        stage.send(agent.full(), over: link)
        let settings = OpAMPConnectionSettings.with { $0.destinationEndpoint = "wss://a" }
        let request = OfferRequest(
            kind: .settings, command: .connectionSettings, hash: settings.offerHash, body: nil,
            revision: ConfigRevision())
        let id = try stage.offer(request, to: agent.uid)
        stage.send(agent.settings(.applying, of: settings.offerHash), over: link)
        for _ in 0..<4 {
            stage.wait(61)
            stage.send(agent.beat(), over: link)
        }
        #expect(stage.command(id)?.state == .unconfirmed)
        stage.close(link)
        link = webSocket()
        var report = agent.full()
        report.connectionSettingsStatus.status = .applying
        report.connectionSettingsStatus.lastConnectionSettingsHash = settings.offerHash.data
        stage.send(report, over: link)
        stage.wait(3601)
        stage.send(agent.beat(), over: link)
        #expect(stage.reoffered.isEmpty)
        stage.send(agent.settings(.applied, of: settings.offerHash), over: link)
        #expect(stage.view(agent.uid)?.problems == [])
    }

    @Test func `an agent whose first message was lost is asked for all of it with the first that arrives`() {
        var (stage, agent) = (Stage(), Reporter())
        _ = agent.full()
        let flag = ServerToAgentFlags.reportFullState.rawValue
        #expect(stage.send(agent.beat(), over: exchange()).flags & flag != 0)
        #expect(stage.send(agent.full(), over: exchange()).flags & flag == 0)
        // One that was refused, and not sent again: the numbers have a gap.
        _ = agent.health(1, healthy: false)
        stage.wait(61)
        #expect(stage.send(agent.beat(), over: exchange()).flags & flag != 0)
    }

    @Test(arguments: [true, false])
    func `UNSET with an empty hash means that the agent has no configuration: it gets what is desired`(
        isWebSocket: Bool
    ) throws {
        var (stage, agent) = (Stage(), Reporter.configurable())
        stage.send(agent.full(has: .none, .unset), over: exchange())
        let id = try stage.offer("a", to: agent.uid)
        stage.send(agent.beat(), over: exchange())
        stage.send(agent.status(.applied, of: Stage.hash("a")), over: exchange())
        #expect(stage.command(id)?.state == .confirmed && stage.offered.count == 1)
        stage.wait(120)
        // It was restarted, and remembers nothing.
        let link = isWebSocket ? webSocket() : exchange()
        stage.send(agent.full(has: .none, .unset), over: link)
        #expect(stage.reoffered == [Stage.hash("a")])
    }
}
