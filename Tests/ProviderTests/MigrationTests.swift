import Crypto
import FleetAPI
import Foundation
import GRDB
import OpAMP
import Testing

@testable import Provider

/// A database of any version before is opened with everything in it.
@Suite struct MigrationTests {
    /// What each step of the schema does, as SHA-256 of its SQL. A step that is here never changes; a new one is added.
    private static let steps = [
        "v1": "72a1a2a317ad7c5d",
        "v2 decisions": "9549dea93dbc1d37",
        "v3 configurations": "6717a2ff5eb9436d",
        "v4 operations": "e6778dbadca601eb",
        "v5 settings": "55c70fe2ac6ff542",
        "v6 audit, retention, deflated configurations": "fded3f1be6b769a7",
        "v10 access": "3d8899a0ffb2328a",
        "v12 events": "787a1fab0be41d13",
        "v13 enrolments": "aa20c3f5c47c6e9a",
    ]

    private static let folder = String(#filePath.dropLast("/MigrationTests.swift".count)) + "/Fixtures"

    /// A data directory with the database that a fixture describes.
    private func directory(with fixture: String) throws -> TemporaryDirectory {
        let directory = TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
        let database = try DatabaseQueue(path: directory.path + "/fleet.sqlite")
        let sql = try String(contentsOfFile: "\(Self.folder)/\(fixture).sql", encoding: .utf8)
        try database.write { try $0.execute(sql: sql) }
        try database.close()
        return directory
    }

    @Test(arguments: ["v1", "v2"])
    func `a database of an earlier schema is opened with everything in it`(fixture: String) async throws {
        let directory = try directory(with: fixture)
        let store = try Store(directory: directory.path)
        let fleet = try store.load(unconfirmedSince: Timestamp(seconds: 0))
        #expect(fleet.agents.map(\.record.facts.host?.text) == ["edge-iad-101", "db-01"])
        #expect(fleet.agents.allSatisfy { $0.record.facts.isDescribed && !$0.record.facts.health.isEmpty })
        #expect(fleet.agents.allSatisfy { $0.record.firstSeen < $0.lastSeen && $0.sequence > 1 })
        let renamed = try #require(fleet.agents.last).record.uid
        #expect(fleet.aliases.count == 1 && fleet.aliases.values.first == renamed)
        #expect(fleet.commands.map(\.command.command) == ["resync"] && fleet.commands[0].command.state == .queued)
        let commands = try await store.commands(of: renamed, state: nil, limit: 9, after: nil)
        #expect(commands.commands.map(\.command.command) == ["identify", "restart"])
        #expect(commands.commands.map(\.command.state) == [.confirmed, .confirmed])
        let events = try await store.events(of: renamed, limit: 9).map(\.kind)
        #expect(events == ["disconnected", "renamed", "restarted", "healthy", "unhealthy", "connected"], "\(events)")
        let key = try await store.idempotent(caller: "anonymous", key: "once", since: Timestamp(seconds: 0))
        #expect(key?.command == commands.commands.last?.command.id)
        for agent in fleet.agents {
            let body = try await store.config(try #require(agent.record.facts.configHash))
            #expect(body == [0x0a, 0x0a] + Array("plain body".utf8))
        }
        let labels = fleet.agents.map(\.record.decisions.labels)
        #expect(labels == (fixture == "v1" ? [[:], [:]] : [["env": "prod"], [:]]))
        try store.close()
        // And again, now that nothing is left to migrate.
        let again = try Store(directory: directory.path)
        #expect(try again.load(unconfirmedSince: Timestamp(seconds: 0)).agents.count == 2)
        try again.close()
    }

    @Test func `a database from before the audit keeps decisions, settings, revisions and operations`() async throws {
        let directory = try directory(with: "v5")
        let store = try Store(directory: directory.path)
        let fleet = try store.load(unconfirmedSince: Timestamp(seconds: 0))
        #expect(fleet.agents.map(\.record.facts.host?.text) == ["db-01", "edge-iad-101", "edge-iad-101", "db-01"])
        #expect(fleet.agents.map(\.record.decisions.admission) == [.pending, .approved, .blocked, .approved])
        #expect(fleet.settings.approvalRequired && fleet.settings.keepEventsDays == 60)
        let (edge, database) = (fleet.agents[1].record, fleet.agents[3].record)
        #expect(fleet.aliases.count == 1 && fleet.aliases.values.first == database.uid)
        #expect(edge.decisions.labels == ["env": "prod"] && edge.decisions.settings.taken == 2)
        let desired = try #require(edge.decisions.config.desired)
        #expect(desired.revision == 2 && desired.state == .applied)
        #expect(edge.decisions.config.fallback?.state == .failed)

        #expect(fleet.commands.map(\.command.command) == ["heartbeat", "restart", "config"])
        #expect(fleet.commands.map(\.command.state) == [.unconfirmed, .queued, .queued])
        let all = try await store.commands(of: nil, state: nil, limit: 99, after: nil)
        #expect(all.matched == 9)
        let running = try #require(fleet.operations.first)
        #expect(fleet.operations.count == 1 && running.targets.map(\.state) == [.queued, .waiting])
        #expect(running.targets.first?.commandID?.description == fleet.commands[1].command.id)
        let operations = try await store.operations(limit: 9, after: nil).operations
        #expect(operations.map(\.state) == [.running, .done] && operations[1].counts[.confirmed] == 2)

        let revisions = try await store.revisions(of: edge.uid, .config, before: nil, limit: 9)
        #expect(revisions.revisions.map(\.state) == [.applied, .failed])
        #expect(revisions.revisions[1].error?.contains("# sim: fail") == true)
        var contents: [String] = []
        for hash in [desired.hash.hex, try #require(database.decisions.config.desired).hash.hex] {
            contents.append(String(decoding: try #require(try await store.config(hash)), as: UTF8.self))
        }
        #expect(contents[0].contains("Name dummy") && contents[1].contains("flush: 1"))
        for agent in [edge, database] {
            let body = try #require(try await store.config(agent.facts.configHash ?? ""))
            #expect(String(decoding: body, as: UTF8.self).contains("fluent-bit"))
        }
        let key = try await store.idempotent(caller: "anonymous", key: "once", since: Timestamp(seconds: 0))
        #expect(key?.command == all.commands.last?.command.id)
        let events = try await store.events(of: edge.uid, limit: 99).map(\.kind)
        #expect(
            events == [
                "disconnected", "settings_offered", "config_applied", "config_changed", "config_offered",
                "config_failed", "config_offered", "labelled", "connected",
            ])
        #expect(try await store.audit(limit: 9).isEmpty)
        try store.close()
    }

    @Test func `a database with tokens lets in who has one, and keeps its audit as it is`() async throws {
        let directory = try directory(with: "v10")
        let stage = try AccessStage(dataDirectory: directory.path)
        #expect(stage.doorkeeper.isRequired)
        #expect(stage.doorkeeper.tokens().tokens.map(\.name) == ["ci", "ada"])
        #expect(await stage.ask("test").caller?.name == "ada")
        #expect(try await stage.fleet.store.audit(limit: 9).count == 4)
        #expect(throws: DatabaseError.self) {
            try stage.fleet.store.database.write { try $0.execute(sql: "DELETE FROM audit") }
        }
        try stage.fleet.store.close()
    }

    private static let fixtures = ["v1", "v2", "v5", "v6", "v10", "v12"]

    @Test func `there is a fixture of the state before the newest step`() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder).filter { $0.hasSuffix(".sql") }
        #expect(Set(files) == Set(Self.fixtures.map { $0 + ".sql" }), "each is among the fixtures of the tests")
        let last = try #require(Schema.migrator.migrations.dropLast().last)
        #expect(Self.fixtures.last.map { last == $0 || last.hasPrefix($0 + " ") } == true, "none of \(last)")
    }

