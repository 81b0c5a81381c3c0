import FoundationEssentials
import Glibc
import JSON
import Testing

/// The programs and files of one test. All are gone at its end, however it ends.
final class Stage {
    let folder: String
    private var children: [Child] = []

    fileprivate init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/opamp-e2e-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    /// Starts a program; a name without a slash is one of ours.
    func start(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws -> Child {
        let path = program.contains("/") ? program : product(program)
        let log = "\(folder)/\(children.count).log"
        let child = try Child([path] + arguments, environment: environment, logPath: log)
        children.append(child)
        return child
    }

    /// Starts a provider and waits until it listens.
    ///
    /// - Parameters:
    ///   - port: 0 for any.
    ///   - data: the name of its data directory.
    func provider(port: Int = 0, data: String = "data") async throws -> Provider {
        let arguments = ["--listen", "127.0.0.1:\(port)", "--data-dir", "\(folder)/\(data)", "--log-level", "warning"]
        let child = try start("opamp-provider", arguments)
        let line = try JSON(parsing: try await child.line())
        return Provider(child: child, url: try #require(line["listening"]?.string))
    }

    /// Starts a simulated fleet and waits until every agent has been answered.
    func fleet(of agents: Int, seed: Int = 7, at provider: Provider, _ flags: String...) async throws -> Child {
        let arguments = ["--url", provider.agentURL, "--agents", "\(agents)", "--seed", "\(seed)", "--heartbeat", "1"]
        let child = try start("opamp-sim", arguments + flags + ["--log-level", "warning"])
        while try JSON(parsing: try await child.line()) != ["connected": .integer(agents)] {}
        return child
    }

    /// Starts an MCP server; it has not been spoken to yet.
    func server(_ url: String, _ flags: String..., environment: [String: String] = [:]) throws -> MCPClient {
        MCPClient(try start("opamp-mcp", ["--provider", url] + flags, environment: environment))
    }

    fileprivate func end() async {
        for child in children { await child.end() }
        try? FileManager.default.removeItem(atPath: folder)
    }

    fileprivate var logs: String {
        children.filter { !$0.log.isEmpty }.map { "\($0.name):\n\($0.log.suffix(2000))" }.joined(separator: "\n")
    }
}

/// Runs a test with real programs.
func withStage(_ body: (Stage) async throws -> Void) async throws {
    let stage = try Stage()
    do {
        try await body(stage)
    } catch {
        print("\(error)\n\(stage.logs)")
        await stage.end()
        throw error
    }
    await stage.end()
}
