import ArgumentParser
import Glibc
import JSON
import Program
import Provider

/// Puts a backup in the place of a fleet's database.
struct Restore: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Puts a backup in the place of the database; the provider must be stopped.",
        discussion: """
            The backup is checked first. What was there is kept beside it, and one line of JSON on standard output says \
            where and how to undo it. Ends with 0; with 64 for a wrong flag, 65 for a backup that is damaged or of a \
            newer version, 1 for anything else.
            """
    )

    @Option(help: ArgumentHelp("The provider's data directory; made if it is not there.", valueName: "dir"))
    var dataDir: String

    @Option(name: .customLong("from"), help: ArgumentHelp("The backup.", valueName: "file"))
    var file: String

    func validate() throws {
        if dataDir.isEmpty { throw ValidationError("--data-dir \"\": allowed is the path of a directory") }
        if file.isEmpty { throw ValidationError("--from \"\": allowed is the path of a file") }
    }

    func run() throws {
        do {
            let restored = try StoreBackup.restore(file, into: dataDir)
            var line: JSON.Object = .init()
            line["agents"] = .integer(restored.agents)
            line["commands"] = .integer(restored.commands)
            if let before = restored.before {
                line["kept"] = .string(before)
                line["undo"] = .string(restored.undo ?? "")
            }
            printLine(JSON.object(line), to: STDOUT_FILENO)
        } catch {
            throw failure("nothing was restored: \(error)", error.kind.exitCode)
        }
    }
}
