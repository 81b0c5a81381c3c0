import FleetAPI
import Foundation
import JSON
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

/// Whose turn it is, and when an operation ends: with made-up times.
@Suite struct OperationTests {
    private let caller = Caller(name: "ann", address: "127.0.0.1:5")

    /// A stage with that many agents, connected by HTTP, and an operation for all of them.
    private struct Scene {
        var stage = OperationStage()
        var agents: [Reporter] = []
        let link = exchange()

        init(_ count: Int, connected: Int? = nil) {
            for number in 0..<count {
                var agent = Reporter(UInt64(number + 1))
                stage.base.send(agent.full(), over: link)
                if number >= connected ?? count {
                    var goodbye = agent.beat()
                    goodbye.agentDisconnect = AgentDisconnect()
                    stage.base.send(goodbye, over: link)
                }
                agents.append(agent)
            }
        }

        mutating func beat(_ number: Int) { stage.send(agents[number].beat(), over: link) }

        mutating func reported(_ number: Int) { stage.send(agents[number].full(), over: link) }

        mutating func restarted(_ number: Int) {
            stage.send(agents[number].health(1_763_892_000_000_000_000), over: link)
        }
    }

    @Test func `never more commands than allowed are under way, and all get theirs`() throws {
        var scene = Scene(7)
        let id = try scene.stage.start("restart", for: scene.agents, maxInFlight: 3, by: caller)
        #expect(scene.stage.counts(id) == [.queued: 3, .waiting: 4])
        for number in 0..<7 {
            scene.beat(number)
            #expect(scene.stage.operation(id)?.inFlight == min(3, 7 - number))
            scene.restarted(number)
        }
        let operation = try #require(scene.stage.operation(id))
        #expect(operation.state == .done && operation.counts[.confirmed] == 7)
        #expect(operation.finishedAt == scene.stage.base.now.wall)
        let sent = scene.stage.base.effects.deliveries.map(\.commandID)
        #expect(sent.count == 7 && Set(sent).count == 7)
        let carried = scene.stage.base.state.commands.values.map(\.command.operation)
        #expect(carried.allSatisfy { $0 == id }, "each command names its operation")
    }

