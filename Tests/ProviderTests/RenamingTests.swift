import FleetAPI
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

    @Test func `a client with a uid of 26 characters is answered under it, and offered 16 bytes`() throws {
        let fleet = try Fleet(dataDirectory: nil, version: "1", logger: Logger(label: "test"))
        var agent = Reporter()
        let answers = Mutex<[AgentReply]>([])
        var message = agent.full()
        message.instanceUid = .init("01ARZ3NDEKTSV4RRFFQ69G5FAV".utf8)
        fleet.receive(message, over: exchange()) { reply in answers.withLock { $0.append(reply) } }
        let answer = try #require(answers.withLock { $0.first }).message
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
