import ArgumentParser
import Glibc
import JSON
import Program
import Provider

/// Copies a fleet's database while it is served or not.
struct Backup: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes a consistent copy of the database to a file, while it is served or not.",
        discussion: """
            The copy is checked and on disk when the program ends; one line of JSON on standard output says what is in \
            it. Ends with 0; with 64 for a wrong flag, 65 for a damaged database, 1 for anything else.
            """
    )

    @Option(help: ArgumentHelp("The provider's data directory.", valueName: "dir"))
    var dataDir: String

    @Option(name: .customLong("to"), help: ArgumentHelp("The file to make; it must not exist.", valueName: "file"))
    var file: String

    func validate() throws {
        if dataDir.isEmpty { throw ValidationError("--data-dir \"\": allowed is the path of a directory") }
        if file.isEmpty { throw ValidationError("--to \"\": allowed is the path of a file") }
    }

    func run() throws {
        do {
            let backup = try StoreBackup.make(of: dataDir, to: file)
            printLine(
                [
                    "agents": .integer(backup.agents), "bytes": .integer(backup.bytes),
                    "commands": .integer(backup.commands), "file": .string(file),
                ] as JSON, to: STDOUT_FILENO)
        } catch {
            throw failure("no backup was made: \(error)", error.kind.exitCode)
        }
    }
}
