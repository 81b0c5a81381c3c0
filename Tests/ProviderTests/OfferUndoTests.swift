import FleetAPI
import GRDB
import JSON
import Logging
import OpAMP
import Synchronization
import Testing

@testable import Provider

extension Fleet {
    /// Takes a message of an agent over plain HTTP; gives the answer.
    @discardableResult
    func answer(_ message: AgentToServer) async -> ServerToAgent {
        await withCheckedContinuation { continuation in
            receive(message, over: exchange()) { continuation.resume(returning: $0.message) }
        }
    }

    /// Makes the database refuse writes, or take them again, once what was decided so far is written.
    func setReadOnly(_ isReadOnly: Bool) async throws {
        await store.settled()
        try await store.database.writeWithoutTransaction {
            try $0.execute(sql: "PRAGMA query_only = \(isReadOnly ? 1 : 0)")
        }
    }

    /// Makes a configuration of one file with this text the desired one.
    func offer(
        _ text: String, to reference: String = "web-17", caller: Caller, idempotencyKey: String? = nil
    ) async throws -> Command {
        var request = ConfigRequest()
        var file = ConfigFile()
        file.content = text
        request.files = ConfigFiles([(name: "fluent-bit.yaml", file: file)])
        return try await offerConfig(request, to: reference, ifMatch: nil, caller: caller)
    }
}