    @Test func `agents come in the order of their uids, those not connected last`() throws {
        var scene = Scene(5, connected: 3)
        let id = try scene.stage.start("resync", for: scene.agents, maxInFlight: 4, by: caller)
        let states = try #require(scene.stage.operation(id)).targets.map(\.state)
        #expect(states == [.queued, .queued, .queued, .queued, .waiting], "three connected, and one that is not")
        var last = Scene(5, connected: 5)
        var goodbye = last.agents[0].beat()
        goodbye.agentDisconnect = AgentDisconnect()
        last.stage.base.send(goodbye, over: last.link)
        let other = try last.stage.start("resync", for: last.agents, maxInFlight: 2, by: caller)
        #expect(
            try #require(last.stage.operation(other)).targets.map(\.state)
                == [.waiting, .queued, .queued, .waiting, .waiting])
    }

    @Test func `an agent that stays away gives its place back when its command expires`() throws {
        var scene = Scene(2, connected: 0)
        let id = try scene.stage.start(
            "resync", for: scene.agents, maxInFlight: 1, stopAfter: 9, by: caller, expires: 100)
        scene.stage.wait(99)
        #expect(scene.stage.counts(id) == [.queued: 1, .waiting: 1])
        scene.stage.wait(1)
        #expect(scene.stage.counts(id) == [.expired: 1, .queued: 1])
        scene.stage.wait(100)
        #expect(scene.stage.counts(id) == [.expired: 2])
        #expect(scene.stage.operation(id)?.state == .done)
    }

    @Test func `targets that wait, are blocked or in conflict by then are skipped, each with the reason`() throws {
        var scene = Scene(3)
        var waiting = Reporter(9)
        scene.stage.base.state.settings.approvalRequired = true
        scene.stage.base.send(waiting.full(), over: scene.link)
        let position = try #require(scene.stage.base.state.position(of: scene.agents[1].uid))
        let refused = scene.stage.base.state.decide(
            .block, at: position, by: caller, scene.stage.base.now, &scene.stage.base.effects)
        #expect(refused == nil)
        var copy = Reporter(3)
        copy.host = "copy"
        for _ in 0..<5 {
            scene.stage.base.now = scene.stage.base.now + .seconds(1)
            scene.stage.base.send(copy.full(), over: scene.link)
            scene.stage.base.send(scene.agents[2].beat(), over: scene.link)
        }
        #expect(scene.stage.base.vitals(copy.uid)?.isInConflict == true)
        let id = try scene.stage.start("resync", for: scene.agents + [waiting], maxInFlight: 9, by: caller)
        let targets = try #require(scene.stage.operation(id)).targets
        #expect(targets.map(\.state) == [.queued, .skipped, .skipped, .skipped])
        let reasons = targets.compactMap(\.reason)
        try #require(reasons.count == 3)
        #expect(reasons[0].hasPrefix("the agent is blocked"))
        #expect(reasons[1].contains("is used by copy") && reasons[2].hasPrefix("the agent waits for approval"))
    }

    @Test func `a copy of a target never gets the command of an operation`() throws {
        var (scene, copy) = (Scene(1), Reporter(1))
        copy.host = "copy"
        let (own, foreign) = (exchange(), exchange())
        scene.stage.base.now = scene.stage.base.now + .seconds(1)
        scene.stage.send(copy.full(), over: foreign)
        let id = try scene.stage.start("resync", for: scene.agents, maxInFlight: 1, by: caller)
        #expect(scene.stage.counts(id) == [.queued: 1])
        scene.stage.base.now = scene.stage.base.now + .seconds(1)
        scene.stage.send(scene.agents[0].beat(), over: own)
        #expect(scene.stage.base.effects.deliveries.map { $0.link === own } == [true])
        scene.reported(0)
        #expect(scene.stage.operation(id)?.state == .done)
        let again = try scene.stage.start("resync", for: scene.agents, maxInFlight: 1, by: caller)
        scene.stage.send(copy.beat(), over: foreign)
        #expect(scene.stage.counts(again) == [.queued: 1])
        scene.stage.send(scene.agents[0].beat(), over: own)
        #expect(scene.stage.base.effects.deliveries.map { $0.link === own } == [true, true])
    }

    @Test func `after too many failures the rest is not sent`() throws {
        var scene = Scene(8)
        let id = try scene.stage.start("restart", for: scene.agents, maxInFlight: 2, stopAfter: 2, by: caller)
        for number in 0..<2 { scene.beat(number) }
        scene.stage.wait(60)
        let operation = try #require(scene.stage.operation(id))
        #expect(operation.state == .stopped && operation.counts[.unconfirmed] == 2)
        #expect(operation.shown.counts == ["unconfirmed": 2, "not_sent": 6])
        #expect(operation.reason?.hasPrefix("2 of its commands failed") == true)
        for number in 0..<8 { scene.beat(number) }
        #expect(scene.stage.base.effects.deliveries.count == 2)
        #expect(operation.exceptions(limit: 20).map(\.uid) == scene.agents.prefix(2).map(\.uid))
    }

    @Test func `when it is stopped what is queued is withdrawn, and what is sent goes on`() throws {
        var scene = Scene(6)
        let id = try scene.stage.start("restart", for: scene.agents, maxInFlight: 3, stopAfter: 1, by: caller)
        scene.beat(0)
        scene.stage.wait(30)
        scene.beat(1)
        scene.stage.wait(30)
        #expect(scene.stage.operation(id)?.state == .stopped)
        #expect(scene.stage.counts(id) == [.unconfirmed: 1, .sent: 1, .cancelled: 1, .waiting: 3])
        #expect(scene.stage.operation(id)?.isSettled == false)
        scene.restarted(1)
        #expect(scene.stage.operation(id)?.isSettled == true)
        scene.restarted(0)
        #expect(scene.stage.counts(id)[.confirmed] == 2, "late proof counts")
        #expect(scene.stage.operation(id)?.state == .stopped)
    }

    @Test func `a target that cannot take the command when its turn comes is skipped with the reason`() throws {
        var scene = Scene(3)
        let other = scene.stage.base.queue("restart", for: scene.agents[1].uid)
        let id = try scene.stage.start("restart", for: scene.agents, maxInFlight: 3, by: caller)
        let target = try #require(scene.stage.operation(id)).targets[1]
        #expect(
            target.state == .skipped && target.reason?.contains("a restart of this agent is queued already") == true)
        #expect(scene.stage.base.command(other)?.state == .queued)
        #expect(scene.stage.counts(id) == [.queued: 2, .skipped: 1])
    }

    @Test func `the end by a person withdraws what is queued and sends nothing more`() throws {
        var scene = Scene(5)
        let id = try scene.stage.start("resync", for: scene.agents, maxInFlight: 2, by: caller)
        scene.beat(0)
        scene.stage.base.state.end(
            id, .cancelled, "withdrawn by ann", at: scene.stage.base.now, &scene.stage.base.effects)
        #expect(scene.stage.counts(id) == [.sent: 1, .cancelled: 1, .waiting: 3])
        for number in 0..<5 { scene.beat(number) }
        #expect(scene.stage.base.effects.deliveries.count == 1)
        #expect(scene.stage.operation(id)?.shown.counts["not_sent"] == 3)
    }

    @Test func `an agent that comes back goes before those that stay away`() {
        var operation = OpenOperation()
        operation.maxInFlight = 9
        let uids = (1...3).map { InstanceUID(high: 1, low: $0) }
        operation.take(uids.map { .init(uid: $0) })
        var given = [operation.next { _ in false }]
        given.append(operation.next { $0 == uids[2] })
        given.append(operation.next { _ in false })
        given.append(operation.next { _ in true })
        #expect(given == [0, 2, 1, nil])
    }

    @Test func `a command that nothing can prove does not count as a failure`() {
        var operation = OpenOperation()
        operation.order.proof = .nothing
        operation.stopAfterFailures = 1
        operation.take([.init(uid: InstanceUID(high: 1, low: 1)), .init(uid: InstanceUID(high: 1, low: 2))])
        operation.note(.unconfirmed, of: 0)
        #expect(operation.failures == 0)
        operation.order.proof = .reply
        #expect(operation.failures == 1)
    }

    @Test func `an agent that is forgotten meanwhile does not hold its operation up`() throws {
        var scene = Scene(2)
        let id = try scene.stage.start("resync", for: scene.agents, maxInFlight: 1, by: caller)
        scene.beat(0)
        let position = try #require(scene.stage.base.state.position(of: scene.agents[0].uid))
        scene.stage.base.state.forget(
            position, keepsTokens: true, at: scene.stage.base.now, &scene.stage.base.effects)
        scene.stage.wait(1)
        #expect(scene.stage.counts(id) == [.unconfirmed: 1, .queued: 1])
    }

    @Test func `a provider that was killed in the middle goes on, and nobody gets it twice`() async throws {
        let directory = TemporaryDirectory()
        var scene = Scene(6)
        let id = try scene.stage.start("resync", for: scene.agents, maxInFlight: 2, by: caller)
        for number in 0..<2 { scene.beat(number) }
        scene.reported(0)
        let before = Set(scene.stage.base.effects.deliveries.map(\.commandID))
        do {
            let store = try Store(directory: directory.path)
            try await write(scene.stage.base.effects.changes, to: store)
            try store.close()
        }

        let store = try Store(directory: directory.path)
        let now = scene.stage.base.now
        let stored = try store.load(unconfirmedSince: now.wall - .seconds(3_600))
        let read = try #require(stored.operations.first)
        #expect(read.targets == scene.stage.operation(id)?.targets)
        #expect(read.counts == [.confirmed: 1, .sent: 1, .queued: 1, .waiting: 3])
        scene.stage = OperationStage()
        scene.stage.base.now = now
        scene.stage.base.state = FleetState(stored, now: now)
        scene.beat(5)
        #expect(scene.stage.counts(id)[.waiting] == 3, "agents get time to come back")
        scene.stage.wait(5)
        for _ in 0..<4 {
            for number in 0..<6 { scene.beat(number) }
            for number in 0..<6 { scene.reported(number) }
        }
        #expect(scene.stage.operation(id)?.state == .done)
        #expect(scene.stage.counts(id) == [.confirmed: 6])
        let after = scene.stage.base.effects.deliveries.map(\.commandID)
        #expect(after.count == 4 && Set(after).isDisjoint(with: before))
        try await write(scene.stage.base.effects.changes, to: store)
        #expect(try store.load(unconfirmedSince: now.wall).operations.isEmpty)
        let listed = try await store.operations(limit: 9, after: nil)
        #expect(listed.matched == 1 && listed.operations.first?.counts == [.confirmed: 6])
        #expect(try await store.commands(of: nil, state: nil, operation: id, limit: 1, after: nil).matched == 6)
        try store.close()
    }

    private func write(_ changes: [Change], to store: Store) async throws {
        try await withCheckedThrowingContinuation { continuation in
            store.write(changes) { continuation.resume(with: $0) }
        }
    }
}

