import Glibc
import JSON
import Testing

/// What was acknowledged is there after the provider was killed, and is done once.
@Suite(.timeLimit(.minutes(5))) struct DurabilityTests {
    /// The counts that a fleet with `--stats` prints next.
    private func statistics(of fleet: Child) async throws -> JSON {
        while true {
            let line = try JSON(parsing: try await fleet.line())
            if line["commands"] != nil { return line }
        }
    }

    @Test func `a provider killed right after a command was accepted delivers it exactly once`() async throws {
        try await withStage { stage in
            let first = try await stage.provider()
            let before = try await stage.fleet(of: 10, at: first)
            let restart = try await first.command(["command": "restart"], to: "web-17")
            #expect(try await first.outcome(of: restart)["state"] == "confirmed")
            let fleet = try await first.agents()
            before.signal(SIGTERM)
            #expect(await before.exitCode() == 0)
            _ = try await first.wait(for: "fleet") { $0["status"]?["disconnected"] == 10 }
            let request: JSON = ["command": "chatops", "parameters": ["tag": "ok"]]
            let queued = try await first.command(request, to: "web-17")
            await first.child.end()
            #expect(queued["state"] == "queued")
            let id = try #require(queued["id"]?.string)

            let second = try await stage.provider(port: first.port)
            let agents = try await second.agents()
            #expect(agents.map { $0["instance_uid"] } == fleet.map { $0["instance_uid"] })
            #expect(agents.map { $0["host"] } == fleet.map { $0["host"] })
            #expect(agents.map { $0["version"] } == fleet.map { $0["version"] })
            #expect(agents.map { $0["config_hash"] } == fleet.map { $0["config_hash"] })
            #expect(agents.allSatisfy { $0["status"] == "disconnected" && $0["health"] == "unknown" })
            let history = try #require(try await second.get("commands?agent=web-17")["commands"]?.array)
            #expect(history.map { $0["id"] } == [queued["id"], restart["id"]])
            #expect(history.map { $0["state"] } == ["queued", "confirmed"])
            let server = try stage.server(second.url)
            let waits = try await server.call("command_status", ["command_id": .string(id)]).text
            #expect(waits.hasPrefix("queued: chatops to web-17 ("))
            #expect(waits.contains("disconnected, last seen "))

            let after = try await stage.fleet(of: 10, at: second, "--stats")
            #expect(try await second.outcome(of: queued)["state"] == "confirmed")
            #expect(try await server.call("fleet_summary").text.hasPrefix("10 agents: "))

            // It is not sent again to agents that come back to yet another provider.
            await second.child.end()
            let third = try await stage.provider(port: first.port)
            _ = try await third.wait(for: "fleet") { $0["status"]?["connected"] == 10 }
            let seen = try await statistics(of: after)
            #expect(seen["commands"]?["chatops"] == 1)
            #expect(seen["command_ids"] == 1)
            #expect(seen["repeated_command_ids"] == 0)
            #expect(try await third.get("commands/\(id)")["state"] == "confirmed")
            #expect(try await third.get("commands?agent=web-17")["matched"] == 2)
        }
    }

    @Test func `a provider killed while commands are under way never sends one twice`() async throws {
        try await withStage { stage in
            let first = try await stage.provider()
            let fleet = try await stage.fleet(of: 10, at: first, "--stats", "--answer-late", "1")
            let hosts = try await first.agents().compactMap { $0["host"]?.string }
            var accepted: [JSON] = []
            for host in hosts {
                let request: JSON = ["command": "chatops", "parameters": ["tag": "ok"]]
                accepted.append(try await first.command(request, to: host))
            }
            await first.child.end()

            let second = try await stage.provider(port: first.port)
            _ = try await second.wait(for: "fleet") { $0["status"]?["connected"] == 10 }
            for command in accepted {
                let found = try await second.get("commands/\(command["id"]?.string ?? "")")
                #expect(["sent", "confirmed"].contains(found["state"]?.string))
            }
            #expect(try await second.get("commands")["matched"] == 10)
            let seen = try await statistics(of: fleet)
            let received = try #require(seen["command_ids"]?.integer)
            #expect(received <= 10)
            #expect(seen["repeated_command_ids"] == 0)
            #expect(seen["commands"]?["chatops"] == .integer(received))
        }
    }

    @Test func `a command for an agent that was shut down still waits at the next provider`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 20, at: provider)
            let target = try #require(try await provider.agents("capability:*shutdown*").first)
            let agent = try #require(target["instance_uid"]?.string)
            let shutdown = try await provider.command(["command": "shutdown"], to: agent)
            #expect(try await provider.outcome(of: shutdown)["state"] == "confirmed")
            let waiting = try await provider.command(["command": "resync"], to: agent)
            #expect(waiting["state"] == "queued")
            #expect(waiting["agent_status"] == "disconnected")
            await provider.child.end()
            let again = try await stage.provider()
            #expect(try await again.get("commands/\(waiting["id"]?.string ?? "")")["state"] == "queued")
            let history = try #require(try await again.get("agents/\(agent)?include=commands,events")["events"]?.array)
            #expect(history.contains { $0["kind"] == "disconnected" })
        }
    }
}
