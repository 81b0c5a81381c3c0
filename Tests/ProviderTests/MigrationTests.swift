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
