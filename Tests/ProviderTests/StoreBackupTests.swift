import FleetAPI
import Foundation
import GRDB
import OpAMP
import Testing

@testable import Provider

@Suite struct StoreBackupTests {
    private let directory = TemporaryDirectory()
    private let other = TemporaryDirectory()
    private var file: String { other.path + "/fleet.backup" }

    init() throws {
        try FileManager.default.createDirectory(atPath: other.path, withIntermediateDirectories: true)
    }

    /// Puts that many agents, with a command each, into a store.
    private func put(_ count: Int, into store: Store) {
        var stage = Stage()
        for number in 0..<count {
            var agent = Reporter(UInt64(number) + 1)
            stage.send(agent.full(), over: exchange())
            _ = stage.queue("resync", for: agent.uid)
        }
        store.write(stage.effects.changes)
        store.flushNow()
    }

    private func agents(in path: String) throws -> Int {
        let store = try Store(directory: path)
        defer { try? store.close() }
        return try store.load(unconfirmedSince: Stage.start.wall).agents.count
    }

    @Test func `a backup of a store in use holds what was acknowledged, for its owner alone, and comes back`() throws {
        let store = try Store(directory: directory.path)
        put(7, into: store)
        let copy = try StoreBackup.make(of: directory.path, to: file)
        #expect(copy.agents == 7 && copy.commands == 7)
        #expect(DurableFile.size(of: file) == Int64(copy.bytes))
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: other.path) == ["fleet.backup"])

        // What came later is gone after a restore, and there again when that is undone.
        put(9, into: store)
        let inUse = #expect(throws: StoreError.self) { try StoreBackup.restore(file, into: directory.path) }
        #expect(inUse?.kind == .inUse)
        try store.close()
        let restored = try StoreBackup.restore(file, into: directory.path)
        #expect(restored.agents == 7 && restored.commands == 7)
        #expect(try agents(in: directory.path) == 7)
        let before = try #require(restored.before)
        #expect(before.contains("/fleet.sqlite.before-restore-2"))
        #expect(restored.undo == "opamp-provider restore --data-dir \(directory.path) --from \(before)")
        #expect(try StoreBackup.restore(before, into: directory.path).agents == 9)
        #expect(try agents(in: directory.path) == 9)
        #expect(DurableFile.size(of: file) == Int64(copy.bytes))
    }

    @Test func `a restore keeps what a killed provider had only in its log`() throws {
        let store = try Store(directory: directory.path)
        put(3, into: store)
        _ = try StoreBackup.make(of: directory.path, to: file)
        put(5, into: store)
        let killed = TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: killed.path, withIntermediateDirectories: true)
        for end in ["", "-wal"] {
            try DurableFile.copy(directory.path + "/fleet.sqlite\(end)", to: killed.path + "/fleet.sqlite\(end)")
        }
        try store.close()
        let restored = try StoreBackup.restore(file, into: killed.path)
        #expect(try agents(in: killed.path) == 3)
        #expect(try StoreBackup.restore(try #require(restored.before), into: killed.path).agents == 5)
        #expect(try agents(in: killed.path) == 5)
    }

    @Test func `a backup never overwrites a file, and needs a database`() throws {
        try Data("mine".utf8).write(to: URL(fileURLWithPath: file))
        let none = #expect(throws: StoreError.self) { try StoreBackup.make(of: directory.path, to: other.path + "/b") }
        #expect(none?.description.contains("no database in \(directory.path)") == true)
        try Store(directory: directory.path).close()
        let error = #expect(throws: StoreError.self) { try StoreBackup.make(of: directory.path, to: file) }
        #expect(error?.description.contains("\(file) exists already") == true)
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == Data("mine".utf8))
    }

    @Test(arguments: ["rubbish", "cut", "newer", "other", "missing"])
    func `a backup that is not sound is refused and nothing changes`(kind: String) throws {
        let store = try Store(directory: directory.path)
        put(50, into: store)
        try store.close()
        _ = try StoreBackup.make(of: directory.path, to: file)
        switch kind {
        case "rubbish": try Data(repeating: 7, count: 9000).write(to: URL(fileURLWithPath: file))
        case "cut": #expect(truncate(file, 8192) == 0)
        case "newer":
            let database = try DatabaseQueue(path: file)
            try database.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('v99')") }
            try database.close()
        case "other":
            DurableFile.remove(file)
            let database = try DatabaseQueue(path: file)
            try database.write { try $0.execute(sql: "CREATE TABLE songs (title TEXT)") }
            try database.close()
        default: DurableFile.remove(file)
        }
        let error = #expect(throws: StoreError.self) { try StoreBackup.restore(file, into: directory.path) }
        #expect(error?.kind == (kind == "newer" ? .newer : kind == "missing" ? .directory : .damaged))
        #expect(error?.description.contains(file) == true)
        #expect(try agents(in: directory.path) == 50)
        let left = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(
            Set(left).subtracting(["fleet.sqlite-wal", "fleet.sqlite-shm"]) == ["lock", "fleet.sqlite", "clean-stop"])
    }

    @Test func `a damaged database is kept when a backup takes its place`() throws {
        let store = try Store(directory: directory.path)
        put(4, into: store)
        try store.close()
        _ = try StoreBackup.make(of: directory.path, to: file)
        let rubbish = Data(repeating: 7, count: 9000)
        try rubbish.write(to: URL(fileURLWithPath: directory.path + "/fleet.sqlite"))
        let restored = try StoreBackup.restore(file, into: directory.path)
        #expect(try Data(contentsOf: URL(fileURLWithPath: try #require(restored.before))) == rubbish)
        #expect(try agents(in: directory.path) == 4)
    }

    @Test func `a restore into nothing makes the directory`() throws {
        let store = try Store(directory: directory.path)
        put(2, into: store)
        try store.close()
        _ = try StoreBackup.make(of: directory.path, to: file)
        let fresh = TemporaryDirectory()
        let restored = try StoreBackup.restore(file, into: fresh.path)
        #expect(restored.before == nil && restored.undo == nil)
        #expect(try agents(in: fresh.path) == 2)
    }

    @Test func `an interrupted restore is told, never served over`() throws {
        try Store(directory: directory.path).close()
        try Data("x".utf8).write(to: URL(fileURLWithPath: directory.path + "/fleet.sqlite.restoring"))
        let error = #expect(throws: StoreError.self) { try Store(directory: directory.path) }
        #expect(error?.description.contains("interrupted") == true && error?.kind.exitCode == 1)
    }
}
