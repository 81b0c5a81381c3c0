import FleetAPI
import Foundation
import GRDB
import JSON
import Logging
import OpAMP
import Synchronization
import Testing

@testable import Provider

/// What cannot be written is reported to who waits for it, and kept where nobody does.
@Suite(.timeLimit(.minutes(5))) struct StoreFailureTests {
    private let log = LogRecorder()
    private let caller = Caller(name: "test", address: "127.0.0.1")

    private func event(_ kind: String, _ text: String = "") -> Change {
        var event = FleetEvent()
        (event.at, event.kind, event.text) = (Stage.start.wall, kind, text)
        event.instanceUID = Reporter().uid.description
        return .event(event)
    }

    private func write(
        _ changes: [Change], to store: Store, keeping: @escaping @Sendable (Change) -> Bool = { _ in false }
    ) async throws {
        try await withCheckedThrowingContinuation { continuation in
            store.write(changes, keeping: keeping) { continuation.resume(with: $0) }
        }
    }

    /// Fills what is left in the pages there are.
    private func fill(_ store: Store) async throws {
        try store.limitPages(to: 1)
        let text = String(repeating: "x", count: 3000)
        while (try? await write([event("filler", text)], to: store)) != nil {}
        #expect(store.trouble?.kind == .full)
    }

    @Test func `a full database refuses what is waited for, keeps reports, and goes on by itself when there is room`()
        async throws
    {
        let directory = TemporaryDirectory()
        let store = try Store(directory: directory.path, logger: log.logger)
        try await fill(store)
        let big = String(repeating: "y", count: 9000)
        store.write([event("first", big), event("second", big)])
        let refused = await #expect(throws: StoreError.self) { try await write([event("act", big)], to: store) }
        #expect(refused?.kind == .full)
        _ = await #expect(throws: StoreError.self) {
            try await write([event("kept", big), event("act", big)], to: store) { change in
                if case .event(let event) = change { event.kind == "kept" } else { false }
            }
        }
        try store.limitPages(to: nil)
        try await write([event("last")], to: store)
        #expect(store.trouble == nil)
        let kinds = try await store.events(of: Reporter().uid, limit: 4).map(\.kind)
        #expect(kinds == ["last", "kept", "second", "first"])
        #expect(log.messages.filter { $0 != "fleet loaded" } == ["database full", "writing again"])
        try store.close()
    }

    @Test func `reports that were kept are written without anybody asking`() async throws {
        let directory = TemporaryDirectory()
        let store = try Store(directory: directory.path, logger: log.logger)
        try await fill(store)
        store.write([event("kept", String(repeating: "y", count: 9000))])
        let refused = await #expect(throws: StoreError.self) {
            try await write([event("act", String(repeating: "y", count: 9000))], to: store)
        }
        #expect(refused != nil)
        try store.limitPages(to: nil)
        await log.wait(for: "writing again")
        #expect(try await store.events(of: Reporter().uid, limit: 1).map(\.kind) == ["kept"])
        try store.close()
    }

    @Test func `a database that became read-only is treated like a full one`() async throws {
        let directory = TemporaryDirectory()
        let store = try Store(directory: directory.path, logger: log.logger)
        try await store.database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = 1") }
        store.write([event("kept")])
        let refused = await #expect(throws: StoreError.self) { try await write([event("act")], to: store) }
        #expect(refused?.kind == .unwritable && log.messages == ["database cannot be written"])
        try await store.database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = 0") }
        try await write([event("next")], to: store)
        #expect(try await store.events(of: Reporter().uid, limit: 9).map(\.kind) == ["next", "kept"])
        try store.close()
    }

    @Test func `one change that cannot be written fails alone`() async throws {
        let store = try Store(directory: nil, logger: log.logger)
        try await store.database.write {
            try $0.execute(
                sql: """
                    CREATE TRIGGER bad BEFORE INSERT ON events WHEN new.kind = 'bad'
                    BEGIN SELECT RAISE(ABORT, 'a bad event'); END
                    """)
        }
        // Together in one batch: what is durable comes last and takes the others with it.
        store.write([event("before"), event("bad"), event("after")])
        let (good, bad) = (event("good"), event("bad"))
        async let refused: StoreError? = {
            do { try await write([bad, good], to: store) } catch { return error as? StoreError }
            return nil
        }()
        #expect(await refused?.kind == .change)
        try await write([good], to: store)
        let kinds = try await store.events(of: Reporter().uid, limit: 9).map(\.kind)
        #expect(kinds == ["good", "after", "before"])
        #expect(store.trouble == nil)
    }

    @Test func `closing says that changes are lost`() async throws {
        let directory = TemporaryDirectory()
        let store = try Store(directory: directory.path, logger: log.logger)
        try await fill(store)
        store.write([event("kept", String(repeating: "y", count: 9000))])
        let error = #expect(throws: StoreError.self) { try store.close() }
        #expect(error?.description.hasPrefix("1 changes could not be written") == true)
    }

    // MARK: - What is kept

    @Test func `of what is kept the newest state of each agent and command stays, and the oldest events go`() {
        var (stage, agent) = (Stage(), Reporter())
        stage.send(agent.full(), over: webSocket())
        let id = stage.queue("restart", for: agent.uid)
        stage.send(agent.full(healthy: false), over: webSocket())
        var backlog = Backlog()
        backlog.keep(stage.effects.changes)
        backlog.keep((3...4).map { .seen([(agent.uid, stage.now.wall, UInt64($0))]) })
        let agents = backlog.changes.compactMap { if case .agent(let record, _) = $0 { record } else { nil } }
        #expect(agents.map(\.facts) == [stage.facts(agent.uid)])
        let commands = backlog.changes.compactMap { if case .command(let open) = $0 { open.command } else { nil } }
        #expect(commands.map(\.id) == [id] && commands.map(\.state) == [.sent])
        let seen = backlog.changes.compactMap { if case .seen(let seen) = $0 { seen.map(\.sequence) } else { nil } }
        #expect(seen == [[UInt64(4)]])
        #expect(backlog.dropped == 0)

        backlog.keep((0..<Backlog.limit).map { event("filler", "\($0)") })
        #expect(backlog.changes.count == Backlog.limit)
        #expect(backlog.changes.contains { if case .agent = $0 { true } else { false } })
        let texts = backlog.changes.compactMap { if case .event(let event) = $0 { event.text } else { nil } }
        #expect(texts.last == "\(Backlog.limit - 1)" && backlog.dropped > 0)
    }

    @Test func `what an agent said before it was renamed is kept beside what came after`() {
        let (old, new) = (Reporter(1), Reporter(2))
        let vitals = Vitals(lastSeen: Stage.start, sequence: 1, status: .connected, transport: .http)
        let record = { (agent: Reporter) in
            Change.agent(
                AgentRecord(uid: agent.uid, firstSeen: Stage.start.wall, facts: AgentFacts()), vitals)
        }
        var backlog = Backlog()
        backlog.keep([record(old), .rename(from: old.uid, to: new.uid), record(new), record(old)])
        #expect(backlog.changes.count == 4)
        backlog.keep([record(new)])
        #expect(backlog.changes.count == 4)
    }

    // MARK: - The fleet

    @Test func `with a full disk commands are refused with 507 and agents are still answered`() async throws {
        let directory = TemporaryDirectory()
        let fleet = try Fleet(dataDirectory: directory.path, version: "1", logger: log.logger)
        var (agent, talker, gone) = (Reporter(1), Reporter(2), Reporter(3))
        (talker.host, gone.host) = ("web-18", "web-19")
        await answer(fleet, agent.full())
        await answer(fleet, gone.full())
        var goodbye = gone.beat()
        goodbye.agentDisconnect = AgentDisconnect()
        await answer(fleet, goodbye)
        let waiting = try await fleet.queue(
            CommandRequest(command: "restart"), for: "web-17", caller: caller, idempotencyKey: nil)
        let other = try await fleet.queue(
            CommandRequest(command: "resync"), for: "web-19", caller: caller, idempotencyKey: nil)
        try fleet.store.limitPages(to: 1)
        let request = CommandRequest(
            command: "chatops", parameters: ["tag": .string(String(repeating: "x", count: 3000))])
        var refused: Problem?
        while refused == nil {
            do {
                _ = try await fleet.queue(request, for: "web-17", caller: caller, idempotencyKey: nil)
            } catch { refused = error }
        }
        #expect(refused?.status == 507 && refused?.detail.contains("full") == true, "\(refused?.detail ?? "")")
        let queued = try await fleet.commands(agent: "web-17", state: .queued, limit: 1, cursor: nil).matched

        // A report that needs room is answered, and a heartbeat without the command that waits.
        var report = talker.full()
        report.customCapabilities.capabilities = [String(repeating: "c", count: 9000)]
        #expect(await answer(fleet, report).instanceUid == talker.uid.data)
        let beat = await answer(fleet, agent.beat())
        #expect(beat.instanceUid == agent.uid.data && !beat.hasCommand && !beat.hasCustomMessage)
        #expect(try await fleet.command(waiting.id, wait: .zero).state == .queued)
        let kept = await #expect(throws: Problem.self) { try await fleet.forget("web-19", caller: caller) }
        #expect(kept?.status == 507)
        #expect(try await fleet.detail("web-19", include: []).agent.status == .disconnected)
        let uncancelled = await #expect(throws: Problem.self) { try await fleet.cancel(other.id, caller: caller) }
        #expect(uncancelled?.status == 507)
        #expect(try await fleet.command(other.id, wait: .zero).state == .queued)

        try fleet.store.limitPages(to: nil)
        await log.wait(for: "writing again")
        #expect(try await fleet.commands(agent: "web-17", state: .queued, limit: 1, cursor: nil).matched == queued)
        #expect(await answer(fleet, agent.beat()).hasCommand)
        try fleet.store.close()
        let stored = try Store(directory: directory.path).load(unconfirmedSince: Stage.start.wall)
        #expect(stored.agents.map(\.record.uid) == [agent.uid, talker.uid, gone.uid])
        #expect(stored.agents[1].record.facts.customCapabilities.first?.utf8.count == 9000)
        #expect(log.messages == ["fleet loaded", "database full", "writing again"])
    }

    @discardableResult
    private func answer(_ fleet: Fleet, _ message: AgentToServer) async -> ServerToAgent {
        await withCheckedContinuation { continuation in
            fleet.receive(message, over: exchange()) { continuation.resume(returning: $0.message) }
        }
    }
}

/// What was logged, with the text of each entry.
final class LogRecorder: LogHandler, Sendable {
    private let entries = Mutex<[String]>([])
    private let stream = AsyncStream<String>.makeStream()

    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    subscript(metadataKey _: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    var logger: Logger { Logger(label: "test") { _ in self } }
    var messages: [String] { entries.withLock { $0 } }

    /// Returns once such an entry has come; each entry is waited for once.
    func wait(for message: String) async {
        for await entry in stream.stream where entry == message { return }
    }

    func log(event: LogEvent) {
        entries.withLock { $0.append(event.message.description) }
        stream.continuation.yield(event.message.description)
    }
}
