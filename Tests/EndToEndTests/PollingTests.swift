import Foundation
import JSON
import Testing

/// Agents without a connection of their own.
@Suite(.timeLimit(.minutes(5))) struct PollingTests {
    @Test func `agents that poll do what they are asked, leave a journal, and are gone when they said goodbye`()
        async throws
    {
        try await withStage { stage in
            let provider = try await stage.provider()
            let journal = "\(stage.folder)/journal"
            let fleet = try stage.start(
                "opamp-sim",
                [
                    "--url", "\(provider.url)/v1/opamp", "--agents", "40", "--connections", "3", "--heartbeat", "1",
                    "--seed", "7", "--unhealthy", "0", "--journal", journal,
                ]
            )
            #expect(try JSON(parsing: try await fleet.line()) == ["connected": 40])
            let agents = try await provider.agents()
            #expect(agents.count == 40)
            #expect(agents.allSatisfy { $0["transport"] == "http" && $0["status"] == "connected" })

            let restart = try await provider.command(["command": "restart"], to: "web-17")
            let chatOps = try await provider.command(
                ["command": "chatops", "parameters": ["tag": "ok"]], to: "web-17")
            #expect(try await provider.outcome(of: restart)["state"] == "confirmed")
            #expect(try await provider.outcome(of: chatOps)["state"] == "confirmed")

            fleet.signal(SIGTERM)
            #expect(await fleet.exitCode() == 0)
            #expect(try await provider.agents("-status:disconnected").isEmpty)
            let lines = try String(contentsOfFile: journal, encoding: .utf8).split(separator: "\n")
            let entries = try lines.map { try JSON(parsing: Array($0.utf8)) }
            let uid = try #require(agents.first { $0["host"] == "web-17" }?["instance_uid"])
            #expect(entries.allSatisfy { $0["uid"] == uid && $0["repeated"] == false && $0["done"] == true })
            #expect(Set(entries.compactMap { $0["kind"]?.string }) == ["restart", "chatops"])
            #expect(entries.count == 2 && entries.contains { $0["id"] == chatOps["id"] })
        }
    }
}
