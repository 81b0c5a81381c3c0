import FleetAPI
import Foundation
import GRDB
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

/// History is bounded in time and number, a little at a time; nothing that is open or in use goes.
@Suite struct RetentionTests {
    private let directory = TemporaryDirectory()
    private let day = Duration.seconds(86_400)

    private func event(_ number: Int, at moment: Timestamp) -> Change {
        var event = FleetEvent()
        (event.at, event.kind, event.text) = (moment, "test", "\(number)")
        event.instanceUID = Reporter().uid.description
        return .event(event)
    }

    private func command(_ number: Int, _ state: CommandState, at moment: Timestamp) -> Change {
        var command = Command()
        (command.id, command.state, command.command) = ("c\(number)", state, "resync")
        (command.queuedAt, command.instanceUID) = (moment, Reporter().uid.description)
        return .command(OpenCommand(command))
    }

    /// Lets seconds pass, each with a step.
    private func wait(_ seconds: Int, _ store: Store, _ retention: Retention, from start: Moment) -> Moment {
        var now = start
        for _ in 0..<seconds {
            now = now + .seconds(1)
            store.sweep(retention, at: now)
        }
        store.flushNow()
        return now
    }

    private func count(_ table: String, _ store: Store) throws -> Int {
        try store.database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") ?? 0 }
    }

    @Test func `events past their days go, a thousand a second at most`() async throws {
        let store = try Store(directory: directory.path)
        let now = Stage.start
        // One every ten minutes, the last one just now: 31.2 days and more are too old of 69.4.
        store.write((0..<10_000).map { event($0, at: now.wall - .seconds(600 * (9_999 - $0))) })
        store.flushNow()
        var later = wait(4, store, Retention(), from: now)
        #expect(try count("events", store) >= 9_000)
        later = wait(20, store, Retention(), from: later)
        #expect(try count("events", store) == 30 * 144)
        #expect(try await store.events(of: Reporter().uid, limit: 1).map(\.text) == ["9999"])

        // The file stops growing: what is free is used again.
        let pages = { try store.database.read { try Int.fetchOne($0, sql: "PRAGMA page_count") ?? 0 } }
        let before = try pages()
        store.write((0..<5000).map { event($0, at: later.wall) })
        store.flushNow()
        #expect(try pages() <= before)
        try store.close()
    }

    @Test func `events past their number go, the oldest first`() async throws {
        let store = try Store(directory: directory.path)
        var retention = Retention()
        retention.eventLimit = 300
        store.write((0..<2_500).map { event($0, at: Stage.start.wall) })
        store.flushNow()
        _ = wait(12, store, retention, from: Stage.start)
        #expect(try count("events", store) == 300)
        let texts = try await store.events(of: Reporter().uid, limit: 300).compactMap(\.text)
        #expect(texts.first == "2499" && texts.last == "2200")
        try store.close()
    }

    @Test func `ended commands go with time and number, open ones stay`() async throws {
        let store = try Store(directory: directory.path)
        let old = Stage.start.wall - .seconds(91 * 86_400)
        store.write(
            (0..<100).map { command($0, CommandState.allCases[$0 % 7], at: old) }
                + (100..<200).map { command($0, CommandState.allCases[$0 % 7], at: Stage.start.wall) }
        )
        store.flushNow()
        let isOpen = { (number: Int) in !CommandState.allCases[number % 7].isFinal }
        var now = wait(10, store, Retention(), from: Stage.start)
        #expect(try count("commands", store) == 100 + (0..<100).count(where: isOpen))
        // Each further round begins after a rest.
        var retention = Retention()
        retention.commandLimit = 50
        now = wait(90, store, retention, from: now)
        let open = (0..<200).count(where: isOpen)
        #expect(try count("commands", store) == max(50, open))
        #expect(try store.load(unconfirmedSince: now.wall).commands.count == open)
        try store.close()
    }

