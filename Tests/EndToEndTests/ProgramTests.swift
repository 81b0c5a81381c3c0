import Glibc
import HTTP
import JSON
import OpAMP
import Testing

/// What each program owes its caller: flags, exit codes, standard output, and who may ask.
@Suite(.timeLimit(.minutes(5))) struct ProgramTests {
    private static let programs = ["opamp-mcp", "opamp-provider", "opamp-sim"]

    @Test(arguments: programs)
    func `help and version go to standard output`(program: String) async throws {
        try await withStage { stage in
            let help = try stage.start(program, ["--help"])
            let text = await help.remainingLines().joined(separator: "\n")
            #expect(await help.exitCode() == 0)
            #expect(text.contains(program))
            #expect(text.contains("--version"))
            let version = try stage.start(program, ["--version"])
            #expect(await version.remainingLines().last?.contains(#/\d+\.\d+\.\d+$/#) == true)
            #expect(await version.exitCode() == 0)
        }
    }

    @Test(arguments: [
        ("opamp-mcp", ["--colour", "red"], "--colour"),
        ("opamp-mcp", ["--timeout", "0"], "--timeout 0"),
        ("opamp-mcp", ["--provider", "ftp://x"], "ftp://x"),
        ("opamp-mcp", ["dance"], "dance"),
        ("opamp-mcp", ["--tools", "dance"], "dance"),
        ("opamp-provider", ["--in-memory", "--colour", "red"], "--colour"),
        ("opamp-provider", ["--in-memory", "--listen", "0.0.0.0:0"], "0.0.0.0:0"),
        ("opamp-provider", [], "--data-dir"),
        ("opamp-provider", ["--in-memory", "--max-message-mib", "7"], "--max-message-mib"),
        ("opamp-provider", ["--in-memory", "--max-message-mib", "65"], "a whole number from 8 to 64"),
        ("opamp-provider", ["--in-memory", "--max-message-mib", "8M"], "'8M'"),
        ("opamp-provider", ["--in-memory", "--agent-token-file", "/nowhere/tokens"], "/nowhere/tokens"),
        ("opamp-provider", ["--in-memory", "--agent-token-file", "/etc/passwd"], "chmod 600 /etc/passwd"),
        ("opamp-sim", ["--url", "ws://127.0.0.1:1/v1/opamp", "--colour", "red"], "--colour"),
        ("opamp-sim", ["--url", "ftp://x"], "ftp://x"),
        ("opamp-sim", ["--url", "ws://127.0.0.1:1/", "--token-file", "/nowhere/token"], "/nowhere/token"),
        ("opamp-sim", ["--url", "ws://127.0.0.1:1/", "--token-file", "/etc/passwd"], "chmod 600 /etc/passwd"),
        ("opamp-sim", ["--url", "ws://127.0.0.1:1/v1/opamp", "--agents", "0"], "--agents 0"),
    ])
    func `a wrong flag is named and ends with 64`(program: String, flags: [String], named: String) async throws {
        try await withStage { stage in
            let child = try stage.start(program, flags)
            child.endInput()
            #expect(await child.exitCode() == 64)
            #expect(await child.remainingLines() == [])
            #expect(child.log.contains(named), "\(child.log)")
        }
    }

    @Test func `agents need a token of the file, which never is in the log`() async throws {
        try await withStage { stage in
            let path = "\(stage.folder)/tokens"
            let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
            let text = Array("# agents\na-token-of-an-agent-0123\n".utf8)
            #expect(write(descriptor, text, text.count) == text.count)
            close(descriptor)
            let flags = ["--listen", "127.0.0.1:0", "--in-memory", "--log-level", "trace"]
            let child = try stage.start("opamp-provider", flags + ["--agent-token-file", path])
            let url = try #require(try JSON(parsing: try await child.line())["listening"]?.string)
            let client = HTTPClient()
            var agent = TestAgent(1)
            for (token, status) in [("a-token-of-an-agent-0123", 200), ("a-token-of-an-agent-0124", 401)] {
                let headers = [
                    (name: "Content-Type", value: "application/x-protobuf"),
                    (name: "Authorization", value: "Bearer \(token)"),
                ]
                let body = try agent.message().body()
                let response = try await client.send(
                    HTTPRequest(.post, "\(url)/v1/opamp", headers: headers, body: body))
                #expect(response.status == status)
                #expect(response.header("WWW-Authenticate") == (status == 401 ? #"Bearer realm="opamp""# : nil))
                #expect(!String(decoding: response.body, as: UTF8.self).contains("a-token"))
            }
            child.signal(SIGTERM)
            #expect(await child.exitCode() == 0)
            #expect(!child.log.contains("a-token"), "\(child.log)")
        }
    }

    @Test func `the limit of messages is what the flag says, over both transports`() async throws {
        try await withStage { stage in
            let flags = ["--listen", "127.0.0.1:0", "--in-memory", "--max-message-mib", "8"]
            let child = try stage.start("opamp-provider", flags + ["--log-level", "warning"])
            let url = try #require(try JSON(parsing: try await child.line())["listening"]?.string)
            let provider = Provider(child: child, url: url)
            var agent = TestAgent(1)
            let socket = try #require(await RawWebSocket(to: provider))
            #expect(try await socket.ask(agent.message()) != nil)
            await socket.send(opcode: 2, [0], declared: 8 << 20 + 1)
            #expect(await socket.closeCode() == 1009)
            for (bytes, status) in [(8 << 20 + 1, "413"), (8 << 20, "400")] {
                let post = RawSocket(port: provider.port)
                await post.send(
                    "POST /v1/opamp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf\r\n"
                        + "OpAMP-Instance-UID: 01010101-0101-0101-0101-010101010101\r\n"
                        + "Content-Length: \(bytes)\r\n\r\n")
                // Nothing of a message that is too large has to be sent.
                if status == "400" { await post.send([UInt8](repeating: 0xff, count: bytes)) }
                #expect(await post.receiveHead().hasPrefix("HTTP/1.1 \(status) "))
            }
        }
    }

    @Test func `all programs end with 0 when they are asked to`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            let fleet = try await stage.fleet(of: 5, at: provider)
            let server = try stage.server(provider.url)
            #expect(try await server.call("fleet_summary").text.hasPrefix("5 agents: "))
            for child in [server.child, fleet] {
                child.signal(SIGTERM)
                #expect(await child.exitCode() == 0)
            }
            _ = try await provider.wait(for: "fleet") { $0["status"]?["disconnected"] == 5 }
            provider.child.signal(SIGTERM)
            #expect(await provider.child.exitCode() == 0)
            #expect(await provider.child.remainingLines() == [])
        }
    }

    @Test func `a provider that is asked to end answers who waits, and ends with 0`() async throws {
        var state: JSON?
        // A request that has not been read when the provider is asked to end is not answered.
        while state == nil {
            try await withStage { stage in
                let provider = try await stage.provider()
                _ = try await stage.fleet(of: 3, at: provider, "--ignore-commands", "100")
                let agent = try #require(try await provider.agents().first?["short_id"]?.string)
                let command = try await provider.command(["command": "restart"], to: agent)
                async let waiting = provider.outcome(of: command, waitSeconds: 45)
                _ = try await provider.wait(for: "commands?state=sent") { $0["matched"] == 1 }
                provider.child.signal(SIGTERM)
                do {
                    state = try await waiting["state"]
                } catch HTTPError.interrupted {
                    try Task.checkCancellation()
                }
                #expect(await provider.child.exitCode() == 0)
            }
        }
        #expect(state == "sent")
    }

    @Test func `a server that is asked to end while a call waits ends with 0`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 4, at: provider, "--ignore-commands", "100")
            let server = try stage.server(provider.url)
            try await server.introduce()
            let arguments: JSON = ["agent": "web-17", "wait_seconds": 45]
            try await server.send("tools/call", ["name": "restart_agent", "arguments": arguments])
            _ = try await provider.wait(for: "commands?state=sent") { $0["matched"] == 1 }
            server.child.signal(SIGTERM)
            #expect(await server.child.exitCode() == 0)
            let lines = await server.child.remainingLines()
            #expect(lines.count == 1)
            for line in lines { #expect(try JSON(parsing: line)["id"] == 2) }
        }
    }

    @Test func `nothing but MCP is on standard output`() async throws {
        try await withStage { stage in
            let server = try stage.server("http://127.0.0.1:1").child
            await server.send("garbage\n\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}")
            server.endInput()
            let lines = await server.remainingLines()
            #expect(await server.exitCode() == 0)
            #expect(lines.count == 2)
            for line in lines { #expect(try JSON(parsing: line)["jsonrpc"] == "2.0") }
        }
    }

    @Test func `input that ends at once ends the server at once`() async throws {
        try await withStage { stage in
            let server = try stage.server("http://127.0.0.1:1").child
            server.endInput()
            #expect(await server.exitCode() == 0)
            #expect(await server.remainingLines() == [])
        }
    }

    @Test func `the shell can list and call tools, and print the blocks of clients`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 5, at: provider)
            let environment = ["OPAMP_SERVER_URL": provider.url]
            func run(_ arguments: String...) async throws -> (lines: [String], code: Int32?) {
                let child = try stage.start("opamp-mcp", arguments, environment: environment)
                return (await child.remainingLines(), await child.exitCode())
            }
            let tools = try await run("tools")
            #expect(tools.lines.contains { $0.hasPrefix("restart_agent\t") })
            #expect(tools.code == 0)
            let reading = try await run("--read-only", "tools")
            #expect(reading.lines.contains { $0.hasPrefix("get_agent\t") })
            #expect(!reading.lines.contains { $0.hasPrefix("restart_agent\t") })
            let summary = try await run("call", "fleet_summary")
            #expect(summary.lines.first?.hasPrefix("5 agents: ") == true)
            #expect(summary.code == 0)
            let unknown = try await run("call", "get_agent", #"{"agent":"nobody"}"#)
            #expect(unknown.code == 1)
            for client in ["claude-desktop", "claude-code", "codex"] {
                let block = try await run("print-config", client)
                #expect(block.code == 0)
                #expect(block.lines.contains { $0.contains(product("opamp-mcp")) })
                #expect(block.lines.contains { $0.contains(provider.url) })
            }
        }
    }

    @Test(arguments: [
        ("GET /api/v1/info", "Host: evil.example", 421),
        ("GET /api/v1/info", "Host: evil.example:8080", 421),
        ("GET /api/v1/info", "Host: 127.0.0.1\r\nOrigin: http://evil.example", 403),
        ("GET /api/v1/info", "Host: 127.0.0.1\r\nOrigin: null", 403),
        ("GET /api/v1/info", "Host: 127.0.0.1\r\nX-Forwarded-For: 10.0.0.1", 403),
        ("GET /v1/opamp", "Host: 127.0.0.1\r\nOrigin: http://127.0.0.1", 403),
        ("POST /api/v1/agents/x/commands", "Host: 127.0.0.1\r\nContent-Type: text/plain", 415),
        ("GET /api/v1/info", "Host: localhost", 200),
    ])
    func `whoever is not from this machine is refused`(request: String, fields: String, status: Int) async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            let socket = RawSocket(port: provider.port)
            await socket.send("\(request) HTTP/1.1\r\n\(fields)\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            #expect(await socket.receiveHead().hasPrefix("HTTP/1.1 \(status) "))
        }
    }

    @Test func `a second provider refuses a data directory that is in use`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            let folder = "\(stage.folder)/data"
            let second = try stage.start("opamp-provider", ["--listen", "127.0.0.1:0", "--data-dir", folder])
            #expect(await second.exitCode() == 1)
            #expect(await second.remainingLines() == [])
            #expect(second.log.contains("another provider uses the data directory \(folder)"), "\(second.log)")
            #expect(try await provider.get("info")["agents"] == 0)
        }
    }

    @Test func `a port that is taken is named`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            let address = "127.0.0.1:\(provider.port)"
            let second = try stage.start("opamp-provider", ["--listen", address, "--in-memory"])
            #expect(await second.exitCode() == 1)
            #expect(second.log.contains(address), "\(second.log)")
        }
    }
}
