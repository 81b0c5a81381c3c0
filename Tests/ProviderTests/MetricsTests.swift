import FleetAPI
import Foundation
import HTTP
import JSON
import Logging
import OpAMP
import Testing

@testable import Provider

private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Reads the text format 0.0.4 strictly: each family once, help and type before its samples, names and labels of the
/// allowed characters, numbers that are numbers, buckets that grow up to the count.
struct MetricsReading {
    struct Sample: Equatable {
        let name: String
        let labels: [String: String]
        let value: Double
    }

    struct Malformed: Error { let line: String }

    private(set) var samples: [Sample] = []
    private(set) var types: [String: String] = [:]

    init(_ text: String) throws {
        guard text.hasSuffix("\n"), !text.contains("\r") else { throw Malformed(line: "the end") }
        var family = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            func malformed() -> Malformed { Malformed(line: String(line)) }
            if let match = line.wholeMatch(of: #/# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (\S.*)/#) {
                family = String(match.1)
                guard types[family] == nil else { throw malformed() }
            } else if let match = line.wholeMatch(of: #/# TYPE (\S+) (counter|gauge|histogram)/#) {
                guard family == match.1, types[family] == nil else { throw malformed() }
                types[family] = String(match.2)
            } else {
                let shape = #/([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9][0-9.e+-]*|\+Inf|NaN)/#
                guard let match = line.wholeMatch(of: shape), let value = Double(match.3) else { throw malformed() }
                let name = String(match.1)
                let ends = types[family] == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
                guard ends.contains(where: { name == family + $0 }) else { throw malformed() }
                guard types[family] != "counter" || family.hasSuffix("_total") else { throw malformed() }
                var labels: [String: String] = [:]
                var rest = (match.2 ?? "")[...]
                while !rest.isEmpty {
                    guard
                        let pair = rest.prefixMatch(of: #/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/#),
                        labels.updateValue(String(pair.2), forKey: String(pair.1)) == nil
                    else { throw malformed() }
                    rest = rest[pair.range.upperBound...]
                }
                samples.append(Sample(name: name, labels: labels, value: value))
            }
        }
        for (name, type) in types where type == "histogram" {
            var last: [[String: String]: Double] = [:]
            for sample in samples where sample.name == name + "_bucket" {
                let rest = sample.labels.filter { $0.key != "le" }
                guard sample.value >= last[rest, default: 0] else { throw Malformed(line: "\(sample)") }
                last[rest] = sample.value
            }
            for (labels, count) in last where self[name + "_count", labels] != count { throw Malformed(line: name) }
        }
        guard Set(samples.map { "\($0.name)\($0.labels.sorted { $0.key < $1.key })" }).count == samples.count else {
            throw Malformed(line: "a sample comes twice")
        }
    }

    subscript(name: String, labels: [String: String] = [:]) -> Double? {
        samples.first { $0.name == name && $0.labels == labels }?.value
    }

    /// The sum over the samples that have these labels among theirs.
    func sum(_ name: String, _ labels: [String: String] = [:]) -> Double {
        samples.filter { sample in sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value } }
            .reduce(0) { $0 + $1.value }
    }
}

extension TransportTestProvider {
    func metrics() async throws -> MetricsReading {
        let answer = try await request(.get, "/metrics")
        #expect(answer.status == 200)
        #expect(answer.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
        return try MetricsReading(String(decoding: answer.body, as: UTF8.self))
    }
}

