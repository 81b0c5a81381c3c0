import FleetAPI
import Foundation
import JSON
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

@Suite struct CommandLifeTests {
    private static let before: UInt64 = 1_763_000_000_000_000_000
    private static let after: UInt64 = 1_763_892_000_000_000_000

    @Test func `a restart is sent alone, and confirmed by another start time`() throws {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(startTime: Self.before), over: link)
        let id = stage.queue("restart", for: agent.uid)
        #expect(stage.command(id)?.state == .sent)
        let message = try #require(stage.effects.deliveries.first).message
        #expect(message.hasCommand && message.flags == 0 && !message.hasCustomMessage && !message.hasCustomCapabilities)

        stage.send(agent.beat(), over: link)
        stage.send(agent.health(Self.before), over: link)
        #expect(stage.command(id)?.state == .sent, "neither a heartbeat nor the same start time is proof")
        stage.send(agent.health(0), over: link)
        #expect(stage.command(id)?.state == .sent, "0 is not running")
        stage.send(agent.health(Self.after), over: link)
        let command = try #require(stage.command(id))
        #expect(command.state == .confirmed)
        #expect(command.healthAfter == .healthy)
        #expect(command.evidence?.contains("→") == true)
        #expect(stage.events.contains("restarted"))
    }

    @Test func `a reconnect and a full report with the same start time confirm nothing`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(startTime: Self.before), over: link)
        let id = stage.queue("restart", for: agent.uid)
        stage.close(link)
        stage.send(agent.full(startTime: Self.before), over: webSocket())
        #expect(stage.command(id)?.state == .sent)
    }

    @Test(
        arguments: [
            ("uptimes", [3_600_000_000_000, 3_601_000_000_000], 3_602_000_000_000),
            ("dates that change with each report", [before, before + 1_000_000_000], before + 2_000_000_000),
            ("no start time before", [], after),
            ("a start time far ahead", [before], 4_000_000_000_000_000_000),
        ] as [(String, [UInt64], UInt64)])
    func `start times that cannot prove a restart end it unconfirmed`(name: String, known: [UInt64], next: UInt64) {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(), over: link)
        if known.isEmpty {
            var quiet = Reporter(2)
            quiet.capabilities = [.reportsStatus, .acceptsRestartCommand]
            agent = quiet
            var report = agent.full()
            report.clearHealth()
            stage.send(report, over: link)
        }
        for startTime in known.suffix(1) + known { stage.send(agent.health(startTime), over: link) }
        if known.count > 1 { stage.send(agent.health(known[0]), over: link) }
        let id = stage.queue("restart", for: agent.uid)
        stage.send(agent.health(next), over: link)
        #expect(stage.command(id)?.state == .sent, "\(name)")
        stage.wait(60)
        #expect(stage.command(id)?.state == .unconfirmed, "\(name)")
        #expect(stage.command(id)?.result?.contains("may have been done") == true)
    }

    @Test func `proof that comes late still counts, for an hour`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(startTime: Self.before), over: link)
        let id = stage.queue("restart", for: agent.uid, confirm: 10)
        stage.wait(10)
        #expect(stage.command(id)?.state == .unconfirmed)
        stage.send(agent.health(Self.after), over: link)
        #expect(stage.command(id)?.state == .confirmed)

        let late = stage.queue("restart", for: agent.uid, confirm: 10)
        stage.wait(3_612)
        #expect(stage.command(late) == nil, "no longer kept in memory")
    }

    @Test func `what was never handed over expires, and only that`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(), over: link)
        stage.send(agent.beat(), over: link)
        stage.close(link)
        let id = stage.queue("resync", for: agent.uid, expires: 100)
        stage.wait(99)
        #expect(stage.command(id)?.state == .queued)
        stage.wait(1)
        #expect(stage.command(id)?.state == .expired)
        #expect(stage.effects.deliveries.isEmpty)
        stage.send(agent.full(), over: webSocket())
        #expect(stage.effects.deliveries.isEmpty, "an expired command is never sent")
    }

    @Test func `over HTTP one command goes with each answer, and none with a repeated message`() {
        var (stage, agent) = (Stage(), Reporter())
        stage.send(agent.full(), over: exchange())
        let first = stage.queue("resync", for: agent.uid)
        let second = stage.queue("chatops", for: agent.uid)
        #expect(stage.effects.deliveries.isEmpty, "nothing can be pushed")
        stage.send(agent.again(), over: exchange())
        #expect(stage.effects.deliveries.isEmpty)
        stage.send(agent.beat(), over: exchange())
        #expect(stage.effects.deliveries.map(\.commandID) == [first])
        stage.send(agent.again(), over: exchange())
        #expect(stage.effects.deliveries.count == 1, "the same number again is answered without a command")
        stage.send(agent.beat(), over: exchange())
        #expect(stage.effects.deliveries.map(\.commandID) == [first, second])
    }

    @Test func `a full report proves a resync, a goodbye a shutdown, a new uid an identify`() throws {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(), over: link)
        let resync = stage.queue("resync", for: agent.uid)
        stage.send(agent.beat(), over: link)
        #expect(stage.command(resync)?.state == .sent)
        stage.send(agent.full(), over: link)
        #expect(stage.command(resync)?.state == .confirmed)

        let identify = stage.queue("identify", for: agent.uid)
        let offer = try #require(stage.effects.deliveries.last).message.agentIdentification.newInstanceUid
        let uid = try #require(InstanceUID(bytes: offer))
        var renamed = agent.beat()
        renamed.instanceUid = offer
        stage.send(renamed, over: link)
        #expect(stage.command(identify)?.state == .confirmed)
        #expect(stage.state.records.map(\.uid) == [uid], "the agent is renamed, not doubled")
        #expect(stage.state.position(of: agent.uid) == 0, "the old uid still finds it")
        #expect(stage.command(resync)?.instanceUID == uid.description, "its history moved")

        let shutdown = stage.queue("shutdown", for: uid)
        var goodbye = agent.beat()
        goodbye.instanceUid = offer
        goodbye.agentDisconnect = AgentDisconnect()
        stage.send(goodbye, over: link)
        #expect(stage.command(shutdown)?.state == .confirmed)
    }

    @Test func `keys that are equal only as texts do not upset the reading of a reply`() throws {
        let composed = CustomMessage.with {
            $0.capability = CustomCapability.chatOps
            $0.type = "success"
            $0.data = Data("{\"\u{e9}\":\"1\",\"e\u{301}\":\"2\",\"http_code\":\"201\"}".utf8)
        }
        #expect(try CustomReply(composed).httpCode == 201)
    }

    @Test func `a lost connection is no proof of a shutdown`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(), over: link)
        stage.send(agent.beat(), over: link)
        let id = stage.queue("shutdown", for: agent.uid)
        stage.close(link)
        #expect(stage.vitals(agent.uid)?.status == .disconnected)
        #expect(stage.command(id)?.state == .sent)
    }

    @Test func `a reply is matched by its command id, or by being the only one open`() throws {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(), over: link)
        let ids = [stage.queue("chatops", for: agent.uid), stage.queue("chatops", for: agent.uid)]
        func reply(_ succeeded: Bool, to id: String?) -> AgentToServer {
            var reply = CustomReply(capability: CustomCapability.chatOps, succeeded: succeeded)
            (reply.commandID, reply.httpCode) = (id, succeeded ? 201 : 500)
            reply.errorMessage = succeeded ? nil : "no input"
            var message = agent.beat()
            message.customMessage = reply.message
            return message
        }
        stage.send(reply(true, to: nil), over: link)
        #expect(ids.allSatisfy { stage.command($0)?.state == .sent }, "which one is meant is not known")
        #expect(stage.events.last == "custom_message")
        stage.send(reply(false, to: ids[1]), over: link)
        #expect(stage.command(ids[1])?.state == .failed)
        #expect(stage.command(ids[1])?.result == "HTTP 500: no input")
        stage.send(reply(true, to: nil), over: link)
        #expect(stage.command(ids[0])?.state == .confirmed)
    }

    @Test func `a capability that went away withdraws what needs it`() {
        var (stage, agent) = (Stage(), Reporter())
        stage.send(agent.full(), over: exchange())
        let id = stage.queue("restart", for: agent.uid)
        agent.capabilities = [.reportsStatus]
        stage.send(agent.beat(), over: exchange())
        #expect(stage.command(id)?.state == .cancelled)
        #expect(stage.command(id)?.result?.contains("AcceptsRestartCommand") == true)
        #expect(stage.effects.deliveries.isEmpty)
    }

    @Test func `only one restart of an agent is open, and an agent that cannot is told`() throws {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(), over: link)
        let id = stage.queue("restart", for: agent.uid)
        let restart = try CommandKind.named("restart")
        let command = try #require(stage.command(id))
        #expect(stage.state.refusal(of: command, restart)?.commandID == id)
        agent.capabilities = [.reportsStatus]
        stage.send(agent.beat(), over: link)
        #expect(stage.state.refusal(of: command, restart)?.missingCapability == "AcceptsRestartCommand")
    }

    @Test(
        arguments: [
            ("restart", ["now": true], "parameters.now"),
            ("chatops", [:], "parameters.tag"),
            ("chatops", ["tag": ""], "parameters.tag"),
            ("chatops", ["tag": 7], "parameters.tag"),
            ("chatops", ["tag": "a", "attributes": "b"], "parameters.attributes"),
            ("custom", ["capability": "x"], "parameters.type"),
        ] as [(String, [String: JSON], String)])
    func `wrong parameters are refused by name`(name: String, parameters: [String: JSON], field: String) throws {
        let kind = try CommandKind.named(name)
        let problem = #expect(throws: Problem.self) { try kind.check(parameters) }
        #expect(problem?.field == field && problem?.status == 400)
    }

    @Test func `an open command survives being stored`() throws {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(startTime: Self.before), over: link)
        let id = stage.queue("restart", for: agent.uid)
        let open = try #require(stage.state.commands[id])
        var read = try OpenCommand(json: JSON(parsing: open.json.text))
        #expect(read == open)
        let isConfirmed = read.reported(startTime: Self.after, at: stage.now, health: .healthy)
        #expect(isConfirmed, "the baseline is stored too")
    }
}
