import JSON
import Testing

/// What is asked of 50 live agents, and told about them, through the real MCP server.
@Suite(.timeLimit(.minutes(5))) struct ConversationTests {
    private func withFleet(_ body: (Provider, MCPClient) async throws -> Void) async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 50, at: provider, "--unhealthy", "10")
            try await body(provider, try stage.server(provider.url))
        }
    }

    @Test func `the fleet is counted as it is`() async throws {
        try await withFleet { provider, server in
            let sick = try await provider.agents("health:unhealthy").count
            #expect(sick == 5)
            let lines = try await server.call("fleet_summary").text.split(separator: "\n")
            #expect(lines.first?.hasPrefix("50 agents: 45 healthy, 5 unhealthy; 20") == true)
            let groups = try await server.call("fleet_summary", ["group_by": ["type"]]).text.split(separator: "\n")
            let counts = groups.dropFirst(2).compactMap { Int($0.split(separator: "\t")[1]) }
            #expect(counts.count == 2)
            #expect(counts.reduce(0, +) == 50)
        }
    }

    @Test func `pages show each agent once`() async throws {
        try await withFleet { provider, server in
            var (ids, cursor): ([String], JSON) = ([], .null)
            repeat {
                let answer = try await server.call("list_agents", ["limit": 20, "fields": ["host"], "cursor": cursor])
                let lines = answer.text.split(separator: "\n")
                ids += lines.filter { $0.contains("\t") }.dropFirst().map { String($0.prefix { $0 != "\t" }) }
                cursor = lines.last?.split(separator: "cursor=").dropFirst().last.map { .string(String($0)) } ?? .null
            } while cursor != .null
            #expect(ids.count == 50)
            #expect(Set(ids) == Set(try await provider.agents().compactMap { $0["short_id"]?.string }))
        }
    }

    @Test func `an agent is found by part of its host, and told by its id, host and instance id`() async throws {
        try await withFleet { provider, server in
            let agent = try #require(try await provider.agents("host:web-17").first)
            let id = try #require(agent["short_id"]?.string)
            let found = try await server.call("find_agent", ["query": "eb-17"])
            #expect(found.text.contains("\n\(id)\tweb-17\tfluent-bit\t"))
            let uid = try #require(agent["instance_uid"])
            let instance = try #require(agent["service_instance_id"])
            for reference in [.string(id), .string(id.uppercased()), "web-17", "WEB-17", uid, instance] as [JSON] {
                let detail = try await server.call("get_agent", ["agent": reference])
                #expect(detail.text.hasPrefix("web-17 (\(id)): healthy, seen "))
                #expect(detail.text.contains("\nuid \(uid.string ?? ""), "))
            }
            let sections: JSON = ["health", "attributes", "capabilities"]
            let more = try await server.call("get_agent", ["agent": "web-17", "sections": sections]).text
            #expect(more.contains("service.name=fluent-bit"))
            #expect(more.contains("AcceptsRestartCommand"))
            #expect(more.contains("\nhealth: healthy, all "))
        }
    }

    @Test func `an agent that matches nothing is answered with the nearest`() async throws {
        try await withFleet { _, server in
            let unknown = try await server.call("restart_agent", ["agent": "web-170"])
            #expect(unknown.isError)
            #expect(unknown.text.hasPrefix("refused: no agent has this instance uid"))
            #expect(unknown.text.contains("; nearest: web-17 ("))
            let none = try await server.call("list_agents", ["filter": "host:nobody"])
            #expect(none.text.hasPrefix("none of 50 agents matches the filter host:nobody; "))
            #expect(!none.isError)
        }
    }

    @Test func `a restart is confirmed by another start time`() async throws {
        try await withFleet { provider, server in
            #expect(try await server.call("command_status", ["agent": "web-17"]).text.hasPrefix("no command was ever"))
            let before = try await provider.get("agents/web-17")["agent"]?["started"]
            let answer = try await server.call("restart_agent", ["agent": "web-17"])
            #expect(answer.text.hasPrefix("confirmed: restart of web-17 ("))
            #expect(answer.text.contains("start time "))
            #expect(!answer.isError)
            let after = try await provider.get("agents/web-17")["agent"]?["started"]
            #expect(before != nil && after != nil && before != after)

            let history = try await provider.get("commands?agent=web-17")
            #expect(history["matched"] == 1)
            let command = try #require(history["commands"]?.array?.first)
            #expect(command["state"] == "confirmed")
            let id = try #require(command["id"])
            let status = try await server.call("command_status", ["command_id": id]).text
            #expect(status.hasPrefix("confirmed: restart of web-17 ("))
            #expect(status.contains("\nasked "))
            #expect(status.hasSuffix("command_id=\(id.string ?? "")"))
        }
    }

    @Test func `ChatOps succeeds and fails as the agent says`() async throws {
        try await withFleet { _, server in
            let record: JSON = ["message": "hello"]
            let taken = try await server.call(
                "send_chatops_command", ["agent": "web-17", "tag": "ok", "attributes": record])
            #expect(taken.text.hasPrefix("confirmed: chatops to web-17 ("))
            #expect(taken.text.contains("HTTP 201"))
            #expect(taken.text.contains("does not say the task is done"))
            let failed = try await server.call("send_chatops_command", ["agent": "web-17", "tag": "fail"])
            #expect(failed.text.hasPrefix("failed: chatops to web-17 ("))
            #expect(failed.text.contains("HTTP 500: "))
        }
    }

    @Test func `what can be sent is what the agent declares`() async throws {
        try await withFleet { provider, server in
            let without = try #require(try await provider.agents("-capability:*shutdown*").first)
            let agent = try #require(without["short_id"])
            let types = try await server.call("list_command_types", ["agent": agent]).text
            #expect(types.contains("\nrestart\t"))
            #expect(!types.contains("\nshutdown\t"))
            let refused = try await server.call("send_command", ["agent": agent, "command": "shutdown"])
            #expect(refused.isError)
            #expect(refused.text.contains(": 1 without the capability "), "\(refused.text)")
            #expect(try await provider.get("commands")["matched"] == 0)
            let null = try await server.call("list_command_types", ["name": "chatops"]).text
            #expect(null.contains("tag"))
        }
    }

    @Test func `a shutdown is planned first, and is done when the agent said goodbye`() async throws {
        try await withFleet { provider, server in
            let target = try #require(try await provider.agents("capability:*shutdown*").first)
            let (agent, host) = (try #require(target["short_id"]), try #require(target["host"]?.string))
            let plan = try await server.call("send_command", ["agent": agent, "command": "shutdown"])
            #expect(plan.text.hasPrefix("planned, nothing is done yet: shutdown of \(host) ("), "\(plan.text)")
            #expect(plan.text.contains("risk: nothing here can start it again"))
            let handle = try #require(plan.text.split(separator: "plan=\"").last).prefix { $0 != "\"" }
            #expect(try await provider.get("commands")["matched"] == 0)
            #expect(try await provider.agents("status:connected").count == 50)

            let done = try await server.call(
                "send_command",
                ["agent": agent, "command": "shutdown", "plan": .string(String(handle)), "expected_count": 1])
            #expect(done.text.hasPrefix("confirmed: shutdown of \(host) ("))
            #expect(try await provider.agents("status:connected").count == 49)
            #expect(try await server.call("get_agent", ["agent": agent]).text.contains("): disconnected, last seen "))

            let waits = try await server.call("restart_agent", ["agent": agent, "wait_seconds": 0])
            #expect(waits.text.hasPrefix("queued: restart of \(host) ("))
            #expect(waits.text.contains("waits until it reports; expires in "))
        }
    }

    @Test func `an agent with a new uid is found by the old one too`() async throws {
        try await withFleet { provider, server in
            let before = try #require(try await provider.get("agents/web-17")["agent"]?["instance_uid"]?.string)
            _ = try await server.call("restart_agent", ["agent": "web-17"])
            let answer = try await server.call("send_command", ["agent": "web-17", "command": "identify"])
            #expect(answer.text.hasPrefix("confirmed: identify of web-17 ("))
            let after = try #require(try await provider.get("agents/web-17")["agent"]?["instance_uid"]?.string)
            #expect(before != after)
            #expect(answer.text.contains("reports as \(after)"))
            for uid in [before, after] {
                let detail = try await server.call("get_agent", ["agent": .string(uid)]).text
                #expect(detail.contains("\nuid \(after), "))
                #expect(detail.contains("\nrestart\tconfirmed\t"))
            }
            #expect(try await provider.get("info")["agents"] == 50)
        }
    }

    @Test func `a host that two agents have is refused with both, and each can be meant by its id`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            for seed in [7, 8] { _ = try await stage.fleet(of: 4, seed: seed, at: provider) }
            let server = try stage.server(provider.url)
            let ids = try await provider.agents("host:web-17").compactMap { $0["short_id"]?.string }
            try #require(ids.count == 2)
            let refused = try await server.call("restart_agent", ["agent": "web-17"])
            #expect(refused.isError)
            #expect(refused.text.hasPrefix("refused: 2 agents are meant by this"))
            for id in ids { #expect(refused.text.contains("web-17 (\(id))")) }
            #expect(try await provider.get("commands")["matched"] == 0)
            let done = try await server.call("restart_agent", ["agent": .string(ids[1])])
            #expect(done.text.hasPrefix("confirmed: restart of web-17 (\(ids[1]))"))
            #expect(try await provider.get("commands?agent=\(ids[0])")["matched"] == 0)
        }
    }
}