    @Test(arguments: fixtures)
    func `no row of an earlier schema is lost or changed`(fixture: String) throws {
        let directory = try directory(with: fixture)
        /// The rows of every table, in the columns there were.
        func rows(
            _ columns: [String: [String]]?
        ) throws -> (columns: [String: [String]], rows: [String: [[DatabaseValue]]]) {
            let database = try DatabaseQueue(path: directory.path + "/fleet.sqlite")
            defer { try? database.close() }
            return try database.read { database in
                let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
                let tables = try columns?.keys.sorted() ?? String.fetchAll(database, sql: sql)
                var (found, names): ([String: [[DatabaseValue]]], [String: [String]]) = ([:], [:])
                for table in tables where table != "grdb_migrations" {
                    let of = try columns?[table] ?? database.columns(in: table).map(\.name)
                    names[table] = of
                    let key = try database.primaryKey(table).columns.joined(separator: ", ")
                    let sql = "SELECT \(of.map { "\"\($0)\"" }.joined(separator: ", ")) FROM \(table) ORDER BY \(key)"
                    found[table] = try Row.fetchAll(database, sql: sql).map { Array($0.databaseValues) }
                }
                return (names, found)
            }
        }
        let before = try rows(nil)
        try Store(directory: directory.path).close()
        let after = try rows(before.columns)
        #expect(before.rows.values.allSatisfy { !$0.isEmpty } && before.rows.count >= 6)
        for (table, rows) in before.rows { #expect(after.rows[table] == rows, "\(table)") }
    }

    @Test func `a step of the schema that has been released never changes`() throws {
        var found: [String: String] = [:]
        for step in Schema.migrator.migrations {
            let sql = try statements(of: step)
            found[step] = hex(SHA256.hash(data: Data(sql.joined(separator: "\n").utf8)).prefix(8))
        }
        let new = found.filter { Self.steps[$0.key] == nil }
        #expect(new.isEmpty, "add these to the steps, and a fixture of the state before: \(new)")
        for (step, hash) in Self.steps { #expect(found[step] == hash, "step \"\(step)\" is now \(found[step] ?? "")") }
    }

    /// What a step runs, after those before it.
    private func statements(of step: String) throws -> [String] {
        let migrator = Schema.migrator
        let database = try DatabaseQueue()
        if let place = migrator.migrations.firstIndex(of: step), place > 0 {
            try migrator.migrate(database, upTo: migrator.migrations[place - 1])
        }
        let recorder = StatementRecorder()
        database.inDatabase { $0.trace { recorder.take("\($0)") } }
        try migrator.migrate(database, upTo: step)
        return recorder.statements
    }
}

/// The statements that a database ran, without those of the migrator itself.
private final class StatementRecorder {
    private(set) var statements: [String] = []

    func take(_ statement: String) {
        let isOurs = ["CREATE", "ALTER", "INSERT", "UPDATE", "DELETE", "DROP"].contains { statement.hasPrefix($0) }
        if isOurs, !statement.contains("grdb_migrations"), !statement.contains("sqlite_master") {
            statements.append(statement)
        }
    }
}