/// Acts that could not be written were not done, whatever they would have taken with them.
@Suite(.timeLimit(.minutes(5))) struct OfferUndoTests {
    enum Act: CaseIterable {
        case offer, rollBack, withdraw, cancel, block, forget
    }

    /// What acts on offers may change.
    private struct Trace: Equatable, CustomTestStringConvertible {
        let decisions: [Decisions]
        let commands: [String: OpenCommand]
        let order: [InstanceUID: [String]]
        let handovers: [OfferKey: Handover]
        let keptLabels: [InstanceUID]
        let uids: [InstanceUID: InstanceUID]
        let operations: [String: String]

        var testDescription: String {
            let states = commands.values.map { "\($0.command.command) \($0.command.state)" }.sorted()
            let desired = decisions.map { "\($0.json)" }
            return "\(desired) \(states) \(order) \(handovers.count) \(keptLabels) \(uids) \(operations)"
        }

        init(_ fleet: Fleet) {
            self = fleet.state.withLock { Trace($0) }
        }

        private init(_ state: FleetState) {
            decisions = state.records.map(\.decisions)
            (commands, order, handovers) = (state.commands, state.commandsByAgent, state.handovers)
            (keptLabels, uids) = (state.keptLabels.keys.sorted(), state.offeredTo)
            operations = state.operations.mapValues {
                "\($0.json.text) \($0.targets) \($0.inFlight)"
            }
        }
    }

    private let caller = Caller(name: "ann", address: "10.0.0.1:5")

    /// On disk: there a look-up does not end that nothing can be written.
    private let directory = TemporaryDirectory()

    private func fleet() throws -> Fleet {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return try Fleet(dataDirectory: directory.path, version: "1", logger: logger)
    }

    /// An agent that runs on one configuration while another one waits for it.
    private func agent(on fleet: Fleet) async throws -> (agent: Reporter, running: Command, waiting: Command) {
        var agent = Reporter.configurable()
        await fleet.answer(agent.full())
        var labels = LabelsRequest()
        labels.labels = ["env": "prod"]
        _ = try await fleet.label("web-17", labels, caller: caller)
        let first = try await fleet.offer("one", caller: caller)
        let hash = ContentHash(await fleet.answer(agent.beat()).remoteConfig.configHash)
        await fleet.answer(agent.status(.applied, of: hash))
        let second = try await fleet.offer("two", caller: caller)
        var goodbye = agent.beat()
        goodbye.agentDisconnect = AgentDisconnect()
        await fleet.answer(goodbye)
        return (agent, first, second)
    }

    private func carryOut(_ act: Act, on fleet: Fleet, _ waiting: Command) async throws {
        switch act {
        case .offer: _ = try await fleet.offer("three", caller: caller)
        case .rollBack:
            var request = RollbackRequest()
            request.revision = 1
            _ = try await fleet.rollBack(request, of: "web-17", ifMatch: nil, caller: caller)
        case .withdraw:
            let uid = try fleet.view("web-17").record.uid
            try await fleet.withdraw(.config, from: uid, ifMatch: nil, caller: caller)
        case .cancel: _ = try await fleet.cancel(waiting.id, caller: caller)
        case .block:
            _ = try await fleet.decide(AdmissionRequest([.init("web-17", .block)]), caller: caller)
        case .forget: try await fleet.forget("web-17", caller: caller)
        }
    }

    @Test(arguments: Act.allCases)
    func `an act that cannot be written leaves offers and commands as they were, and what waits goes out`(
        act: Act
    ) async throws {
        let fleet = try fleet()
        var (agent, running, waiting) = try await agent(on: fleet)
        let before = Trace(fleet)
        try await fleet.setReadOnly(true)
        let refused = await #expect(throws: Problem.self) { try await carryOut(act, on: fleet, waiting) }
        #expect(refused?.status == 507)
        #expect(Trace(fleet) == before)
        try await fleet.setReadOnly(false)
        #expect(Trace(fleet) == before)

        // Nothing of it is written later either.
        await fleet.store.settled()
        let stored = try fleet.store.load(unconfirmedSince: Timestamp(seconds: 0))
        #expect(stored.agents.map(\.record.decisions) == before.decisions)
        #expect(stored.commands.map(\.command.id) == [waiting.id])
        let revisions = try await fleet.revisions("web-17", limit: 9, cursor: nil).revisions
        #expect(revisions.map(\.state) == [.queued, .applied])
        #expect(revisions.map(\.commandID) == [waiting.id, running.id])
        let kinds = Set(try await fleet.store.events(of: agent.uid, limit: 99).map(\.kind))
        #expect(kinds.isDisjoint(with: ["config_withdrawn", "blocked", "forgotten"]))

        let offer = await fleet.answer(agent.full()).remoteConfig
        #expect(offer.config.configMap["fluent-bit.yaml"]?.body == .init("two".utf8))
        await fleet.answer(agent.status(.applied, of: ContentHash(offer.configHash)))
        #expect(try await fleet.command(waiting.id, wait: .zero).state == .confirmed)
    }

    @Test func `offers that cannot be written, one upon the other, leave what was desired before`() async throws {
        let fleet = try fleet()
        let (_, _, waiting) = try await agent(on: fleet)
        let before = Trace(fleet)
        try await fleet.setReadOnly(true)
        try await withThrowingTaskGroup(of: Int?.self) { group in
            for text in ["three", "four", "five"] {
                group.addTask { [caller] in
                    do { _ = try await fleet.offer(text, caller: caller) } catch let problem as Problem {
                        return problem.status
                    }
                    return nil
                }
            }
            for try await status in group { #expect(status == 507) }
        }
        #expect(Trace(fleet) == before)
        #expect(Trace(fleet).decisions.map(\.config.desired?.commandID) == [waiting.id])
        try await fleet.setReadOnly(false)
    }

    @Test(arguments: [true, false])
    func `an operation goes on when its end, or the blocking of an agent, cannot be written`(isEnd: Bool) async throws {
        let fleet = try fleet()
        var agents = [Reporter(1), Reporter(2)]
        for index in agents.indices {
            agents[index].host = "web-\(index)"
            await fleet.answer(agents[index].full())
        }
        var request = OperationRequest()
        (request.command, request.filter, request.maxInFlight) = ("restart", "host:web-*", 1)
        request.digest = try await fleet.plan(request, caller: caller).digest
        let started = try await fleet.start(request, caller: caller, idempotencyKey: nil)
        let before = Trace(fleet)
        try await fleet.setReadOnly(true)
        let refused = await #expect(throws: Problem.self) {
            if isEnd {
                _ = try await fleet.cancelOperation(started.id, caller: caller)
            } else {
                _ = try await fleet.decide(AdmissionRequest([.init("web-0", .block)]), caller: caller)
            }
        }
        #expect(refused?.status == 507)
        #expect(Trace(fleet) == before)
        try await fleet.setReadOnly(false)
        #expect(await fleet.answer(agents[0].beat()).hasCommand)
        #expect(try await fleet.operation(started.id, wait: .zero).state == .running)
    }
}
