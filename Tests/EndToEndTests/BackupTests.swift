import FoundationEssentials
import GRDB
import Glibc
import JSON
import Testing

/// The provider's backup and restore, and what it refuses to start with.
@Suite(.timeLimit(.minutes(5))) struct BackupTests {
    /// Runs a sub-command of the provider to its end.
    private func run(_ stage: Stage, _ arguments: [String]) async throws -> (code: Int32?, output: JSON?, log: String) {
        let child = try stage.start("opamp-provider", arguments)
        let lines = await child.remainingLines()
        return (await child.exitCode(), try lines.first.map { try JSON(parsing: $0) }, child.log)
    }

    @Test func `a backup of a provider at work comes back with every command`() async throws {
        try await withStage { stage in
            let (data, file) = ("\(stage.folder)/data", "\(stage.folder)/fleet.backup")
            let provider = try await stage.provider()
            let fleet = try await stage.fleet(of: 10, at: provider)
            let restart = try await provider.command(["command": "restart"], to: "web-17")
            #expect(try await provider.outcome(of: restart)["state"] == "confirmed")
            let backup = try await run(stage, ["backup", "--data-dir", data, "--to", file])
            #expect(backup.code == 0 && backup.output?["agents"] == 10 && backup.output?["commands"] == 1)
            #expect(backup.output?["bytes"]?.integer ?? 0 > 4096)
            let again = try await run(stage, ["backup", "--data-dir", data, "--to", file])
            #expect(again.code == 1 && again.log.contains("\(file) exists already"))
            let inUse = try await run(stage, ["restore", "--data-dir", data, "--from", file])
            #expect(inUse.code == 1 && inUse.log.contains("another provider uses the data directory \(data)"))

            _ = try await provider.outcome(of: try await provider.command(["command": "resync"], to: "web-17"))
            await fleet.end()
            provider.child.signal(SIGTERM)
            #expect(await provider.child.exitCode() == 0)
            let restored = try await run(stage, ["restore", "--data-dir", data, "--from", file])
            #expect(restored.code == 0 && restored.output?["agents"] == 10 && restored.output?["commands"] == 1)
            let undo = try #require(restored.output?["undo"]?.string)
            #expect(undo.hasPrefix("opamp-provider restore --data-dir \(data) --from \(data)/fleet.sqlite.before-"))

            let second = try await stage.provider()
            let commands = try await second.get("commands")
            #expect(commands["matched"] == 1)
            #expect(commands["commands"]?.array?.first?["id"] == restart["id"])
            #expect(commands["commands"]?.array?.first?["state"] == "confirmed")
            #expect(try await second.agents().count == 10)
        }
    }

    @Test func `a damaged database ends the start with 65 and names the command that restores a backup`() async throws {
        try await withStage { stage in
            let data = "\(stage.folder)/data"
            let provider = try await stage.provider()
            await provider.child.end()
            for end in ["-wal", "-shm"] { unlink("\(data)/fleet.sqlite\(end)") }
            try Array(repeating: "rubbish", count: 1000).joined().write(
                toFile: "\(data)/fleet.sqlite", atomically: false, encoding: .utf8)
            let child = try stage.start("opamp-provider", ["--listen", "127.0.0.1:0", "--data-dir", data])
            #expect(await child.exitCode() == 65)
            #expect(await child.remainingLines() == [])
            #expect(child.log.contains("\(data)/fleet.sqlite is damaged"), "\(child.log)")
            #expect(child.log.contains("opamp-provider restore --data-dir \(data) --from FILE"), "\(child.log)")
            let backup = try await run(stage, ["backup", "--data-dir", data, "--to", "\(stage.folder)/b"])
            #expect(backup.code == 65)
        }
    }

    @Test func `a database of a newer version ends the start with 65, says so and stays as it is`() async throws {
        try await withStage { stage in
            let data = "\(stage.folder)/data"
            let provider = try await stage.provider()
            provider.child.signal(SIGTERM)
            #expect(await provider.child.exitCode() == 0)
            let database = try DatabaseQueue(path: "\(data)/fleet.sqlite")
            try await database.write {
                try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('v99 teleport')")
            }
            try database.close()
            let child = try stage.start("opamp-provider", ["--listen", "127.0.0.1:0", "--data-dir", data])
            #expect(await child.exitCode() == 65)
            #expect(await child.remainingLines() == [])
            #expect(child.log.contains("was written by a newer version (it has \"v99 teleport\")"), "\(child.log)")
            #expect(child.log.contains("start that version or a newer one") && child.log.contains(data))
            let again = try DatabaseQueue(path: "\(data)/fleet.sqlite")
            let steps = try await again.read { try String.fetchAll($0, sql: "SELECT identifier FROM grdb_migrations") }
            #expect(steps.contains("v99 teleport") && steps.contains("v1"))
            try again.close()
        }
    }

    @Test(arguments: [
        (["backup", "--to", "x"], "--data-dir"), (["backup", "--data-dir", "x"], "--to"),
        (["restore", "--data-dir", "x"], "--from"), (["restore", "--data-dir", "x", "--from", ""], "--from"),
        (["backup", "--data-dir", "", "--to", "x"], "--data-dir"),
    ])
    func `a flag that is missing or wrong is named and ends with 64`(arguments: [String], named: String) async throws {
        try await withStage { stage in
            let ended = try await run(stage, arguments)
            #expect(ended.code == 64 && ended.output == nil)
            #expect(ended.log.contains(named), "\(ended.log)")
        }
    }

    @Test func `serve may be named, and its help tells its flags`() async throws {
        try await withStage { stage in
            let help = try await stage.start("opamp-provider", ["serve", "--help"]).remainingLines().joined()
            for flag in ["--listen", "--data-dir", "--in-memory", "--log-level"] { #expect(help.contains(flag)) }
            let root = try await stage.start("opamp-provider", ["--help"]).remainingLines().joined(separator: " ")
            for word in ["serve", "backup", "restore", "serve --help"] { #expect(root.contains(word), "\(root)") }
            let child = try stage.start("opamp-provider", ["serve", "--in-memory", "--listen", "127.0.0.1:0"])
            #expect(try JSON(parsing: try await child.line())["listening"] != nil)
        }
    }
}
