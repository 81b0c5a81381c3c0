import Glibc
import HTTP
import JSON
import OpAMP
import Testing
import TestSupport

/// What those who run a provider see: its log, its numbers, how it ends.
@Suite(.timeLimit(.minutes(5))) struct OperationalTests {
    @Test func `the numbers are read by the parser of prometheus_client`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 20, at: provider)
            let metrics = try await HTTPClient().send(HTTPRequest(.get, "\(provider.url)/metrics"))
            #expect(metrics.status == 200)
            let parser = try stage.start(python, ["\(testFolder)/Clients/read_metrics.py"])
            await parser.send(metrics.body)
            parser.endInput()
            let lines = await parser.remainingLines()
            #expect(await parser.exitCode() == 0, "\(parser.log)")
            let families = try JSON(parsing: lines.first ?? "")
            #expect(families["opamp_agents"] == ["samples": 30, "sum": 20, "type": "gauge"])
            #expect(families["opamp_http_request_seconds"]?["type"] == "histogram")
            #expect((families["opamp_messages_received"]?["sum"]?.double ?? 0) >= 20)
        }
    }

    @Test func `the log as JSON has one line for each change of state, whatever agents say`() async throws {
        try await withStage { stage in
            let child = try stage.start(
                "opamp-provider", ["--listen", "127.0.0.1:0", "--in-memory", "--log-format", "json"])
            let url = try #require(try JSON(parsing: try await child.line())["listening"]?.string)
            let client = HTTPClient()
            var agent = TestAgent(7)
            for number in 0..<40 {
                var message = agent.message()
                if number == 0 {
                    message = TestAgent(7).message(host: "evil\n{\"level\":\"error\"}\u{1b}[31m\u{0}\u{202e}\\")
                }
                message.health.healthy = number < 30
                message.health.lastError = "password=hunter2 \(number)\n\""
                let answer = try await client.send(
                    HTTPRequest(
                        .post, "\(url)/v1/opamp", headers: [(name: "Content-Type", value: "application/x-protobuf")],
                        body: try message.body()))
                #expect(answer.status == 200)
            }
            child.signal(SIGTERM)
            #expect(await child.exitCode() == 0)
            let lines = child.log.split(separator: "\n")
            var told: [String] = []
            for line in lines {
                let entry = try JSON(parsing: String(line))
                #expect(entry["level"] != "error" && entry["time"]?.string?.isEmpty == false)
                guard entry["uid"]?.string == String(repeating: "07", count: 16) else { continue }
                told.append(entry["message"]?.string ?? "")
                #expect(entry["host"] == #"evil {"level":"error"}\"#)
            }
            #expect(told == ["agent connected", "agent unhealthy"], "\(told)")
            #expect(!child.log.contains("hunter2"))
        }
    }

    @Test func `the log as text keeps to its lines, whatever agents say`() async throws {
        try await withStage { stage in
            let child = try stage.start("opamp-provider", ["--listen", "127.0.0.1:0", "--in-memory"])
            let url = try #require(try JSON(parsing: try await child.line())["listening"]?.string)
            var message = TestAgent(8).message(host: "one\ntwo error\r\u{1b}[2Jthree")
            message.health.healthy = true
            _ = try await HTTPClient().send(
                HTTPRequest(
                    .post, "\(url)/v1/opamp", headers: [(name: "Content-Type", value: "application/x-protobuf")],
                    body: try message.body()))
            child.signal(SIGTERM)
            #expect(await child.exitCode() == 0)
            #expect(
                child.log.split(separator: "\n").contains { $0.contains("agent connected") && $0.contains("one two") })
            #expect(!child.log.contains("\u{1b}") && !child.log.contains("\r"))
        }
    }

    @Test func `a provider ends within 10 seconds though agents do not read, and requests have no end`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 500, at: provider)
            var silent: [RawSocket] = []
            for number in 0..<20 {
                let socket = RawSocket(port: provider.port)
                await socket.send(
                    number % 2 == 0
                        ? "POST /v1/opamp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf\r\n"
                            + "Content-Length: 100\r\n\r\nxxx"
                        : "GET /v1/opamp HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
                silent.append(socket)
            }
            let start = ContinuousClock.now
            provider.child.signal(SIGTERM)
            #expect(await provider.child.exitCode() == 0, "\(provider.child.log)")
            // The provider ends itself after 10 seconds; the rest is for a busy machine.
            #expect(start.duration(to: .now) < .seconds(20))
            withExtendedLifetime(silent) {}
        }
    }

    @Test func `the doctor ends with 1 only for what has failed`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            let flags = ["doctor", "--data-dir", "\(stage.folder)/data", "--json", "--url"]
            let well = try stage.start("opamp-provider", flags + [provider.url + "/"])
            let findings = try JSON(parsing: await well.remainingLines().joined()).array ?? []
            #expect(await well.exitCode() == 0, "\(findings)")
            for check in ["data directory", "database", "provider", "ready"] {
                #expect(findings.first { $0["check"] == .string(check) }?["outcome"] == "ok", "\(findings)")
            }
            provider.child.signal(SIGTERM)
            #expect(await provider.child.exitCode() == 0)
            let down = try stage.start("opamp-provider", Array(flags.dropLast(2)) + ["--url", provider.url])
            let lines = await down.remainingLines()
            #expect(await down.exitCode() == 1)
            #expect(lines.contains { $0.hasPrefix("fail  provider: ") })
        }
    }
}
