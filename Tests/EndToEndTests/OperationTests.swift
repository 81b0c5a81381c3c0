import HTTP
import JSON
import Testing

/// One command for many live agents.
@Suite(.timeLimit(.minutes(5))) struct OperationTests {
    @Test func `twenty agents of a filter are restarted, three at a time, each once`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            let fleet = try await stage.fleet(of: 20, at: provider, "--stats")
            let body: JSON = ["filter": "status:connected", "command": "restart", "max_in_flight": 3]
            var request = try #require(body.object)
            request["dry_run"] = true
            let plan = try await provider.post("operations", .object(request), expecting: 200)
            #expect(plan["targets"] == 20 && plan["matched"] == 20)
            request["dry_run"] = nil
            request["digest"] = plan["digest"]
            let started = try await provider.post("operations", .object(request), expecting: 202)
            let id = try #require(started["id"]?.string)
            #expect(started["targets"] == 20)
            let done = try await provider.get("operations/\(id)?wait_seconds=45")
            #expect(done["state"] == "done")
            #expect(done["counts"] == ["confirmed": 20])
            #expect(done["exceptions"] == [])
            #expect(try await provider.get("commands?operation=\(id)&state=confirmed")["matched"] == 20)
            while true {
                let seen = try JSON(parsing: try await fleet.line())
                guard let restarts = seen["commands"]?["restart"]?.integer, restarts >= 20 else { continue }
                #expect(restarts == 20)
                break
            }
        }
    }

    @Test func `a provider killed in the middle of an operation goes on with it`() async throws {
        try await withStage { stage in
            let first = try await stage.provider()
            let fleet = try await stage.fleet(of: 20, at: first, "--stats", "--answer-late", "1")
            let body: JSON = [
                "filter": "status:connected", "command": "chatops", "parameters": ["tag": "ok"], "max_in_flight": 4,
                "stop_after_failures": 100, "confirm_seconds": 5,
            ]
            var request = try #require(body.object)
            request["dry_run"] = true
            request["digest"] = try await first.post("operations", .object(request), expecting: 200)["digest"]
            request["dry_run"] = nil
            let id = try #require(
                try await first.post("operations", .object(request), expecting: 202)["id"]?.string)
            _ = try await first.wait(for: "operations/\(id)") { ($0["counts"]?["confirmed"]?.integer ?? 0) >= 4 }
            await first.child.end()

            let second = try await stage.provider(port: first.port)
            let done = try await second.wait(for: "operations/\(id)") { $0["state"] == "done" }
            let counts = try #require(done["counts"]?.object).members.compactMap(\.value.integer)
            #expect(counts.reduce(0, +) == 20)
            let commands = try #require(try await second.get("commands?operation=\(id)&limit=100")["commands"]?.array)
            #expect(commands.count == 20 && Set(commands.compactMap { $0["instance_uid"]?.string }).count == 20)
            while true {
                let seen = try JSON(parsing: try await fleet.line())
                guard seen["commands"] != nil else { continue }
                #expect(seen["repeated_command_ids"] == 0)
                break
            }
        }
    }
}

extension Provider {
    fileprivate func post(_ path: String, _ body: JSON, expecting status: Int) async throws -> JSON {
        let request = HTTPRequest(.post, "\(url)/api/v1/\(path)", body: try body.bytes())
        let response = try await HTTPClient().send(request)
        try #require(response.status == status, "\(String(decoding: response.body, as: UTF8.self))")
        return try JSON(parsing: response.body)
    }
}
