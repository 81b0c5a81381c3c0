import JSON
import Testing

/// Clients that other people wrote, from PyPI.
@Suite(.timeLimit(.minutes(5))) struct ClientTests {
    private static let modes = [
        ("auto", "2026-07-28"), ("legacy", "2025-11-25"), ("2026-07-28", "2026-07-28"), ("fastmcp", "fastmcp"),
    ]

    @Test(arguments: modes)
    func `the clients mcp and fastmcp list the tools and call each`(mode: String, revision: String) async throws {
        let agent: JSON = ["agent": "web-17"]
        let nothing = String(repeating: "0", count: 32)
        // What is refused begins with a reason.
        let calls: [(tool: String, arguments: JSON, beginning: String)] = [
            ("fleet_summary", [:], "10 agents: "),
            ("list_agents", ["limit": 3], "10 agents: "),
            ("find_agent", ["query": "web-17"], "1 of 10 agents matches \"web-17\" (host exact)"),
            ("get_agent", agent, "web-17 ("),
            ("get_config", agent, ""),
            ("list_events", agent, ""),
            ("list_command_types", agent, "7 commands can be sent to web-17; "),
            ("restart_agent", agent, "confirmed: restart of web-17 ("),
            ("command_status", agent, "confirmed: restart of web-17 ("),
            ("send_chatops_command", ["agent": "web-17", "tag": "ok"], "confirmed: chatops to web-17 ("),
            ("send_command", ["agent": "web-17", "command": "resync"], "confirmed: resync of web-17 ("),
            ("propose_config", agent, "refused"),
            ("update_agents", ["agent": "web-17", "labels": ["env": "test"]], ""),
            ("cancel_command", ["command_id": .string(nothing)], "refused: "),
        ]
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 10, at: provider)
            let list = JSON.array(calls.map { [.string($0.tool), $0.arguments] })
            let lines = try await drive(stage, mode, "accept", list, ["--provider", provider.url])
            try #require(lines.count == 1 + calls.count)
            #expect(lines[0]["protocol"]?.string == revision)
            let tools = try #require(lines[0]["tools"]?.array).compactMap(\.string)
            #expect(tools.count >= 12)
            #expect(Set(tools).isSubset(of: Set(calls.map(\.tool))), "a tool that is called by no client")
            for (call, line) in zip(calls, lines.dropFirst()) where tools.contains(call.tool) {
                #expect(line["tool"]?.string == call.tool)
                #expect(line["text"]?.string?.isEmpty == false)
                if call.beginning.hasPrefix("refused") {
                    #expect(line["error"] == true)
                    #expect(line["text"]?.string?.hasPrefix("raised") == false, "\(line.text)")
                } else {
                    #expect(line["error"] == false, "\(line.text)")
                    #expect(line["text"]?.string?.hasPrefix(call.beginning) == true, "\(line.text)")
                }
            }
        }
    }

    @Test(arguments: modes.map(\.0), ["accept", "decline", "cancel", "none"])
    func `a person is asked by the clients mcp and fastmcp, and decides`(mode: String, answer: String) async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 3, at: provider)
            let host = try #require(try await provider.agents().first?["host"]?.string)
            let calls: JSON = [["restart_agent", ["agent": .string(host), "wait_seconds": 1]]]
            let flags = ["--provider", provider.url, "--confirm", "always"]
            let call = try #require(try await drive(stage, mode, answer, calls, flags).last)
            let text = try #require(call["text"]?.string)
            #expect(call["asked"]?.array?.count == (answer == "none" ? 0 : 1))
            #expect(call["asked"]?.array?.allSatisfy { $0.string?.contains(host) == true } == true)
            #expect(call["error"]?.bool == (answer != "accept"), "\(text)")
            if answer != "accept" { #expect(text.contains("refused: "), "\(text)") }
            #expect(try await provider.get("commands")["matched"] == (answer == "accept" ? 1 : 0))
        }
    }

    /// What the script says of calls by a client; what the server wrote to it keeps to the schemas.
    private func drive(
        _ stage: Stage, _ mode: String, _ answer: String, _ calls: JSON, _ flags: [String]
    ) async throws -> [JSON] {
        let log = "\(stage.folder)/wire.log"
        let scripts = "\(testFolder)/Clients"
        let server = [python, "\(scripts)/record_wire.py", log, product("opamp-mcp")] + flags
        let client = try stage.start(python, ["\(scripts)/drive_mcp.py", mode, answer, calls.text] + server)
        let lines = try await client.remainingLines().map { try JSON(parsing: $0) }
        #expect(await client.exitCode() == 0, "\(client.log)")
        try await checkWire(stage, [log])
        return lines
    }

    @Test func `an agent of the client opentelemetry-opamp-client is listed until it leaves`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            let script = "\(testFolder)/Clients/opamp_agent.py"
            let agent = try stage.start(python, [script, "\(provider.url)/v1/opamp"])
            #expect(try await agent.line() == "connected")
            func list() async throws -> [String] {
                let arguments = #"{"fields":["host","type","version","state","transport"]}"#
                let call = try stage.start("opamp-mcp", ["--provider", provider.url, "call", "list_agents", arguments])
                let lines = await call.remainingLines()
                #expect(await call.exitCode() == 0)
                return lines
            }
            let lines = try await list()
            try #require(lines.count == 3, "\(lines)")
            #expect(lines[1] == "id\thost\ttype\tversion\tstate\ttransport")
            let uid = try #require(try await provider.agents().first?["short_id"]?.string)
            // It reports no health.
            #expect(lines[2] == "\(uid)\tpython-host\tpython-app\t1.2.3\tconnected\thttp")

            let detail = try await provider.get("agents/\(uid)")
            _ = try await provider.wait(for: "agents/\(uid)") {
                $0["agent"]?["last_seen"] != detail["agent"]?["last_seen"]
            }
            let server = try stage.server(provider.url)
            let resync = try await server.call("send_command", ["agent": "python-host", "command": "resync"])
            #expect(resync.text.hasPrefix("confirmed: resync of python-host (\(uid)) in "))
            let restart = try await server.call("restart_agent", ["agent": "python-host"])
            #expect(restart.text.hasPrefix("refused: the agent does not have the capability AcceptsRestartCommand"))
            agent.endInput()
            #expect(await agent.remainingLines() == ["stopped"])
            #expect(await agent.exitCode() == 0, "\(agent.log)")
            #expect(try await list().last == "\(uid)\tpython-host\tpython-app\t1.2.3\tdisconnected\thttp")
        }
    }
}