    @Test func `keys are forgotten after a day, and the audit after its days`() async throws {
        let store = try Store(directory: directory.path, at: Stage.start)
        let caller = Caller(name: "me", address: "127.0.0.1")
        var effects = FleetState.Effects()
        for days in [400, 366, 364, 0] {
            let at = Moment(wall: Stage.start.wall - .seconds(days * 86_400), monotonic: 0)
            effects.audit(caller, "test", "\(days)", at: at)
        }
        for hours in [25, 23] {
            effects.changes.append(
                .idempotency(
                    caller: "me", key: "\(hours)", request: "r", command: "c",
                    at: Stage.start.wall - .seconds(hours * 3600)))
        }
        store.write(effects.changes)
        store.flushNow()
        _ = wait(12, store, Retention(), from: Stage.start)
        #expect(try await store.audit(limit: 9).map(\.entry.target) == ["0", "364"])
        let since = Stage.start.wall - .seconds(9 * 86_400)
        #expect(try await store.idempotent(caller: "me", key: "25", since: since) == nil)
        #expect(try await store.idempotent(caller: "me", key: "23", since: since)?.command == "c")
        try store.close()
    }

    @Test func `the body of a configuration is kept deflated once, as long as anything refers to it`() async throws {
        let store = try Store(directory: directory.path)
        var (stage, agent) = (Stage(), Reporter())
        let text = String(repeating: "[INPUT]\n    Name tail\n", count: 200)
        var hashes: [String] = []
        for version in ["one", "two"] {
            var report = agent.full()
            report.effectiveConfig.configMap.configMap["a.conf"] = .with { $0.body = Data((text + version).utf8) }
            stage.send(report, over: exchange())
            hashes.append(try #require(stage.facts(agent.uid)?.configHash))
        }
        stage.effects.changes.append(.config(hash: "aa", body: [1, 2, 3]))
        stage.effects.changes.append(.config(hash: "aa", body: [1, 2, 3]))
        store.write(stage.effects.changes)
        store.flushNow()
        #expect(try count("configs", store) == 3)
        #expect(try await store.config("aa") == [1, 2, 3])
        let body = try #require(try await store.config(hashes[1]))
        #expect(String(decoding: body, as: UTF8.self).contains(text + "two"))
        let stored = try await store.database.read { [hash = hashes[1]] in
            try Int.fetchOne($0, sql: "SELECT length(body) FROM configs WHERE hash = ?", arguments: [hash]) ?? 0
        }
        #expect(stored < body.count / 10)

        _ = wait(12, store, Retention(), from: Stage.start)
        #expect(try count("configs", store) == 1)
        #expect(try await store.config(hashes[0]) == nil)
        #expect(try await store.config(hashes[1]) == body)
        try store.close()
    }

    @Test func `a body that a revision refers to is kept`() async throws {
        let store = try Store(directory: directory.path)
        try await store.database.write {
            try $0.execute(sql: "CREATE TABLE IF NOT EXISTS revisions (hash TEXT NOT NULL)")
        }
        store.write([.config(hash: "aa", body: [1]), .config(hash: "bb", body: [2])])
        store.flushNow()
        try await store.database.write { database in
            let columns = try database.columns(in: "revisions").map(\.name)
            let values = columns.map { $0 == "hash" ? "'aa'" : $0 == "number" ? "1" : "'{}'" }
            try database.execute(
                sql: "INSERT INTO revisions (\(columns.joined(separator: ", "))) "
                    + "VALUES (\(values.joined(separator: ", ")))")
        }
        _ = wait(12, store, Retention(), from: Stage.start)
        #expect(try await store.config("aa") == [1])
        #expect(try await store.config("bb") == nil)
        try store.close()
    }

    @Test func `a search for what need not be kept uses indices`() throws {
        let store = try Store(directory: directory.path)
        try store.database.read { database in
            let plan = try Row.fetchAll(
                database,
                sql: """
                    EXPLAIN QUERY PLAN SELECT 1 FROM configs
                    WHERE EXISTS (SELECT 1 FROM agents WHERE \(Sweep.configOfAgent) = +configs.hash)
                    """
            ).map { $0["detail"] as String }
            #expect(plan.contains { $0.contains("agents_by_config") }, "\(plan)")
        }
        try store.close()
    }

    @Test func `what people do is noted with the act, in one transaction`() async throws {
        let log = LogRecorder()
        let fleet = try Fleet(dataDirectory: nil, version: "1", logger: log.logger)
        var agent = Reporter()
        let caller = Caller(name: "ann", address: "10.0.0.1:5")
        await withCheckedContinuation { done in
            fleet.receive(agent.full(), over: exchange()) { _ in done.resume() }
        }
        let queued = try await fleet.queue(
            CommandRequest(command: "restart"), for: "web-17", caller: caller, idempotencyKey: nil)
        _ = try await fleet.cancel(queued.id, caller: caller)
        var goodbye = agent.beat()
        goodbye.agentDisconnect = AgentDisconnect()
        await withCheckedContinuation { [goodbye] done in
            fleet.receive(goodbye, over: exchange()) { _ in done.resume() }
        }
        try await fleet.forget("web-17", caller: caller)
        let entries = try await fleet.store.audit(limit: 9).map(\.entry)
        #expect(entries.map(\.action) == ["forget", "cancel", "queue"])
        #expect(entries.map(\.target) == [agent.uid.description, queued.id, agent.uid.description])
        #expect(entries.allSatisfy { $0.by == "ann" && $0.from == "10.0.0.1:5" && $0.outcome == "done" })
        #expect(entries.last?.detail == "restart \(queued.id)")
        // An act that is not done leaves no entry.
        try await fleet.store.database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = 1") }
        var other = Reporter(2)
        await withCheckedContinuation { done in
            fleet.receive(other.full(), over: exchange()) { _ in done.resume() }
        }
        let refused = await #expect(throws: Problem.self) {
            _ = try await fleet.queue(
                CommandRequest(command: "restart"), for: "web-17", caller: caller, idempotencyKey: nil)
        }
        #expect(refused?.status == 507)
        try await fleet.store.database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = 0") }
        await fleet.store.settled()
        #expect(try await fleet.store.audit(limit: 9).count == 3)
    }

