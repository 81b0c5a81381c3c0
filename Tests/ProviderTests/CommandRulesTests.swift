import FleetAPI
import Foundation
import JSON
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

/// The rules of the life of a command, one by one.
@Suite struct CommandRulesTests {
    private static let day = Duration.seconds(86_400)

    /// An agent that remembers command ids.
    private func remembering() -> Reporter { Reporter(7) }

    private func full(_ agent: inout Reporter) -> AgentToServer {
        var message = agent.full()
        message.customCapabilities.capabilities += [CustomCapability.commandIDs, CustomCapability.null]
        return message
    }

    @Test func `a command for an agent that polls does not go out with the answer to its goodbye`() {
        var (stage, agent) = (Stage(), Reporter())
        stage.send(agent.full(), over: exchange())
        let ids = ["resync", "shutdown"].map { stage.queue($0, for: agent.uid) }
        var goodbye = agent.beat()
        goodbye.agentDisconnect = AgentDisconnect()
        for message in [goodbye, goodbye] {
            let answer = stage.send(message, over: exchange())
            #expect(answer.flags == 0 && !answer.hasCommand && !answer.hasCustomMessage)
        }
        #expect(stage.effects.deliveries.isEmpty && ids.allSatisfy { stage.command($0)?.state == .queued })
        #expect(stage.vitals(agent.uid)?.status == .disconnected)
        stage.send(agent.full(), over: exchange())
        #expect(stage.effects.deliveries.map(\.commandID) == [ids[0]], "it goes out when the agent is back")
    }

    // MARK: - Clocks

    @Test(arguments: [day, .zero - day])
    func `a wall clock that jumps neither expires a queued command nor keeps it`(jump: Duration) {
        var (stage, agent) = (Stage(), Reporter())
        stage.send(agent.full(), over: exchange())
        let id = stage.queue("resync", for: agent.uid, expires: 100)
        stage.now = Moment(wall: stage.now.wall + jump, monotonic: stage.now.monotonic)
        stage.wait(99)
        #expect(stage.command(id)?.state == .queued)
        stage.wait(1)
        #expect(stage.command(id)?.state == .expired)
    }

