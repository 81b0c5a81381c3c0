import FleetAPI
import HTTPTypes
import JSON
import Logging
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

@Suite struct AdmissionTests {
    private static let operators = Caller(name: "ann", address: "127.0.0.1")

    private func waiting() -> Stage {
        var stage = Stage()
        stage.state.settings.approvalRequired = true
        return stage
    }

    /// Decides about an agent; gives why not.
    private func decide(_ verb: AdmissionRequest.Verb, _ uid: InstanceUID, _ stage: inout Stage) -> Problem? {
        let position = stage.state.position(of: uid)!
        return stage.state.decide(verb, at: position, by: Self.operators, stage.now, &stage.effects)
    }

    private func record(_ uid: InstanceUID, _ stage: Stage) -> AgentRecord? {
        stage.state.position(of: uid).map { stage.state.records[$0] }
    }

    @Test func `a pending agent is answered UNAVAILABLE with 60 seconds and nothing else`() {
        for link in [webSocket(), exchange()] {
            var (stage, agent) = (waiting(), Reporter())
            let reply = stage.reply(to: agent.full(), over: link)
            #expect(reply.ending == nil)
            #expect(reply.message.errorResponse.type == .unavailable)
            #expect(reply.message.errorResponse.retryInfo.retryAfterNanoseconds == 60_000_000_000)
            var rest = reply.message
            rest.clearErrorResponse()
            #expect(rest == ServerToAgent())
            #expect(record(agent.uid, stage)?.decisions.admission == .pending)
            #expect(stage.facts(agent.uid)?.host?.text == "web-17", "people see who waits")
            #expect(stage.vitals(agent.uid)?.status == .connected && stage.vitals(agent.uid)?.health == .unknown)
            #expect(stage.events == ["pending"])
        }
    }

