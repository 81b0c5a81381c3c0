import Foundation
import Glibc
import JSON
import Testing

/// Agents that show the provider a token.
@Suite(.timeLimit(.minutes(5))) struct TokenTests {
    private static let tokens = ["first-token-of-agents-01", "second-token-of-agents-02"]

    /// Writes a file that only its owner can read, as another file than the one before.
    private func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        try #require(chmod(path, 0o600) == 0)
    }

    private func provider(_ stage: Stage, tokens path: String) async throws -> Provider {
        let arguments = ["--listen", "127.0.0.1:0", "--in-memory", "--log-level", "debug", "--agent-token-file", path]
        let child = try stage.start("opamp-provider", arguments)
        let line = try JSON(parsing: try await child.line())
        return Provider(child: child, url: try #require(line["listening"]?.string))
    }

    @Test(arguments: ["ws", "http"])
    func `simulated agents show the token of a file, and without the right one they are refused and say why`(
        scheme: String
    ) async throws {
        try await withStage { stage in
            try write("# agents\n\(Self.tokens.joined(separator: "\n"))\n", to: "\(stage.folder)/tokens")
            let provider = try await provider(stage, tokens: "\(stage.folder)/tokens")
            let url = "\(scheme)\(provider.url.dropFirst(4))/v1/opamp"
            let flags = ["--url", url, "--agents", "3", "--heartbeat", "1", "--stats", "--log-level", "debug"]
            try write("wrong-token-of-agents-03\n", to: "\(stage.folder)/wrong")
            for more in [["--token-file", "\(stage.folder)/wrong"], []] {
                let fleet = try stage.start("opamp-sim", flags + more)
                var seen: JSON = [:]
                // The second attempts too, which come later.
                while (seen["refused"]?["401 Unauthorized"]?.integer ?? 0) < 6 {
                    seen = try JSON(parsing: try await fleet.line())
                }
                #expect(seen["answered"] == 0 && seen["connected"] == 0)
                #expect(fleet.log.contains("the server refuses a request") && fleet.log.contains("401 Unauthorized"))
                fleet.signal(SIGTERM)
                #expect(await fleet.exitCode() == 0)
                #expect(!fleet.log.contains("wrong-token"))
            }
            #expect(try await provider.get("info")["agents"] == 0)

            try write(Self.tokens[1] + "\n", to: "\(stage.folder)/token")
            let fleet = try stage.start("opamp-sim", flags + ["--token-file", "\(stage.folder)/token"])
            var seen: JSON = [:]
            while seen["answered"] != 3 { seen = try JSON(parsing: try await fleet.line()) }
            #expect(seen["refused"] == [:])
            #expect(try await provider.agents("status:connected").count == 3)
            fleet.signal(SIGTERM)
            #expect(await fleet.exitCode() == 0)
            for token in Self.tokens { #expect(!fleet.log.contains(token) && !provider.child.log.contains(token)) }
        }
    }

    @Test func `a token that is taken out of the file ends the sessions it opened, and no others`() async throws {
        try await withStage { stage in
            let path = "\(stage.folder)/tokens"
            try write(Self.tokens.joined(separator: "\n"), to: path)
            let provider = try await provider(stage, tokens: path)
            var fleets: [Child] = []
            for (number, token) in Self.tokens.enumerated() {
                try write(token, to: "\(stage.folder)/token\(number)")
                fleets.append(
                    try stage.start(
                        "opamp-sim",
                        [
                            "--url", provider.agentURL, "--agents", "2", "--seed", "\(number + 1)", "--heartbeat", "1",
                            "--stats", "--token-file", "\(stage.folder)/token\(number)",
                        ]))
            }
            _ = try await provider.wait(for: "fleet") { $0["status"]?["connected"] == 4 }
            try write(Self.tokens[1], to: path)
            _ = try await provider.wait(for: "fleet") { $0["status"]?["disconnected"] == 2 }
            var seen: JSON = [:]
            while seen["refused"]?["401 Unauthorized"] == nil { seen = try JSON(parsing: try await fleets[0].line()) }
            #expect(try await provider.get("fleet")["status"]?["connected"] == 2)
            fleets[1].signal(SIGTERM)
            #expect(await fleets[1].exitCode() == 0)
            let lines = await fleets[1].remainingLines()
            #expect(try JSON(parsing: try #require(lines.last))["reconnects"] == 0)
        }
    }
}