/// A stage whose operations go on after each message, as the fleet's do.
struct OperationStage {
    var base = Stage()

    mutating func start(
        _ name: String, for agents: [Reporter], maxInFlight: Int, stopAfter: Int = 3, by caller: Caller,
        expires: Int? = nil
    ) throws -> String {
        var operation = OpenOperation()
        operation.id = "operation"
        operation.order = CommandOrder(try CommandKind.named(name), [:], caller: caller)
        operation.order.expiresSeconds = expires
        (operation.maxInFlight, operation.stopAfterFailures) = (maxInFlight, stopAfter)
        operation.startedAt = base.now.wall
        operation.take(agents.map { .init(uid: $0.uid) })
        base.state.start(operation, &base.effects)
        base.state.advanceOperations(at: base.now, &base.effects)
        return operation.id
    }

    mutating func send(_ message: AgentToServer, over link: Link) {
        base.send(message, over: link)
        base.state.advanceOperations(at: base.now, &base.effects)
    }

    mutating func wait(_ seconds: Int) { base.wait(seconds) }

    func operation(_ id: String) -> OpenOperation? { base.state.operations[id] }

    /// How many targets are in which state.
    func counts(_ id: String) -> [TargetState: Int] { operation(id)?.counts.filter { $0.value > 0 } ?? [:] }
}
