import FleetAPI
import Foundation
import GRDB
import OpAMP
import TestSupport
import Testing

@testable import Provider

/// A database that is not as a provider left it is refused with the way out, or goes on without loss.
@Suite struct StoreDamageTests {
    /// A stored fleet that is large enough to have pages in the middle.
    private func stored(_ count: Int = 200) throws -> TemporaryDirectory {
        let directory = TemporaryDirectory()
        let store = try Store(directory: directory.path)
        var stage = Stage()
        for number in 0..<count {
            var agent = Reporter(UInt64(number) + 1)
            stage.send(agent.full(), over: exchange())
            _ = stage.queue("restart", for: agent.uid)
        }
        store.write(stage.effects.changes)
        try store.close()
        return directory
    }

    private func overwrite(_ path: String, at offset: UInt64, _ bytes: [UInt8]) throws {
        let file = try #require(FileHandle(forUpdatingAtPath: path))
        try file.seek(toOffset: offset)
        try file.write(contentsOf: Data(bytes))
        try file.close()
    }

    /// Opens and loads, which must fail.
    private func refusal(of directory: TemporaryDirectory) -> StoreError? {
        #expect(throws: StoreError.self) {
            _ = try Store(directory: directory.path).load(unconfirmedSince: Stage.start.wall)
        }
    }

    private func expectDamage(_ directory: TemporaryDirectory, naming finding: String? = nil) throws {
        let error = try #require(refusal(of: directory))
        let path = directory.path + "/fleet.sqlite"
        #expect(error.kind == .damaged && error.kind.exitCode == 65)
        #expect(error.description.contains(path), "\(error)")
        #expect(error.description.contains("opamp-provider restore --data-dir \(directory.path) --from FILE"))
        if let finding { #expect(error.description.contains(finding), "\(error)") }
    }

    @Test(arguments: 0..<10) func `random bytes in the header are damage`(_: Int) throws {
        var random = SeededRandom()
        let directory = try stored(5)
        let bytes = (0..<100).map { _ in UInt8.random(in: 0...255, using: &random) }
        try overwrite(directory.path + "/fleet.sqlite", at: 0, bytes)
        try expectDamage(directory)
    }

    @Test func `a page of rubbish in the middle is found, though the provider was stopped in order`() throws {
        let directory = try stored()
        let path = directory.path + "/fleet.sqlite"
        let size = try #require(DurableFile.size(of: path))
        try overwrite(path, at: UInt64(size / 2 / 4096 * 4096), Array(repeating: 0xa5, count: 4096))
        try expectDamage(directory)
    }

    @Test func `a file that was cut is damage`() throws {
        let directory = try stored()
        let path = directory.path + "/fleet.sqlite"
        let size = try #require(DurableFile.size(of: path))
        #expect(truncate(path, Int(size / 2)) == 0)
        try expectDamage(directory)
    }

    @Test func `an empty file is damage, never a fresh start`() throws {
        let directory = try stored(1)
        #expect(truncate(directory.path + "/fleet.sqlite", 0) == 0)
        try expectDamage(directory, naming: "empty")
    }

    @Test func `a log without its database is damage`() throws {
        let directory = TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: directory.path + "/fleet.sqlite-wal"))
        try expectDamage(directory, naming: "missing")
    }

    @Test func `a database of another program is refused`() throws {
        let directory = TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
        let other = try DatabaseQueue(path: directory.path + "/fleet.sqlite")
        try other.write { try $0.execute(sql: "CREATE TABLE songs (title TEXT)") }
        try other.close()
        try expectDamage(directory, naming: "not a database of opamp-provider")
    }

    @Test func `a database of a newer version is refused and says so`() throws {
        let directory = try stored(1)
        try change(directory, "INSERT INTO grdb_migrations VALUES ('v99 teleport')")
        let error = try #require(refusal(of: directory))
        #expect(error.kind == .newer && error.kind.exitCode == 65)
        #expect(error.description.contains("newer version") && error.description.contains("v99 teleport"))
        #expect(error.description.contains(directory.path))
    }

    @Test(arguments: [
        ("UPDATE agents SET facts = '[1]' WHERE uid LIKE '%01'", "table agents, row uid 019f"),
        ("UPDATE agents SET sequence = 'x'", "table agents, row uid 019f"),
        ("UPDATE agents SET uid = 'nobody'", "table agents, row uid nobody"),
        ("UPDATE agents SET last_seen = 'noon'", "column last_seen"),
        ("UPDATE commands SET body = '{'", "table commands, row id restart-"),
        ("INSERT INTO decisions SELECT uid, 'x', 0 FROM agents", "table agents, row uid 019f"),
        ("INSERT INTO aliases VALUES ('x', 'y')", "table aliases, row old x"),
    ])
    func `a row that cannot be read is named`(sql: String, finding: String) throws {
        let directory = try stored(1)
        try change(directory, sql)
        try expectDamage(directory, naming: finding)
    }

    @Test func `a log that was cut loses its end alone`() throws {
        let directory = TemporaryDirectory()
        let crashed = TemporaryDirectory()
        let store = try Store(directory: directory.path)
        var stage = Stage()
        var sizes: [Int64] = []
        for number in 1...3 {
            var agent = Reporter(UInt64(number))
            stage.effects = FleetState.Effects()
            stage.send(agent.full(), over: exchange())
            store.write(stage.effects.changes)
            store.flushNow()
            sizes.append(try #require(DurableFile.size(of: directory.path + "/fleet.sqlite-wal")))
        }
        // As a killed process leaves it: without the last commit, and with half of it.
        try FileManager.default.createDirectory(atPath: crashed.path, withIntermediateDirectories: true)
        for end in ["", "-wal"] {
            try DurableFile.copy(directory.path + "/fleet.sqlite\(end)", to: crashed.path + "/fleet.sqlite\(end)")
        }
        #expect(truncate(crashed.path + "/fleet.sqlite-wal", Int((sizes[1] + sizes[2]) / 2)) == 0)
        let again = try Store(directory: crashed.path)
        #expect(try again.load(unconfirmedSince: Stage.start.wall).agents.count == 2)
        try again.close()
        try store.close()
    }

    @Test func `a database that was closed in order is not checked again until it is touched`() throws {
        let directory = try stored(1)
        let held = try StoreDirectory(directory.path)
        #expect(held.wasStoppedCleanly)
        held.release()
        // Taken and not closed: as after a crash.
        #expect(try !StoreDirectory(directory.path).wasStoppedCleanly)
        try Store(directory: directory.path).close()
        try change(directory, "DELETE FROM aliases; INSERT INTO aliases VALUES ('a', 'b')")
        #expect(try !StoreDirectory(directory.path).wasStoppedCleanly)
    }

    @Test func `a directory that cannot be written is named with what to do`() {
        let error = #expect(throws: StoreError.self) { try Store(directory: "/proc/self") }
        #expect(error?.kind == .directory && error?.kind.exitCode == 1)
        #expect(
            error?.description.contains("/proc/self") == true && error?.description.contains("write access") == true)
    }

    private func change(_ directory: TemporaryDirectory, _ sql: String) throws {
        let database = try DatabaseQueue(path: directory.path + "/fleet.sqlite")
        try database.write { try $0.execute(sql: sql) }
        try database.close()
    }
}
