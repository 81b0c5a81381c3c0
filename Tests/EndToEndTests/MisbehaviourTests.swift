import JSON
import Testing

/// Agents that do not do what they are asked, or do not say so: nothing is called done that was not shown.
@Suite(.timeLimit(.minutes(5))) struct MisbehaviourTests {
    @Test func `a restart that is ignored stays open, then is unconfirmed and says so`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 5, at: provider, "--ignore-commands", "100")
            let server = try stage.server(provider.url)
            // Started by now, so that a slow machine does not ask again only when the first has ended.
            _ = try await server.call("get_agent", ["agent": "web-17"])
            let command = try await provider.command(["command": "restart", "confirm_seconds": 20], to: "web-17")
            let id = try #require(command["id"])
            let again = try await server.call("restart_agent", ["agent": "web-17", "wait_seconds": 45])
            let outcome = try await provider.outcome(of: command)
            #expect(outcome["state"] == "unconfirmed")
            let status = try await server.call("command_status", ["command_id": id]).text
            #expect(status.hasPrefix("unconfirmed: restart of web-17 ("))
            #expect(status.contains("it may have been done"))
            #expect(again.text.hasPrefix("unconfirmed: restart of web-17 (") && !again.isError, "\(again.text)")
            #expect(again.text.hasSuffix("was open already, nothing new was queued"))
        }
    }

    @Test func `one restart of an agent is open at a time`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 5, at: provider, "--ignore-commands", "100")
            let server = try stage.server(provider.url)
            let first = try await server.call("restart_agent", ["agent": "web-17", "wait_seconds": 0])
            #expect(first.text.hasPrefix("sent: restart of web-17 (") || first.text.hasPrefix("queued: restart of"))
            let second = try await server.call("restart_agent", ["agent": "web-17", "wait_seconds": 0])
            #expect(second.text.hasSuffix("was open already, nothing new was queued") && !second.isError)
            #expect(try await provider.get("commands")["matched"] == 1)
        }
    }

    @Test func `an uptime in place of a start time proves no restart`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            let fleet = try await stage.fleet(of: 4, at: provider, "--uptime-as-start-time", "100", "--stats")
            // Each agent has reported at least twice.
            while try #require(try JSON(parsing: try await fleet.line())["sent"]?.integer) < 12 {}
            let command = try await provider.command(["command": "restart", "confirm_seconds": 3], to: "web-17")
            let outcome = try await provider.outcome(of: command)
            #expect(outcome["state"] == "unconfirmed")
            #expect(outcome["evidence"] == nil)
            #expect(
                outcome["result"]?.string?.contains("start time had changed between its last two reports before")
                    == true)
            // It was done all the same.
            while try JSON(parsing: try await fleet.line())["commands"]?["restart"] != 1 {}
        }
    }

    @Test func `an answer that comes late still tells the outcome`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 4, at: provider, "--answer-late", "20")
            let request: JSON = ["command": "chatops", "parameters": ["tag": "ok"], "confirm_seconds": 1]
            let command = try await provider.command(request, to: "web-17")
            let id = try #require(command["id"]?.string)
            #expect(try await provider.outcome(of: command)["state"] == "unconfirmed")
            let late = try await provider.wait(for: "commands/\(id)") { $0["state"] != "unconfirmed" }
            #expect(late["state"] == "confirmed")
        }
    }

    @Test func `a copy of an agent gets a uid of its own, and the others notice nothing`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 6, at: provider, "--clone-uid", "1")
            _ = try await provider.wait(for: "info") { $0["agents"] == 6 }
            let server = try stage.server(provider.url)
            let restarted = try await server.call("restart_agent", ["agent": "web-17"])
            #expect(restarted.text.hasPrefix("confirmed: restart of web-17 ("))
        }
    }
}
