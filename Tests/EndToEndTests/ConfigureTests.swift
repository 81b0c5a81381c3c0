import FoundationEssentials
import Glibc
import JSON
import Testing

/// Connecting clients with the real program, in the home directory of nobody else.
@Suite(.timeLimit(.minutes(5))) struct ConfigureTests {
    private let clients = ["claude-desktop", "claude-code", "codex", "gemini", "vscode", "cursor"]

    @Test func `all clients are connected, a second time changes nothing, and removing leaves nothing`() async throws {
        try await withStage { stage in
            let made = try await stage.run(["configure"] + clients)
            #expect(made.code == 0 && made.log == "", "\(made.log)")
            for client in clients { #expect(made.text.contains("\(client): opamp added (\(stage.home)/")) }
            let files = try stage.files(below: stage.home)
            #expect(files.count == clients.count)
            for (path, text) in files {
                #expect(text.contains("\"\(product("opamp-mcp"))\""), "\(path)")
                var status = stat()
                #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
            }
            let again = try await stage.run(["configure"] + clients)
            for client in clients { #expect(again.text.contains("\(client): opamp is there already (")) }
            #expect(try stage.files(below: stage.home) == files)
            let removed = try await stage.run(["configure", "--remove"] + clients)
            #expect(removed.code == 0)
            for client in clients { #expect(removed.text.contains("\(client): opamp removed (")) }
            for path in files.keys { #expect(try !contents(of: path).contains("opamp"), "\(path)") }
        }
    }

    @Test(arguments: ["claude-desktop", "codex"])
    func `what a client then starts answers it`(client: String) async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 3, at: provider)
            let made = try await stage.run(["configure", client, "--read-only", "--provider", provider.url])
            #expect(made.code == 0, "\(made.text)")
            let path = try #require(try stage.files(below: stage.home).keys.first)
            let (command, arguments) = try launch(in: try contents(of: path))
            // As clients do: from the root, with few variables.
            let line = (["cd / && exec env -i"] + ([command] + arguments).map { "'\($0)'" }).joined(separator: " ")
            let server = MCPClient(try stage.start("/bin/sh", ["-c", line]))
            #expect(try await server.call("fleet_summary").text.hasPrefix("3 agents: "))
            let tools = try await server.request("tools/list")["result"]?["tools"]?.array
            #expect(tools?.contains { $0["name"] == "restart_agent" } == false)
        }
    }

    /// What an entry starts, of JSON or of our own TOML.
    private func launch(in text: String) throws -> (command: String, arguments: [String]) {
        if let server = try? JSON(parsing: text)["mcpServers"]?["opamp"] {
            return (try #require(server["command"]?.string), server["args"]?.array?.compactMap(\.string) ?? [])
        }
        func value(_ key: String) throws -> JSON {
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("\(key) = ") })
            return try JSON(parsing: String(line.dropFirst(key.count + 3)))
        }
        return (try #require(try value("command").string), try value("args").array?.compactMap(\.string) ?? [])
    }

    @Test func `a dry run shows the difference, masked, and writes nothing`() async throws {
        try await withStage { stage in
            let path = "\(stage.home)/.config/Claude/claude_desktop_config.json"
            let old = """
                {
                  "mcpServers": {
                    "OpAMP Server": {
                      "command": "npx",
                      "args": ["-y", "mcp-remote", "http://h:8080/sse", "--header", "Authorization: Bearer s3cret-1"],
                      "env": {"OPAMP_MCP_SSE_URL": "http://h:8080/sse", "A_TOKEN": "s3cret-2"}
                    },
                    "other": {"command": "x", "env": {"KEY": "s3cret-3"}}
                  }
                }

                """
            try stage.put(old, at: path)
            let shown = try await stage.run(["configure", "claude-desktop", "--dry-run", "--replace"])
            #expect(shown.code == 0)
            #expect(shown.text.contains("claude-desktop: opamp would be added (\(path))"))
            #expect(shown.text.contains("\n-    \"OpAMP Server\": {") && shown.text.contains("\n+    \"opamp\": {"))
            #expect(shown.text.contains("Authorization: Bearer …") && shown.text.hasSuffix("nothing was written"))
            #expect(!shown.text.contains("s3cret"), "\(shown.text)")
            #expect(try stage.files(below: stage.home) == [path: old])
            let kept = try await stage.run(["configure", "claude-desktop"])
            #expect(kept.text.contains("note: \"OpAMP Server\", left by the Python project's set-up, is still there"))
            #expect(try contents(of: path).contains("OpAMP Server"))
            let replaced = try await stage.run(["configure", "claude-desktop", "--replace"])
            #expect(replaced.code == 0 && !replaced.text.contains("s3cret"))
            let after = try JSON(parsing: try contents(of: path))["mcpServers"]
            #expect(
                after?["OpAMP Server"] == nil && after?["opamp"] != nil
                    && after?["other"]?["env"] == ["KEY": "s3cret-3"])
        }
    }

    @Test func `a file that is not understood is left alone, the block printed, the others connected`() async throws {
        try await withStage { stage in
            let (path, old) = ("\(stage.home)/.codex/config.toml", "mcp_servers = { opamp = { command = \"x\" } }\n")
            try stage.put(old, at: path)
            let made = try await stage.run(["configure", "codex", "cursor"])
            #expect(made.code == 1)
            #expect(
                made.text.contains("codex: nothing was changed: \(path): line 1, column 1: mcp_servers is not written"))
            #expect(made.text.contains("\n[mcp_servers.opamp]\ncommand = \"\(product("opamp-mcp"))\"\n"))
            #expect(made.text.contains("cursor: opamp added"))
            #expect(try contents(of: path) == old)
        }
    }

    @Test func `writers at one time lose no entry`() async throws {
        try await withStage { stage in
            let path = "\(stage.folder)/mcp.json"
            try stage.put("{\n  // keep\n  \"mcpServers\": {\n  }\n}\n", at: path)
            let writers = try (0..<8).map { number in
                try stage.start("opamp-mcp", ["configure", "cursor", "--file", path, "--name", "fleet-\(number)"])
            }
            for writer in writers { #expect(await writer.exitCode() == 0, "\(writer.log)") }
            let text = try contents(of: path)
            for number in 0..<8 { #expect(text.contains("\"fleet-\(number)\": {"), "\(text)") }
            #expect(text.contains("// keep"))
        }
    }

    @Test func `a token is in no file and no output, the file that holds it is named`() async throws {
        try await withStage { stage in
            let environment = ["OPAMP_SERVER_TOKEN": "s3cret-token"]
            let warned = try await stage.run(["configure", "codex", "claude-desktop"], environment: environment)
            #expect(warned.code == 0 && warned.text.contains("OPAMP_SERVER_TOKEN is never written"))
            try stage.put("s3cret-token\n", at: "\(stage.folder)/token")
            let flags = ["configure", "codex", "claude-desktop", "--token-file", "\(stage.folder)/token"]
            let made = try await stage.run(flags, environment: environment)
            #expect(made.code == 0 && !made.text.contains("OPAMP_SERVER_TOKEN"))
            let files = try stage.files(below: stage.home)
            #expect(files.values.contains { $0.contains("\(stage.folder)/token") })
            #expect(!files.values.contains { $0.contains("s3cret") } && !(warned.text + made.text).contains("s3cret"))
            chmod("\(stage.folder)/token", 0o644)
            let refused = try await stage.run(flags)
            #expect(refused.code == 64 && refused.log.contains("chmod 600 \(stage.folder)/token"))
        }
    }

    @Test(arguments: [
        ("./mcp/configure-claude-desktop.sh", "/.config/Claude/claude_desktop_config.json"),
        ("./mcp/configure-codex.sh", "/.codex/config.toml"),
    ])
    func `the scripts connect their client`(script: String, file: String) async throws {
        try await withStage { stage in
            let built = ["OPAMP_MCP": product("opamp-mcp")]
            let made = try await stage.run(["--read-only"], of: "\(packageFolder)/\(script)", environment: built)
            #expect(made.code == 0, "\(made.log)")
            #expect(try contents(of: stage.home + file).contains("--read-only"))
            let help = try await stage.run(
                ["--dry-run", "--colour"], of: "\(packageFolder)/\(script)", environment: built)
            #expect(help.code == 64)
        }
    }
}
