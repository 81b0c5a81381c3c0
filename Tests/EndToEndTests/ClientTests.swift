import JSON
import Testing

/// Clients that other people wrote, from PyPI.
@Suite(.timeLimit(.minutes(5))) struct ClientTests {
    private static let tools = [
        "fleet_summary", "list_agents", "find_agent", "get_agent", "get_config", "list_events", "list_command_types",
        "command_status", "restart_agent", "send_chatops_command", "send_command", "cancel_command",
    ]

    @Test(arguments: [("auto", "2026-07-28"), ("legacy", "2025-11-25")])
    func `the client mcp lists the tools and calls each`(mode: String, revision: String) async throws {
        let agent: JSON = ["agent": "web-17"]
        let calls: [(tool: String, arguments: JSON, beginning: String)] = [
            ("fleet_summary", [:], "10 agents: "),
            ("list_agents", ["limit": 3], "10 agents: "),
            ("find_agent", ["query": "web-17"], "1 of 10 agents matches \"web-17\" (host exact)"),
            ("get_agent", agent, "web-17 ("),
            ("get_config", agent, "web-17 ("),
            ("list_events", ["agent": "web-17", "kind": "connected"], "1 event"),
            ("list_command_types", agent, "7 commands can be sent to web-17; "),
            ("restart_agent", agent, "confirmed: restart of web-17 ("),
            ("command_status", agent, "confirmed: restart of web-17 ("),
            ("send_chatops_command", ["agent": "web-17", "tag": "ok"], "confirmed: chatops to web-17 ("),
            ("send_command", ["agent": "web-17", "command": "resync"], "confirmed: resync of web-17 ("),
            ("cancel_command", ["command_id": "0123456789abcdef0123456789abcdef"], "refused: "),
        ]
        #expect(Set(calls.map(\.tool)) == Set(Self.tools))
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 10, at: provider)
            let list = JSON.array(calls.map { [.string($0.tool), $0.arguments] })
            let script = "\(testFolder)/Clients/drive_mcp.py"
            let server = [product("opamp-mcp"), "--provider", provider.url]
            let client = try stage.start(python, [script, mode, list.text] + server)
            let lines = try await client.remainingLines().map { try JSON(parsing: $0) }
            #expect(await client.exitCode() == 0, "\(client.log)")
            try #require(lines.count == 1 + calls.count, "\(client.log)")
            #expect(lines[0]["protocol"]?.string == revision)
            #expect(lines[0]["tools"]?.array == Self.tools.map { .string($0) })
            for (call, line) in zip(calls, lines.dropFirst()) {
                #expect(line["tool"]?.string == call.tool)
                #expect(line["error"] == .bool(call.beginning == "refused: "))
                #expect(line["text"]?.string?.hasPrefix(call.beginning) == true, "\(line.text)")
            }
        }
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
