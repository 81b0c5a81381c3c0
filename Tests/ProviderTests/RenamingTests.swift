import FleetAPI
import GRDB
import Logging
import OpAMP
import SwiftProtobuf
import Synchronization
import Testing

@testable import Provider

@Suite struct RenamingTests {
    private static let operators = Caller(name: "ann", address: "127.0.0.1")

    /// Has an agent ask for a uid and go on under it, over this link.
    private func rename(_ stage: inout Stage, _ agent: inout Reporter, from uid: InstanceUID, over link: Link) throws
        -> InstanceUID
    {
        var request = agent.beat()
        request.instanceUid = uid.data
        request.flags = AgentToServerFlags.requestInstanceUID.rawValue
        let answer = stage.send(request, over: link)
        #expect(answer.instanceUid == uid.data, "the answer bears the uid that was used")
        let new = try #require(InstanceUID(bytes: answer.agentIdentification.newInstanceUid))
        var message = agent.beat()
        message.instanceUid = new.data
        stage.send(message, over: link)
        return new
    }

    @Test func `labels, queue and history move with the uid, and former uids stay aliases`() throws {
        var (stage, agent, link) = (Stage(), Reporter(), exchange())
        stage.send(agent.full(), over: link)
        let position = try #require(stage.state.position(of: agent.uid))
        stage.state.label(["env": "prod"], at: position, by: Self.operators, stage.now, &stage.effects)
        let second = try rename(&stage, &agent, from: agent.uid, over: link)
        let third = try rename(&stage, &agent, from: second, over: link)
        #expect(stage.state.records.count == 1)
        for uid in [agent.uid, second, third] {
            let found = try #require(stage.state.position(of: uid))
            #expect(stage.state.records[found].uid == third)
            #expect(stage.state.records[found].decisions.labels == ["env": "prod"])
        }
        let queued = stage.queue("resync", for: third)
        #expect(stage.command(queued)?.instanceUID == third.description)
    }

    @Test func `an agent is found by the end of a former uid too, unless another one has it now`() throws {
        var (stage, agent, link) = (Stage(), Reporter(0xabc), webSocket())
        stage.send(agent.full(), over: link)
        let new = try rename(&stage, &agent, from: agent.uid, over: link)
        for end in ["000abc", "000ABC", "0000-0000-0abc"] {
            #expect(stage.state.positions(of: end).map { stage.state.records[$0].uid } == [new])
        }
        #expect(stage.state.positions(of: "00abc").isEmpty && stage.state.positions(of: "000abd").isEmpty)
        var other = Reporter(0xf00_0abc)
        other.host = "db-1"
        stage.send(other.full(), over: webSocket())
        #expect(stage.state.positions(of: "000abc").map { stage.state.records[$0].uid } == [other.uid])
    }

    @Test func `an occupied uid is not adopted: who comes with it is a newcomer there`() {
        var (stage, agent, other, link) = (Stage(), Reporter(1), Reporter(2), webSocket())
        other.host = "db-1"
        stage.send(other.full(), over: webSocket())
        stage.send(agent.full(), over: link)
        stage.state.offeredTo[other.uid] = agent.uid
        var message = agent.full()
        message.instanceUid = other.uid.data
        stage.send(message, over: link)
        #expect(stage.state.records.map(\.uid) == [other.uid, agent.uid] && stage.state.aliases.isEmpty)
        #expect(stage.facts(other.uid)?.host?.text == "db-1" && stage.state.rivals[other.uid]?.count == 1)
    }

    @Test func `an agent that falls back to its former uid is recognised and told the present one`() throws {
        var (stage, agent) = (Stage(), Reporter())
        stage.send(agent.full(), over: exchange())
        let new = try rename(&stage, &agent, from: agent.uid, over: exchange())
        let answer = stage.send(agent.full(), over: exchange())
        #expect(stage.state.records.count == 1 && answer.instanceUid == agent.uid.data)
        #expect(InstanceUID(bytes: answer.agentIdentification.newInstanceUid) == new)
        agent.host = "db-1"
        stage.send(agent.full(), over: exchange())
        #expect(stage.state.records.count == 2, "another host under the former uid is another agent")
    }

    @Test func `an offer stands when the provider was restarted before it was taken`() async throws {
        let store = try Store(directory: nil)
        var (stage, agent) = (Stage(), Reporter())
        stage.send(agent.full(), over: webSocket())
        _ = stage.queue("identify", for: agent.uid)
        let offered = try #require(stage.effects.deliveries.last).message.agentIdentification.newInstanceUid
        let changes = stage.effects.changes
        try await withCheckedThrowingContinuation { continuation in
            store.write(changes) { continuation.resume(with: $0) }
        }
        var next = Stage()
        next.state = FleetState(try store.load(unconfirmedSince: stage.now.wall), now: next.now)
        var renamed = agent.full()
        renamed.instanceUid = offered
        next.send(renamed, over: webSocket())
        #expect(next.state.records.map(\.uid.data) == [offered])
        #expect(next.state.position(of: agent.uid) == 0)
    }

