import FoundationEssentials
import JSON
import TestSupport
import Testing

/// What the server writes, against the official JSON schemas of MCP and under the requests of a fuzzer.
@Suite(.timeLimit(.minutes(5))) struct WireTests {
    private static let transcripts =
        files(in: "\(testFolder)/Transcripts", ending: ".transcript")
        + files(in: "\(testFolder)/Transcripts/examples", ending: ".transcript")

    @Test func `every line of the recorded conversations keeps to the schema of its revision`() async throws {
        try await withStage { stage in
            let checked = try await checkWire(stage, Self.transcripts)
            #expect(Self.transcripts.count > 5)
            #expect(checked["2025-11-25"] != nil && checked["2026-07-28"] != nil)
        }
    }

    @Test func `every revision is spoken, and every line keeps to its schema`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 5, at: provider)
            let host = try #require(try await provider.agents().first?["host"]?.string)
            let server = [product("opamp-mcp"), "--provider", provider.url, "--confirm", "always"]
            let script = "\(testFolder)/Clients/speak_revisions.py"
            let speaker = try stage.start(python, [script, stage.folder, host] + server)
            #expect(await speaker.exitCode() == 0, "\(speaker.log)")
            let revisions = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]
            let checked = try await checkWire(stage, revisions.map { "\(stage.folder)/\($0).log" })
            for revision in revisions {
                let kinds = Set(checked[revision]?.object?.members.map(\.key) ?? [])
                #expect(kinds.isSuperset(of: ["CallToolResult", "ListToolsResult", "error"]), "\(revision): \(kinds)")
                #expect(kinds.contains("ElicitRequest") == ["2025-06-18", "2025-11-25"].contains(revision))
            }
            let modern = Set(checked["2026-07-28"]?.object?.members.map(\.key) ?? [])
            #expect(
                modern.isSuperset(of: [
                    "DiscoverResult", "InputRequiredResult", "SubscriptionsListenResult", "CancelledNotification",
                    "SubscriptionsAcknowledgedNotification", "ProgressNotification", "UnsupportedProtocolVersionError",
                    "MissingRequiredClientCapabilityError",
                ]), "\(modern)")
        }
    }

    @Test func `the trace of a call goes on to the provider with each request of it`() async throws {
        let provider = ScriptedServer { _ in .answer(200, headers: ["Content-Type": "application/json"], "{}") }
        try await withStage { stage in
            let server = try stage.server("http://127.0.0.1:\(provider.port)")
            try await server.introduce()
            let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            let meta: JSON = ["traceparent": .string(trace), "tracestate": "a=1,b=2"]
            for tool in ["fleet_summary", "list_agents"] {
                _ = try await server.request("tools/call", ["name": .string(tool), "_meta": meta])
            }
            let traced = provider.requests
            #expect(traced.count >= 2)
            for request in traced {
                #expect(request.headers["traceparent"] == trace)
                #expect(request.headers["tracestate"] == "a=1,b=2")
            }
            _ = try await server.call("fleet_summary")
            #expect(provider.requests.count > traced.count)
            #expect(provider.requests.last?.headers["traceparent"] == nil)
        }
    }

    @Test(arguments: ["2025-06-18", "2025-11-25", "2026-07-28"])
    func `mcp-fuzzer finds no crash, no hang and no wrong id`(revision: String) async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 5, at: provider)
            let log = "\(stage.folder)/wire.log"
            let server = [
                python, "\(testFolder)/Clients/record_wire.py", log, product("opamp-mcp"), "--provider", provider.url,
                "--max-writes", "1000", "--confirm", "never",
            ]
            let output = "\(stage.folder)/fuzzer"
            let flags = [
                "--protocol", "stdio", "--endpoint", server.joined(separator: " "), "--spec-schema-version", revision,
                "--mode", "all", "--phase", "both", "--protocol-phase", "aggressive", "--runs", "4", "--runs-per-type",
                "4", "--seed", "1", "--timeout", "120", "--tool-timeout", "120", "--no-corpus", "--no-network",
                "--output-dir", output, "--fs-root", "\(output)/files", "--log-level", "ERROR",
            ]
            let fuzzer = try stage.start(python, ["-m", "mcp_fuzzer"] + flags, environment: ["HOME": stage.folder])
            let said = await fuzzer.remainingLines()
            #expect(await fuzzer.exitCode() == 0, "\(said.suffix(40).joined(separator: "\n"))\n\(fuzzer.log)")
            let summary = try JSON(parsing: try contents(of: "\(output)/run_summary.json"))
            #expect(summary["status"] == "completed")
            // What it takes for malformed and is answered all the same: unknown members of messages, and arguments of
            // the right kind that only look odd.
            let kinds = summary["findings"]?["by_category"]?.object?.members.map(\.key) ?? ["nothing"]
            #expect(kinds.allSatisfy { $0 == "accepted_malformed" }, "\(summary["findings"]?.text ?? "")")
            let tools = try #require(summary["tools"]?["by_name"]?.object?.members)
            #expect(tools.count >= 9)
            for (tool, result) in tools {
                #expect(result["outcomes"]?["crashed"] == 0, "\(tool)")
                #expect(result["outcomes"]?["anomaly"] == 0, "\(tool)")
                #expect(result["exceptions"] == 0, "\(tool)")
            }
            try await checkWire(stage, [log])
            #expect(provider.child.log == "")
        }
    }
}

/// Checks what servers wrote; what is wrong with it is an issue of the test.
///
/// - Returns: how many lines of each kind were checked, by revision.
@discardableResult
func checkWire(_ stage: Stage, _ logs: [String]) async throws -> JSON {
    let check = try stage.start(python, ["\(testFolder)/Clients/check_wire.py"] + logs)
    let lines = await check.remainingLines()
    #expect(await check.exitCode() == 0, "\(check.log)")
    return try JSON(parsing: try #require(lines.first, "\(check.log)"))
}
