import JSON
import Testing

/// What no recorded transcript can hold: lines too long to write down, calls that are cancelled, the end of the input.
@Suite(.timeLimit(.minutes(5))) struct LineTests {
    @Test func `a line over the limit is answered with its id, first or last, and the next is read`() async throws {
        try await withStage { stage in
            let server = try stage.server("http://127.0.0.1:1").child
            let long = String(repeating: "x", count: 5 << 20)
            await server.send(#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":""# + long + "\"}}\n")
            await server.send(#"{"jsonrpc":"2.0","method":"ping","params":{"a":""# + long + "\"},\"id\":\"last\"}\n")
            await server.send(long + "\n")
            await server.send(#"{"jsonrpc":"2.0","id":2,"method":"ping"}"# + "\n")
            server.endInput()
            let answers = try await server.remainingLines().map { try JSON(parsing: $0) }
            #expect(answers.map { $0["id"] } == [1, "last", nil, 2])
            for answer in answers.dropLast() {
                #expect(answer["error"]?["message"]?.string?.contains("at most 4194304 bytes") == true)
            }
            #expect(answers.last?["result"] == [:])
            #expect(await server.exitCode() == 0)
        }
    }

    @Test func `calls at one time are each answered once, and no two lines mix`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 20, at: provider)
            let server = try stage.server(provider.url, "--max-calls", "1000")
            try await server.introduce()
            var ids: Set<Int> = []
            for index in 0..<200 {
                let tool: JSON = index % 2 == 0 ? "list_agents" : "fleet_summary"
                ids.insert(try await server.send("tools/call", ["name": tool, "arguments": [:]]))
            }
            server.child.endInput()
            let answers = try await server.child.remainingLines().map { try JSON(parsing: $0) }
            #expect(answers.count == ids.count)
            #expect(Set(answers.compactMap { $0["id"]?.integer }) == ids)
            for answer in answers where answer["result"]?["isError"] != nil {
                // The end of the input leaves 1.5 s.
                #expect(try MCPClient.Answer(answer).text == "cancelled: input ended")
            }
            #expect(await server.child.exitCode() == 0)
        }
    }

    @Test func `a cancelled call is answered no more, and its command goes on`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 4, at: provider, "--ignore-commands", "100")
            let server = try stage.server(provider.url)
            try await server.introduce()
            let arguments: JSON = ["agent": "web-17", "wait_seconds": 45]
            let id = try await server.send("tools/call", ["name": "restart_agent", "arguments": arguments])
            _ = try await provider.wait(for: "commands?state=sent") { $0["matched"] == 1 }
            await server.notify("notifications/cancelled", ["requestId": .integer(id), "reason": "impatient"])
            #expect(try await server.request("ping")["result"] == [:])
            #expect(try await server.call("command_status", ["agent": "web-17"]).text.hasPrefix("sent: restart of"))
            server.child.endInput()
            #expect(await server.child.remainingLines() == [])
            #expect(await server.child.exitCode() == 0)
        }
    }

    @Test func `at the end of the input a wait is answered with the state known then`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 4, at: provider, "--ignore-commands", "100")
            let server = try stage.server(provider.url)
            try await server.introduce()
            let arguments: JSON = ["agent": "web-17", "wait_seconds": 45]
            try await server.send("tools/call", ["name": "restart_agent", "arguments": arguments])
            _ = try await provider.wait(for: "commands?state=sent") { $0["matched"] == 1 }
            let end = ContinuousClock.now
            server.child.endInput()
            let lines = await server.child.remainingLines()
            #expect(await server.child.exitCode() == 0)
            // Far from the 45 s that the call would wait; the rest is for a machine that is busy with other tests.
            #expect(end.duration(to: .now) < .seconds(20))
            try #require(lines.count == 1)
            let answer = try MCPClient.Answer(try JSON(parsing: lines[0]))
            #expect(answer.text.hasPrefix("sent: restart of web-17 ("))
            #expect(!answer.isError)
        }
    }
}