    @Test func `a uid that an agent asked for stands when the provider was restarted before it was taken`() async throws
    {
        let store = try Store(directory: nil)
        var (stage, agent) = (Stage(), Reporter())
        let answer = stage.send(asking(agent.full()), over: webSocket())
        let offered = answer.agentIdentification.newInstanceUid
        #expect(offered.count == 16)
        let changes = stage.effects.changes
        try await withCheckedThrowingContinuation { continuation in
            store.write(changes) { continuation.resume(with: $0) }
        }
        var next = Stage()
        next.state = FleetState(try store.load(unconfirmedSince: stage.now.wall), now: next.now)
        let link = webSocket()
        let again = next.send(asking(agent.beat()), over: link)
        #expect(again.agentIdentification.newInstanceUid == offered, "the same one until it is taken")
        var renamed = agent.full()
        renamed.instanceUid = offered
        next.send(renamed, over: link)
        #expect(next.state.records.map(\.uid.data) == [offered])
        let command = try #require(next.state.commands.values.first).command
        #expect(command.command == "identify" && command.state == .confirmed)
        #expect(command.requestedBy == "the agent itself")
        #expect(command.instanceUID == next.state.records[0].uid.description)
    }

    @Test(arguments: [AgentTransport.http, .webSocket])
    func `a uid that an agent asked for is on disk before it is offered, and offered as often as it asks`(
        over transport: AgentTransport
    ) async throws {
        let directory = TemporaryDirectory()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let fleet = try Fleet(dataDirectory: directory.path, version: "1", logger: logger)
        let link = transport == .http ? exchange() : webSocket()
        var agent = Reporter()
        _ = await answer(to: agent.full(), of: fleet, over: link)

        try await fleet.store.database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = 1") }
        let refused = await answer(to: asking(agent.beat()), of: fleet, over: link)
        #expect(!refused.hasAgentIdentification && !refused.hasErrorResponse && refused.instanceUid == agent.uid.data)
        try await fleet.store.database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = 0") }

        let offered = await answer(to: asking(agent.beat()), of: fleet, over: link).agentIdentification
        #expect(offered.newInstanceUid.count == 16)
        let written = try await fleet.commands(agent: nil, state: nil, limit: 9, cursor: nil).commands
        #expect(written.map(\.command) == ["identify"] && written.map(\.state) == [.sent])
        let again = await answer(to: asking(agent.beat()), of: fleet, over: link).agentIdentification
        #expect(again == offered)
        #expect(try await fleet.commands(agent: nil, state: nil, limit: 9, cursor: nil).matched == 1)
        try fleet.store.close()
    }

    private func asking(_ message: AgentToServer) -> AgentToServer {
        var message = message
        message.flags = AgentToServerFlags.requestInstanceUID.rawValue
        return message
    }

    private func answer(to message: AgentToServer, of fleet: Fleet, over link: Link) async -> ServerToAgent {
        await withCheckedContinuation { continuation in
            fleet.receive(message, over: link) { continuation.resume(returning: $0.message) }
        }
    }

    @Test func `a client with a uid of 26 characters is answered under it, and offered 16 bytes`() async throws {
        let fleet = try Fleet(dataDirectory: nil, version: "1", logger: Logger(label: "test"))
        var agent = Reporter()
        var message = agent.full()
        message.instanceUid = .init("01ARZ3NDEKTSV4RRFFQ69G5FAV".utf8)
        let answer = await answer(to: message, of: fleet, over: exchange())
        #expect(answer.instanceUid == message.instanceUid && !answer.hasErrorResponse)
        let offered = try #require(InstanceUID(bytes: answer.agentIdentification.newInstanceUid))
        #expect(fleet.snapshot.records.map(\.uid.description) == ["01563e3ab5d3d6764c61efb99302bd5b"])
        var renamed = agent.beat()
        renamed.instanceUid = offered.data
        fleet.receive(renamed, over: exchange()) { _ in }
        #expect(fleet.snapshot.records.map(\.uid) == [offered])
    }

    @Test(arguments: [0, 1, 15, 17, 25, 27])
    func `a uid of another length is a BAD_REQUEST that names it`(count: Int) throws {
        let fleet = try Fleet(dataDirectory: nil, version: "1", logger: Logger(label: "test"))
        let answers = Mutex<[AgentReply]>([])
        let message = AgentToServer.with { $0.instanceUid = .init(repeating: 0x30, count: count) }
        fleet.receive(message, over: exchange()) { reply in answers.withLock { $0.append(reply) } }
        let error = answers.withLock { $0.first }?.message.errorResponse
        #expect(error?.type == .badRequest && error?.errorMessage.contains("\(count)") == true)
        #expect(fleet.info().agents == 0)
    }
}
