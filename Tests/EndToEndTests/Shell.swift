import FoundationEssentials
import Glibc

/// What a program that was run to its end did.
struct Run {
    let code: Int32?
    let text: String
    let log: String
}

extension Stage {
    /// The home directory of a person whose clients are connected.
    var home: String { "\(folder)/home" }

    /// Runs a program as that person to its end; `opamp-mcp` unless told otherwise.
    func run(
        _ arguments: [String], of program: String = "opamp-mcp", environment: [String: String] = [:],
        input: String? = nil
    ) async throws -> Run {
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        let own = ["HOME": home, "XDG_CONFIG_HOME": "", "CODEX_HOME": "", "CLAUDE_CONFIG_DIR": ""]
        let child = try start(program, arguments, environment: own.merging(environment) { $1 })
        if let input { await child.send(input) }
        child.endInput()
        let lines = await child.remainingLines()
        let code = await child.exitCode()
        return Run(code: code, text: lines.joined(separator: "\n"), log: child.log)
    }

    /// Writes a file below the folder of this test, and the folders above it.
    func put(_ text: String, at path: String, mode: mode_t = 0o600) throws {
        let folder = path.split(separator: "/").dropLast().joined(separator: "/")
        try FileManager.default.createDirectory(atPath: "/" + folder, withIntermediateDirectories: true)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        chmod(path, mode)
    }

    /// Names and contents of all files below a folder.
    func files(below folder: String) throws -> [String: String] {
        var found: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            let path = "\(folder)/\(name)"
            var status = stat()
            guard stat(path, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                found.merge(try files(below: path)) { $1 }
            } else {
                found[path] = try contents(of: path)
            }
        }
        return found
    }
}