    // MARK: - Clocks

    @Test func `rows from the future come just before now, in their order, and wait as long as they were to`() throws {
        let now = Stage.start.wall
        var fleet = Store.StoredFleet()
        for (number, hours) in [1, -1, 3, 2].enumerated() {
            let seen = now + .seconds(hours * 3600)
            fleet.agents.append(
                Store.StoredAgent(
                    record: AgentRecord(uid: Reporter(UInt64(number)).uid, firstSeen: seen, facts: AgentFacts()),
                    lastSeen: seen, sequence: 1, transport: .http))
        }
        for (number, hours) in [-1, 1, 1, 2].enumerated() {
            var command = Command()
            (command.id, command.queuedAt) = ("c\(number)", now + .seconds(hours * 3600))
            command.instanceUID = Reporter().uid.description
            command.expiresAt = command.queuedAt + .seconds(300)
            if hours == 2 { (command.state, command.sentAt) = (.sent, command.queuedAt + .seconds(5)) }
            if hours == -1 { (command.state, command.sentAt) = (.sent, now + .seconds(9)) }
            fleet.commands.append(OpenCommand(command))
        }
        fleet.moveBefore(now)
        let seen = fleet.agents.map(\.lastSeen)
        #expect(seen[1] < seen[0] && seen[0] < seen[3] && seen[3] < seen[2] && seen[2] < now)
        #expect(seen[1] == now - .seconds(3600) && now - seen[0] < .seconds(1))
        #expect(fleet.agents.allSatisfy { $0.record.firstSeen <= $0.lastSeen })
        let commands = fleet.commands.map(\.command)
        #expect(zip(commands, commands.dropFirst()).allSatisfy { $0.queuedAt < $1.queuedAt })
        #expect(commands.allSatisfy { $0.queuedAt < now && ($0.sentAt ?? now) <= now })
        #expect(commands[0].queuedAt == now - .seconds(3600))
        #expect(commands.allSatisfy { $0.expiresAt - $0.queuedAt == .seconds(300) })
        var state = FleetState(fleet, now: Stage.start)
        var effects = FleetState.Effects()
        state.tick(at: Stage.start + .seconds(299), &effects)
        #expect(state.commands["c1"]?.command.state == .queued)
        state.tick(at: Stage.start + .seconds(301), &effects)
        #expect(state.commands["c1"]?.command.state == .expired)
    }
}