    @Test(arguments: [day, .zero - day])
    func `a wall clock that jumps neither ends nor extends the wait for proof`(jump: Duration) {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(), over: link)
        let id = stage.queue("resync", for: agent.uid, confirm: 60)
        stage.now = Moment(wall: stage.now.wall + jump, monotonic: stage.now.monotonic)
        stage.wait(59)
        #expect(stage.command(id)?.state == .sent)
        stage.wait(1)
        #expect(stage.command(id)?.state == .unconfirmed)
        stage.wait(3_599)
        #expect(stage.command(id)?.state == .unconfirmed, "late proof counts for an hour")
        stage.wait(1)
        #expect(stage.command(id) == nil)
    }

    @Test func `after a start a command waits no longer than it would have from its beginning`() throws {
        var (stage, agent) = (Stage(), Reporter())
        stage.send(agent.full(), over: exchange())
        let id = stage.queue("resync", for: agent.uid, expires: 100)
        var stored = Store.StoredFleet()
        stored.commands = [try #require(stage.state.commands[id])]
        var second = Stage()
        second.now = Moment(wall: stage.now.wall - Self.day, monotonic: 5)
        second.state = FleetState(stored, now: second.now)
        second.wait(99)
        #expect(second.command(id)?.state == .queued, "the clock was set back meanwhile")
        second.wait(1)
        #expect(second.command(id)?.state == .expired)

        var third = Stage()
        third.now = stage.now + .seconds(40)
        third.state = FleetState(stored, now: third.now)
        third.wait(59)
        #expect(third.command(id)?.state == .queued)
        third.wait(1)
        #expect(third.command(id)?.state == .expired, "time while the provider was down counts")
    }

    // MARK: - Once, or once more

    @Test func `a command sent before a lost connection goes out again only to an agent that remembers ids`() throws {
        var (stage, agent, plain) = (Stage(), remembering(), Reporter(8))
        let (first, other) = (webSocket(), webSocket())
        stage.send(full(&agent), over: first)
        stage.send(plain.full(), over: other)
        let id = stage.queue("chatops", for: agent.uid, confirm: 60)
        _ = stage.queue("chatops", for: plain.uid, confirm: 60)
        #expect(stage.effects.deliveries.count == 2)
        let sentAt = stage.command(id)?.sentAt
        stage.wait(20)
        stage.close(first)
        stage.close(other)
        let again = webSocket()
        stage.send(agent.beat(), over: again)
        stage.send(plain.beat(), over: webSocket())
        #expect(stage.effects.deliveries.count == 3)
        let delivery = try #require(stage.effects.deliveries.last)
        #expect(delivery.commandID == id && delivery.link === again)
        #expect(delivery.message == stage.effects.deliveries[0].message, "the same message with the same id")
        let command = try #require(stage.command(id))
        #expect(command.state == .sent && command.attempts == 2 && command.sentAt == sentAt)
        let written = stage.effects.changes.compactMap { if case .command(let open) = $0 { open.command } else { nil } }
        #expect(written.last?.id == id && written.last?.attempts == 2, "committed before it goes out")

        stage.send(agent.beat(), over: again)
        #expect(stage.effects.deliveries.count == 3, "once a connection")
        stage.wait(40)
        #expect(stage.command(id)?.state == .unconfirmed, "the time for proof is not extended")
        stage.close(again)
        stage.send(agent.beat(), over: webSocket())
        #expect(stage.effects.deliveries.count == 3)
    }

    @Test func `what cannot name an id is never sent again`() {
        var (stage, agent) = (Stage(), remembering())
        stage.send(full(&agent), over: webSocket())
        for name in ["restart", "resync"] { _ = stage.queue(name, for: agent.uid) }
        #expect(stage.effects.deliveries.count == 2)
        stage.send(agent.beat(), over: webSocket())
        #expect(stage.effects.deliveries.count == 2)
    }

    @Test func `over HTTP a lost answer is seen by the repeated number, and made good with the next one`() {
        var (stage, agent) = (Stage(), remembering())
        stage.send(full(&agent), over: exchange())
        let id = stage.queue("nullcommand", for: agent.uid)
        stage.send(agent.beat(), over: exchange())
        stage.send(agent.beat(), over: exchange())
        #expect(stage.effects.deliveries.map(\.commandID) == [id], "nothing says that the answer was lost")
        stage.send(agent.again(), over: exchange())
        #expect(stage.effects.deliveries.count == 1, "a repeated request is answered without the command")
        stage.send(agent.beat(), over: exchange())
        #expect(stage.effects.deliveries.map(\.commandID) == [id, id])
        #expect(stage.command(id)?.attempts == 2)
    }

    @Test func `after a start of the provider a sent command goes out again to an agent that remembers ids`() throws {
        var (stage, agent) = (Stage(), remembering())
        stage.send(full(&agent), over: webSocket())
        let id = stage.queue("chatops", for: agent.uid)
        var stored = Store.StoredFleet()
        stored.agents = [
            Store.StoredAgent(
                record: try #require(stage.state.records.first), lastSeen: stage.now.wall, sequence: 1,
                transport: .webSocket)
        ]
        stored.commands = [try OpenCommand(json: try #require(stage.state.commands[id]).json)]
        var second = Stage()
        second.state = FleetState(stored, now: second.now)
        second.send(agent.beat(), over: webSocket())
        #expect(second.effects.deliveries.map(\.commandID) == [id])
        #expect(second.command(id)?.attempts == 2)
    }

    @Test func `a command whose handing over could not be written waits as before`() throws {
        var (stage, agent) = (Stage(), remembering())
        let links = [webSocket(), webSocket(), webSocket()]
        stage.send(full(&agent), over: links[0])
        let id = stage.queue("chatops", for: agent.uid, expires: 100)
        stage.state.takeBack(id)
        #expect(stage.command(id)?.state == .queued && stage.command(id)?.attempts == 0)
        #expect(stage.command(id)?.sentAt == nil)
        for (old, new) in zip(links, links.dropFirst()) {
            stage.close(old)
            stage.send(agent.beat(), over: new)
        }
        #expect(stage.command(id)?.attempts == 2)
        stage.state.takeBack(id)
        #expect(stage.command(id)?.state == .sent && stage.command(id)?.attempts == 1, "the first one did leave")
    }

    @Test func `a command whose queuing is not on disk does not go out`() throws {
        var (stage, agent) = (Stage(), Reporter())
        stage.send(agent.full(), over: exchange())
        let id = stage.queue("resync", for: agent.uid)
        stage.state.commands[id]?.isUnwritten = true
        stage.send(agent.beat(), over: exchange())
        #expect(stage.effects.deliveries.isEmpty)
        stage.state.written(id)
        stage.send(agent.beat(), over: exchange())
        #expect(stage.effects.deliveries.map(\.commandID) == [id])
    }

    // MARK: - Proof of a restart

    private static let before: UInt64 = 1_763_000_000_000_000_000
    private static let after: UInt64 = 1_763_892_000_000_000_000

    @Test func `one report before is enough to prove a restart by`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(startTime: Self.before), over: link)
        let id = stage.queue("restart", for: agent.uid)
        stage.send(agent.health(Self.after), over: link)
        #expect(stage.command(id)?.state == .confirmed)
    }

    @Test func `a start time that changed between the last two reports before proves nothing`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(startTime: Self.before - 1_000_000_000), over: link)
        stage.send(agent.health(Self.before), over: link)
        let id = stage.queue("restart", for: agent.uid)
        stage.send(agent.health(Self.after), over: link)
        #expect(stage.command(id)?.state == .sent)
        stage.wait(60)
        #expect(stage.command(id)?.result?.contains("had changed between its last two reports before") == true)
    }

    @Test func `start times of components prove nothing`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(startTime: Self.before), over: link)
        let id = stage.queue("restart", for: agent.uid)
        var report = agent.health(Self.before)
        report.health.componentHealthMap["input"] = .with { $0.startTimeUnixNano = Self.after }
        stage.send(report, over: link)
        #expect(stage.command(id)?.state == .sent)
    }

    @Test func `what is reported before a restart is sent proves nothing`() {
        var (stage, agent) = (Stage(), Reporter())
        stage.send(agent.full(startTime: Self.before), over: exchange())
        let id = stage.queue("restart", for: agent.uid)
        stage.send(agent.health(Self.after), over: exchange())
        #expect(stage.command(id)?.state == .sent, "the report came with the request whose answer carries the command")
    }

    // MARK: - Replies

    private func reply(
        _ capability: String, _ type: String, _ fields: [String: String] = [:], from agent: inout Reporter
    ) -> AgentToServer {
        var message = agent.beat()
        message.customMessage.capability = capability
        message.customMessage.type = type
        message.customMessage.data = Data(fields.json.text.utf8)
        return message
    }

    @Test(arguments: ["", "request:"])
    func `a reply counts with and without request before its capability`(prefix: String) {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(), over: link)
        let id = stage.queue("chatops", for: agent.uid)
        stage.send(reply(prefix + CustomCapability.chatOps, "success", ["http_code": "201"], from: &agent), over: link)
        #expect(stage.command(id)?.state == .confirmed)
        #expect(
            stage.command(id)?.result == "HTTP 201: the agent took the record, which does not say the task is done")
    }

    @Test(
        arguments: [
            ("org.example.other", "success", [:]), (CustomCapability.chatOps, "progress", [:]),
            (CustomCapability.chatOps, "success", ["command_id": "another"]),
            (CustomCapability.chatOps, "success", ["action": "nullcommand"]),
        ] as [(String, String, [String: String])])
    func `a message that answers no command of ours is an event`(
        capability: String, type: String, fields: [String: String]
    ) {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(), over: link)
        let id = stage.queue("chatops", for: agent.uid)
        stage.send(reply(capability, type, fields, from: &agent), over: link)
        #expect(stage.command(id)?.state == .sent)
        #expect(stage.events.last == "custom_message")
    }

    @Test func `a reply that comes late still tells the outcome, and a long one is cut`() throws {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(), over: link)
        let id = stage.queue("chatops", for: agent.uid, confirm: 10)
        stage.wait(30)
        #expect(stage.command(id)?.state == .unconfirmed)
        let error = String(repeating: "é", count: 10_000)
        stage.send(
            reply(CustomCapability.chatOps, "failure", ["command_id": id, "err_msg": error], from: &agent), over: link)
        let command = try #require(stage.command(id))
        #expect(command.state == .failed)
        #expect(command.result?.utf8.count == 4096)
    }

    // MARK: - Limits

    @Test func `an agent has at most 100 open commands`() throws {
        var (stage, agent) = (Stage(), Reporter())
        stage.send(agent.full(), over: exchange())
        let resync = try CommandKind.named("resync")
        var last = ""
        for _ in 0..<100 {
            last = stage.queue("resync", for: agent.uid)
        }
        let command = try #require(stage.command(last))
        #expect(stage.state.refusal(of: command, resync)?.status == 409)
        _ = stage.state.cancel(last, reason: "enough", at: stage.now, &stage.effects)
        #expect(stage.state.refusal(of: command, resync) == nil)
    }
}
