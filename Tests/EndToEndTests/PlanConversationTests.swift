import HTTP
import JSON
import Testing

/// Actions on many live agents through the real MCP server: planned first, then carried out.
@Suite(.timeLimit(.minutes(5))) struct PlanConversationTests {
    private func withFleet(
        of count: Int = 20, _ flags: String..., body: (Stage, Provider, MCPClient) async throws -> Void
    ) async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            let arguments = ["--agents", "\(count)", "--seed", "7", "--heartbeat", "1", "--log-level", "warning"]
            let child = try stage.start("opamp-sim", ["--url", provider.agentURL] + arguments + flags)
            while try JSON(parsing: try await child.line()) != ["connected": .integer(count)] {}
            try await body(stage, provider, try stage.server(provider.url, "--max-writes", "1000"))
        }
    }

    /// The handle that a first call gave.
    private func handle(_ answer: MCPClient.Answer) throws -> String {
        try #require(answer.text.hasPrefix("planned, nothing is done yet: "), "\(answer.text)")
        let start = try #require(answer.text.split(separator: "plan=\"").last)
        return String(start.prefix { $0 != "\"" })
    }

    private func with(_ arguments: JSON, plan: String, count: Int) -> JSON {
        var object = arguments.object ?? JSON.Object()
        (object["plan"], object["expected_count"]) = (.string(plan), .integer(count))
        return .object(object)
    }

    /// Gives the first agents of the fleet a label.
    private func label(_ name: String, _ value: JSON, first count: Int, _ provider: Provider, _ server: MCPClient)
        async throws -> [String]
    {
        let agents = try await provider.agents().prefix(count).compactMap { $0["short_id"]?.string }
        for agent in agents {
            let answer = try await server.call(
                "update_agents", ["agent": .string(agent), "labels": .object(.init([(name, value)]))])
            #expect(answer.text.contains("labels: 1 "), "\(answer.text)")
        }
        return agents
    }

    @Test func `a plan is made, carried out once, and its outcome told by one id`() async throws {
        try await withFleet { _, provider, server in
            let arguments: JSON = ["filter": "type:fluent-bit status:connected", "wait_seconds": 45]
            let meant = try await provider.agents("type:fluent-bit").count
            try #require((2..<20).contains(meant))
            let plan = try await server.call("restart_agent", arguments)
            let handle = try handle(plan)
            #expect(plan.text.hasPrefix("planned, nothing is done yet: restart of \(meant) of 20 agents ("))
            #expect(plan.text.contains("risk: \(meant) of \(meant) of type:fluent-bit"))
            #expect(try await provider.get("commands")["matched"] == 0)

            let done = try await server.call("restart_agent", with(arguments, plan: handle, count: meant))
            #expect(done.text.hasPrefix("done: restart for \(meant) agents in "), "\(done.text)")
            #expect(done.text.contains("\(meant) confirmed"))
            let id = try #require(done.text.split(separator: "command_id=").last.map(String.init))
            #expect(try await server.call("command_status", ["command_id": .string(id)]).text.hasPrefix("done: "))
            let again = try await server.call("restart_agent", with(arguments, plan: handle, count: meant))
            #expect(again.isError && again.text.hasPrefix("refused: plan \(handle) was used already; nothing was done"))
            #expect(try await provider.get("commands?limit=1")["matched"] == .integer(meant))
        }
    }

    @Test func `a canary is the first of a filter by uid`() async throws {
        try await withFleet { _, provider, server in
            let arguments: JSON = ["filter": "status:connected", "command": "resync", "limit": 2]
            let handle = try handle(try await server.call("send_command", arguments))
            let done = try await server.call("send_command", with(arguments, plan: handle, count: 2))
            #expect(done.text.contains("for 2 agents") && !done.isError, "\(done.text)")
            let first = try await provider.agents().compactMap { $0["instance_uid"]?.string }.sorted().prefix(2)
            let commands = try #require(try await provider.get("commands")["commands"]?.array)
            #expect(Set(commands.compactMap { $0["instance_uid"]?.string }) == Set(first))
            let all = try await server.call("send_command", ["filter": "status:connected", "command": "resync"])
            #expect(all.isError && all.text.contains("only an explicit --max-targets allows"), "\(all.text)")
        }
    }

    @Test func `agents that left are skipped, newcomers are untouched, and too many gone is a refusal`() async throws {
        try await withFleet { _, provider, server in
            let wave = try await label("wave", "1", first: 11, provider, server)
            let arguments: JSON = ["filter": "label.wave:1", "command": "resync"]
            let first = try handle(try await server.call("send_command", arguments))
            let second = try handle(try await server.call("send_command", arguments))
            func move(_ agent: String) async throws {
                _ = try await server.call("update_agents", ["agent": .string(agent), "labels": ["wave": "2"]])
            }
            try await move(wave[3])
            let newcomer = try #require(try await provider.agents().last?["short_id"]?.string)
            _ = try await server.call("update_agents", ["agent": .string(newcomer), "labels": ["wave": "1"]])

            let done = try await server.call("send_command", with(arguments, plan: first, count: 11))
            #expect(done.text.contains("10 confirmed, 1 skipped"), "\(done.text)")
            #expect(done.text.contains("the filter does not match it any more"))
            for agent in [wave[3], newcomer] {
                #expect(try await provider.get("commands?agent=\(agent)")["matched"] == 0)
            }
            try await move(wave[4])
            let refused = try await server.call("send_command", with(arguments, plan: second, count: 11))
            #expect(refused.isError && refused.text.hasPrefix("refused: of 11 agents only 9 "), "\(refused.text)")
            #expect(try await provider.get("commands?limit=1")["matched"] == 10)
        }
    }

    @Test func `a configuration is shown as a difference, applied, and never over somebody else's change`() async throws
    {
        try await withFleet(of: 4) { _, provider, server in
            let before = try await provider.get("agents/web-17/config")
            let file = try #require(before["effective"]?["files"]?.object?.members.first)
            let text = try #require(file.value["content"]?.string)
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("# Managed by") }.map(String.init))
            let arguments: JSON = ["agent": "web-17", "find": .string(line), "replace": "# Managed by nobody."]
            let plan = try await server.call("propose_config", arguments)
            let handle = try handle(plan)
            #expect(plan.text.contains("\n-\(line)\n+# Managed by nobody.\n"), "\(plan.text)")
            #expect(try await provider.get("agents/web-17/config")["desired"] == nil)
            let late = try self.handle(try await server.call("propose_config", arguments))

            let done = try await server.call("propose_config", with(arguments, plan: handle, count: 1))
            #expect(done.text.hasPrefix("confirmed: config to web-17 ("), "\(done.text)")
            let after = try await provider.get("agents/web-17/config")
            #expect(after["desired"]?["revision"] == 1 && after["desired"]?["state"] == "applied")
            let shown = after["desired"]?["files"]?[file.key]?["content"]?.string
            #expect(shown == text.replacing(line, with: "# Managed by nobody."))
            let lost = try await server.call("propose_config", with(arguments, plan: late, count: 1))
            #expect(lost.isError && lost.text.hasPrefix("refused: "), "\(lost.text)")
            #expect(try await provider.get("agents/web-17/config")["desired"]?["revision"] == 1)

            let fail: JSON = ["agent": "web-17", "content": "# sim: fail\n"]
            let bad = try self.handle(try await server.call("propose_config", fail))
            let failed = try await server.call("propose_config", with(fail, plan: bad, count: 1))
            #expect(failed.text.hasPrefix("failed: config to web-17 ("), "\(failed.text)")
            let masked = try await server.call(
                "propose_config", ["agent": "web-17", "content": "a\n  password ***MASKED***\n"])
            #expect(masked.isError && masked.text.contains("line 2"), "\(masked.text)")
        }
    }

    @Test func `configurations of many stop after failures, and the rest keeps what it has`() async throws {
        try await withFleet(of: 20, "--config-failures", "100") { _, provider, server in
            let arguments: JSON = ["filter": "type:fluent*", "content": "# new\n", "limit": 19, "wait_seconds": 45]
            let plan = try await server.call("propose_config", arguments)
            let done = try await server.call(
                "propose_config", with(arguments, plan: try handle(plan), count: 19))
            #expect(done.text.hasPrefix("stopped: config for 19 agents in "), "\(done.text)")
            let failed = try await provider.get("commands?state=failed&limit=1")["matched"]?.integer ?? 0
            #expect((3...12).contains(failed))
        }
    }

    @Test func `an operation goes on when the MCP server is killed`() async throws {
        try await withFleet(of: 12, "--answer-late", "1") { stage, provider, server in
            let arguments: JSON = ["filter": "type:fluent*", "tag": "ok", "limit": 11, "wait_seconds": 0]
            let handle = try handle(try await server.call("send_chatops_command", arguments))
            let answer = try await server.call("send_chatops_command", with(arguments, plan: handle, count: 11))
            #expect(answer.text.hasPrefix("running: chatops for 11 agents"), "\(answer.text)")
            let id = try #require(answer.text.split(separator: "command_id=").last.map(String.init))
            await server.child.end()
            let done = try await provider.get("operations/\(id)?wait_seconds=45")
            #expect(done["state"] == "done" && done["counts"] == ["confirmed": 11])
            let other = try stage.server(provider.url)
            #expect(try await other.call("command_status", ["command_id": .string(id)]).text.hasPrefix("done: "))
            // Plans were in the memory of the server that is gone.
            let lost = try await other.call("send_chatops_command", with(arguments, plan: handle, count: 11))
            #expect(lost.isError && lost.text.contains("is not known here"))
        }
    }

    @Test(arguments: ["decline", "cancel", "accept"])
    func `a person who is asked decides whether a plan is carried out`(action: String) async throws {
        try await withFleet(of: 6) { _, provider, server in
            let initialize: JSON = [
                "protocolVersion": "2025-11-25", "capabilities": ["elicitation": [:]],
                "clientInfo": ["name": "test", "version": "1"],
            ]
            _ = try await server.request("initialize", initialize)
            await server.notify("notifications/initialized")
            func call(_ arguments: JSON) async throws -> Int {
                try await server.send("tools/call", ["name": "restart_agent", "arguments": arguments])
            }
            func answer(_ id: Int) async throws -> MCPClient.Answer {
                while true {
                    let message = try JSON(parsing: try await server.child.line())
                    if message["id"] == .integer(id), message["method"] == nil { return try .init(message) }
                }
            }
            let arguments: JSON = ["filter": "status:connected", "limit": 3]
            let plan = try await answer(try await call(arguments))
            let second = try await call(with(arguments, plan: try handle(plan), count: 3))
            var question = JSON.null
            while question["method"] != "elicitation/create" {
                question = try JSON(parsing: try await server.child.line())
            }
            #expect(question["params"]?["message"]?.string?.hasPrefix("restart of 3 of 6 agents: ") == true)
            #expect(try await provider.get("commands")["matched"] == 0)
            let reply: JSON = [
                "jsonrpc": "2.0", "id": question["id"] ?? .null, "result": ["action": .string(action), "content": [:]],
            ]
            await server.child.send(reply.text + "\n")
            let done = try await answer(second)
            if action == "accept" {
                #expect(done.text.hasPrefix("done: restart for 3 agents"), "\(done.text)")
            } else {
                #expect(done.isError && done.text.hasPrefix("refused: ") && done.text.contains("nothing was done"))
                #expect(try await provider.get("commands")["matched"] == 0)
            }
        }
    }

    @Test func `labels, heartbeats and access of many are changed, and a second time are so already`() async throws {
        try await withFleet(of: 10) { _, provider, server in
            let arguments: JSON = ["filter": "status:connected", "labels": ["env": "test"], "limit": 9]
            for (changed, same) in [(9, 0), (0, 9)] {
                let handle = try handle(try await server.call("update_agents", arguments))
                let done = try await server.call("update_agents", with(arguments, plan: handle, count: 9))
                let counts = changed > 0 ? "labels: 9 changed" : "labels: \(same) already so"
                #expect(done.text == "confirmed: 9 agents; \(counts)")
            }
            #expect(try await provider.agents("label.env:test").count == 9)
            let blocked = try await server.call("update_agents", ["agent": "web-17", "access": "block"])
            #expect(blocked.text.hasPrefix("confirmed: web-17 (") && blocked.text.hasSuffix("block: 1 done"))
            #expect(try await provider.agents("admission:blocked").count == 1)
            let back = try await server.call("update_agents", ["agent": "web-17", "access": "unblock"])
            #expect(back.text.hasSuffix("unblock: 1 done"))
        }
    }
}