    @Test func `an agent known before approval was required stays in`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(), over: link)
        stage.state.settings.approvalRequired = true
        let reply = stage.send(agent.beat(), over: link)
        #expect(!reply.hasErrorResponse)
        #expect(stage.state.pendingCount == 0)
    }

    @Test(arguments: [true, false])
    func `a pending agent whose description was lost is asked for it once a minute, then waits like the others`(
        hasSocket: Bool
    ) {
        var (stage, agent) = (waiting(), Reporter())
        let link = hasSocket ? webSocket() : exchange()
        let question = stage.reply(to: agent.beat(), over: link)
        #expect(question.ending == nil && !question.message.hasErrorResponse)
        #expect(question.message.flags == ServerToAgentFlags.reportFullState.rawValue)
        #expect(!question.message.hasCustomCapabilities, "nothing else before it is let in")
        #expect(AgentExchange.status(of: question) == .ok)

        let second = stage.send(agent.beat(), over: link)
        #expect(second.errorResponse.type == .unavailable && second.flags == 0)
        stage.now = stage.now + .seconds(59)
        let early = stage.send(agent.beat(), over: link)
        #expect(early.hasErrorResponse)
        stage.now = stage.now + .seconds(1)
        let again = stage.send(agent.beat(), over: link)
        #expect(again.flags == ServerToAgentFlags.reportFullState.rawValue)

        let described = stage.send(agent.full(), over: link)
        #expect(described.errorResponse.type == .unavailable)
        #expect(stage.facts(agent.uid)?.host?.text == "web-17")
        #expect(record(agent.uid, stage)?.decisions.admission == .pending && stage.events == ["pending"])
        stage.now = stage.now + .seconds(3600)
        let late = stage.send(agent.beat(), over: link)
        #expect(late.hasErrorResponse, "it is known who waits")
    }

    @Test func `neither a blocked agent nor a goodbye is answered with a question`() {
        var (stage, agent) = (waiting(), Reporter())
        var goodbye = agent.beat()
        goodbye.agentDisconnect = AgentDisconnect()
        let left = stage.send(goodbye, over: exchange())
        #expect(left.hasErrorResponse && left.flags == 0)
        let blocked = decide(.block, agent.uid, &stage)
        let reply = stage.reply(to: agent.beat(), over: exchange())
        #expect(blocked == nil && reply.ending == .forbidden && reply.message.flags == 0)
    }

    @Test func `what a pending agent says too much of is cut to its identity`() throws {
        var (stage, agent) = (waiting(), Reporter())
        var report = agent.full()
        report.effectiveConfig.configMap.configMap["a.conf"] = AgentConfigObject()
        report.agentDescription.nonIdentifyingAttributes = [KeyValue("noise", String(repeating: "n", count: 65 << 10))]
        report.agentDescription.identifyingAttributes += [
            KeyValue("big", String(repeating: "b", count: 65 << 10)), KeyValue("host.name", "web-17"),
        ]
        stage.send(report, over: exchange())
        let facts = try #require(stage.facts(agent.uid))
        #expect(facts.attributes.map(\.key) == ["service.name", "service.version", "host.name"])
        #expect(facts.configFiles.isEmpty && facts.health.isEmpty)
        #expect(facts.capabilities == agent.capabilities)

        report.agentDescription.identifyingAttributes = (0..<5000).map { KeyValue("k\($0)", "") }
        stage.send(report, over: exchange())
        #expect(stage.facts(agent.uid)?.attributes.count == FleetState.pendingAttributeLimit)
    }

    @Test func `the 1001st pending agent is turned away without a record`() {
        var stage = waiting()
        for number in 0..<1000 {
            var agent = Reporter(UInt64(number))
            stage.send(agent.beat(), over: exchange())
        }
        #expect(stage.state.pendingCount == 1000)
        var late = Reporter(5000)
        let reply = stage.reply(to: late.full(), over: exchange())
        #expect(reply.message.errorResponse.type == .unavailable)
        #expect(reply.message.errorResponse.retryInfo.retryAfterNanoseconds == 60_000_000_000)
        #expect(stage.state.position(of: late.uid) == nil && stage.state.records.count == 1000)

        let refused = decide(.approve, Reporter(7).uid, &stage)
        #expect(refused == nil && stage.state.pendingCount == 999)
        stage.send(late.full(), over: exchange())
        #expect(record(late.uid, stage)?.decisions.admission == .pending)
        stage.state.forget(stage.state.position(of: late.uid)!, keepsTokens: true, at: stage.now, &stage.effects)
        #expect(stage.state.pendingCount == 999)
    }

    @Test func `after approval an open WebSocket is asked for the full state`() throws {
        var (stage, agent, link) = (waiting(), Reporter(), webSocket())
        stage.send(agent.full(), over: link)
        let refused = decide(.approve, agent.uid, &stage)
        #expect(refused == nil)
        let push = try #require(stage.effects.pushes.last)
        #expect(push.link === link && push.message.flags == ServerToAgentFlags.reportFullState.rawValue)
        #expect(push.message.capabilities == FleetState.capabilities.rawValue, "it is the first answer to the agent")
        let reply = stage.send(agent.full(), over: link)
        #expect(!reply.hasErrorResponse && reply.hasCustomCapabilities)
        #expect(stage.vitals(agent.uid)?.health == .healthy)
        #expect(stage.events.contains("approved"))
    }

    @Test func `after approval a poller is asked for the full state with its next answer`() {
        var (stage, agent) = (waiting(), Reporter())
        stage.send(agent.full(), over: exchange())
        let refused = decide(.approve, agent.uid, &stage)
        #expect(refused == nil && stage.effects.pushes.isEmpty)
        let reply = stage.send(agent.beat(), over: exchange())
        #expect(reply.flags == ServerToAgentFlags.reportFullState.rawValue && reply.hasCustomCapabilities)
    }

    @Test func `blocking cancels what is queued, closes the connection and refuses every message`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(), over: exchange())
        let queued = stage.queue("resync", for: agent.uid)
        stage.send(agent.again(), over: exchange())
        stage.state.takeLink(link, at: stage.state.position(of: agent.uid)!)
        let refused = decide(.block, agent.uid, &stage)
        #expect(refused == nil)
        #expect(stage.command(queued)?.state == .cancelled)
        #expect(stage.command(queued)?.result?.contains("blocked by ann") == true)
        #expect(stage.effects.closes.contains { $0 === link })
        #expect(stage.vitals(agent.uid)?.status == .disconnected && stage.vitals(agent.uid)?.health == .unknown)
        stage.close(link)

        let before = stage.events
        let reply = stage.reply(to: agent.full(), over: exchange())
        #expect(reply.ending == .forbidden && reply.message.hasErrorResponse)
        #expect(stage.vitals(agent.uid)?.status == .disconnected, "being refused is not being in touch")
        #expect(stage.vitals(agent.uid)?.lastSeen == stage.now)
        #expect(stage.events == before)

        let unblocked = decide(.unblock, agent.uid, &stage)
        let after = stage.send(agent.beat(), over: exchange())
        #expect(unblocked == nil && after.flags == ServerToAgentFlags.reportFullState.rawValue)
        #expect(stage.vitals(agent.uid)?.status == .connected)
    }

    @Test func `a command for an agent that is not let in is a 409 that says so`() {
        var (stage, agent) = (waiting(), Reporter())
        stage.send(agent.full(), over: webSocket())
        var command = Command()
        (command.command, command.instanceUID) = ("resync", agent.uid.description)
        let kind = CommandKind.all.first { $0.name == "resync" }!
        #expect(stage.state.refusal(of: command, kind)?.value == "pending")
        let blocked = decide(.block, agent.uid, &stage)
        #expect(blocked == nil && stage.state.refusal(of: command, kind)?.value == "blocked")
        let unblocked = decide(.unblock, agent.uid, &stage)
        #expect(unblocked == nil && stage.state.refusal(of: command, kind) == nil)
    }

    @Test func `approve is for pending agents, unblock for blocked ones, and asking twice changes nothing`() {
        var (stage, agent) = (waiting(), Reporter())
        stage.send(agent.full(), over: exchange())
        let early = decide(.unblock, agent.uid, &stage)
        #expect(early?.status == 409)
        let blocked = decide(.block, agent.uid, &stage)
        let wrong = decide(.approve, agent.uid, &stage)
        #expect(blocked == nil && wrong?.status == 409)
        #expect(record(agent.uid, stage)?.decisions.admission == .blocked)
        let count = stage.effects.changes.count
        let again = decide(.block, agent.uid, &stage)
        #expect(again == nil && stage.effects.changes.count == count)
    }

    @Test func `a pending agent that comes and goes makes no events`() {
        var (stage, agent) = (waiting(), Reporter())
        for _ in 0..<4 {
            let link = webSocket()
            stage.send(agent.full(), over: link)
            stage.close(link)
            stage.wait(60)
        }
        #expect(stage.events == ["pending"])
    }

    @Test func `admission and labels survive a restart of the provider`() async throws {
        let store = try Store(directory: nil)
        var (stage, agent, other) = (waiting(), Reporter(1), Reporter(2))
        stage.send(agent.full(), over: exchange())
        stage.send(other.full(), over: exchange())
        let position = try #require(stage.state.position(of: other.uid))
        stage.state.label(["env": "prod"], at: position, by: Self.operators, stage.now, &stage.effects)
        _ = decide(.block, other.uid, &stage)
        stage.effects.changes.append(.settings(stage.state.settings))
        let changes = stage.effects.changes
        try await withCheckedThrowingContinuation { continuation in
            store.write(changes) { continuation.resume(with: $0) }
        }
        let state = FleetState(try store.load(unconfirmedSince: stage.now.wall), now: stage.now)
        #expect(state.pendingCount == 1 && state.settings.approvalRequired)
        let decisions = try [agent, other].map { state.records[try #require(state.position(of: $0.uid))].decisions }
        #expect(decisions == [Decisions(admission: .pending), Decisions(admission: .blocked, labels: ["env": "prod"])])
    }

    @Test func `a decision that cannot be written is not made, and says so`() async throws {
        let fleet = try Fleet(dataDirectory: nil, version: "1", logger: Logger(label: "test"))
        var agent = Reporter()
        fleet.receive(agent.full(), over: exchange()) { _ in }
        try fleet.store.close()
        let blocked = await #expect(throws: Problem.self) {
            try await fleet.decide(AdmissionRequest([.init("web-17", .block)]), caller: Self.operators)
        }
        var labels = LabelsRequest()
        labels.labels = ["env": "prod"]
        let request = labels
        let labelled = await #expect(throws: Problem.self) {
            try await fleet.label("web-17", request, caller: Self.operators)
        }
        let changed = await #expect(throws: Problem.self) {
            try await fleet.change(settings: ["approval_required": true], caller: Self.operators)
        }
        #expect([blocked, labelled, changed].map { $0?.status } == [507, 507, 507])
        #expect(fleet.snapshot.records.map(\.decisions) == [.none])
        #expect(fleet.settings == ProviderSettings())
    }
}