@Suite(.timeLimit(.minutes(5))) struct MetricsTests {
    @Test func `every family is there from the start, and counts what happens`() async throws {
        try await TransportTestProvider.with { provider in
            let before = try await provider.metrics()
            #expect(before.sum("opamp_agents") == 0 && before["opamp_build_info", ["version": "1.2.3"]] == 1)
            var (polling, bad, open) = (Reporter(1), Reporter(2), Reporter(3))
            bad.host = "\"} 1\nopamp_agents 99\n"
            try await TransportTestConnection.with(port: provider.port) { connection in
                for message in [polling.full(), polling.beat(), polling.beat(), bad.full(healthy: false)] {
                    let answer = try await connection.post(try message.body())
                    #expect(answer.status == 200)
                }
                let answer = try await connection.post([1, 2, 3])
                #expect(answer.status == 400)
            }
            try await TransportTestConnection.with(port: provider.port) { socket in
                _ = try await socket.upgrade()
                try await socket.sendFrame(2, try open.full().frame())
                _ = try await socket.message()
                _ = try await provider.request(.get, "/api/v1/agents/\(polling.uid)")
                _ = try await provider.request(.get, "/api/v1/agents/abcdef")
                _ = try await provider.request(.get, "/nowhere/\(polling.uid)")
                _ = try await provider.request(.put, "/api/v1/info", headers: [("Content-Type", "application/json")])
                let command = try await provider.request(
                    .post, "/api/v1/agents/\(open.uid)/commands", headers: [("Content-Type", "application/json")],
                    body: Array(#"{"command":"resync"}"#.utf8))
                #expect(command.status == 202)
                await provider.fleet.store.settled()
                let after = try await provider.metrics()
                #expect(after.sum("opamp_agents") == 3)
                #expect(after.sum("opamp_agents", ["transport": "websocket", "status": "connected"]) == 1)
                #expect(after.sum("opamp_agents", ["health": "unhealthy", "admission": "approved"]) == 1)
                #expect(after["opamp_messages_received_total", ["transport": "http"]] == 4)
                #expect(after["opamp_messages_received_total", ["transport": "websocket"]] == 1)
                #expect(after["opamp_error_answers_total", ["type": "bad_request"]] == 1)
                #expect(after.sum("opamp_agent_received_bytes_total", ["transport": "http"]) > 100)
                #expect(after.sum("opamp_agent_sent_bytes_total", ["transport": "websocket"]) > 20)
                #expect(after["opamp_websockets"] == 1 && after.sum("opamp_connections") >= 2)
                #expect(after["opamp_commands_total", ["state": "queued"]] == 1)
                #expect(after.sum("opamp_commands_open") == 1)
                #expect(after["opamp_events_total", ["kind": "connected"]] == 3)
                #expect(after.sum("opamp_store_write_seconds_count") >= 1 && after["opamp_store_writable"] == 1)
                let requests = "opamp_http_requests_total"
                let agent = "/api/v1/agents/{ref}"
                #expect(after[requests, ["route": agent, "method": "GET", "status": "2xx"]] == 1)
                #expect(after[requests, ["route": agent, "method": "GET", "status": "4xx"]] == 1)
                #expect(after[requests, ["route": "none", "method": "GET", "status": "4xx"]] == 1)
                #expect(after[requests, ["route": "none", "method": "PUT", "status": "4xx"]] == 1)
                #expect(after.sum("process_resident_memory_bytes") > 1_000_000)
                #expect(after.sum("process_open_fds") > 3 && after.sum("process_cpu_seconds_total") > 0)
                #expect(Set(before.types.keys) == Set(after.types.keys))
                // Whatever agents and callers say, no label has a value of theirs.
                let values = Set(after.samples.flatMap(\.labels.values))
                #expect(!values.contains { $0.contains("web-") || $0.contains("nowhere") || $0.contains("fluent") })
                #expect(!values.contains { $0.contains(polling.uid.description) })
            }
        }
    }

    @Test func `a provider is ready until it is asked to end or cannot write`() async throws {
        try await TransportTestProvider.with { provider in
            #expect(try await provider.request(.get, "/readyz").status == 200)
            #expect(try await provider.metrics()["opamp_ready"] == 1)
            let listeners = provider.fleet.metrics.listeners
            let sockets = OpenSockets()
            listeners.begins(
                "other:1",
                .init(connections: OpenConnections(openFiles: 99), sockets: sockets, inFlight: InFlightBytes(limit: 1)))
            #expect(provider.fleet.unreadiness?.detail.contains("other:1") == true)
            listeners.listens("other:1")
            #expect(provider.fleet.unreadiness == nil)
            listeners.stop()
            let answer = try await provider.request(.get, "/readyz")
            #expect(answer.status == 503)
            #expect(try JSON(parsing: answer.body)["detail"]?.string?.contains("stopping") == true)
            #expect(try await provider.request(.get, "/healthz").status == 200)
        }
    }

    @Test func `a store that cannot be written makes the provider unready until it can`() async throws {
        let directory = TemporaryDirectory()
        let fleet = try Fleet(dataDirectory: directory.path, version: "1", logger: quiet)
        #expect(fleet.unreadiness == nil)
        try fleet.store.limitPages(to: 1)
        var event = FleetEvent()
        (event.kind, event.text) = ("stale", String(repeating: "x", count: 100_000))
        fleet.store.write([.event(event)])
        fleet.store.flushNow()
        #expect(fleet.unreadiness?.status == 503)
        let full = try MetricsReading(fleet.metricsText())
        #expect(full["opamp_store_writable"] == 0 && full["opamp_store_backlog_changes"] == 1)
        #expect(full["opamp_store_errors_total"] == 1 && full["opamp_ready"] == 0)
        try fleet.store.limitPages(to: nil)
        fleet.store.flushNow()
        #expect(fleet.unreadiness == nil)
        #expect(try MetricsReading(fleet.metricsText())["opamp_store_backlog_changes"] == 0)
    }

    @Test func `a duration is counted in the first bucket that holds it`() {
        var histogram = Histogram()
        for milliseconds in [0, 1, 2, 10_000, 60_000] { histogram.add(.milliseconds(milliseconds)) }
        #expect(histogram.counts == [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1])
        #expect(histogram.count == 5 && abs(histogram.sum - 70.003) < 1e-9)
    }
}
