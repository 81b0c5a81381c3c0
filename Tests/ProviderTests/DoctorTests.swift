import FleetAPI
import Foundation
import Glibc
import JSON
import Logging
import OpAMP
import TestSupport
import Testing

@testable import Provider

private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// What is wrong is said in words, with the way out.
@Suite(.timeLimit(.minutes(5))) struct DoctorTests {
    private let directory = TemporaryDirectory()

    /// A doctor for this directory; nobody listens where it looks, unless said otherwise.
    private func doctor(agents: Int? = nil, url: String? = nil, now: Timestamp = Moment.now().wall) -> Doctor {
        Doctor(
            directory: directory.path, listen: Authority("127.0.0.1:9")!, url: url, agents: agents, token: nil,
            caFile: nil, now: now)
    }

    private func fill() throws {
        let fleet = try Fleet(dataDirectory: directory.path, version: "1", logger: quiet)
        var agent = Reporter(1)
        fleet.receive(agent.full(), over: webSocket()) { _ in }
        try fleet.store.close()
    }

    private func outcome(_ check: String, _ findings: [Finding]) -> Finding.Outcome? {
        findings.first { $0.check == check }?.outcome
    }

    @Test func `a data directory in order is found so`() async throws {
        try fill()
        let findings = await doctor().examine()
        for check in ["data directory", "database", "open files", "retention", "address"] {
            #expect(outcome(check, findings) == .ok, "\(findings)")
        }
        #expect(!findings.contains { $0.outcome == .fail }, "\(findings)")
        #expect(findings.allSatisfy { ($0.outcome == .ok) || $0.advice != nil })
    }

    @Test func `a directory that is not there yet is a warning, a file in its place a failure`() async throws {
        #expect(outcome("data directory", await doctor().examine()) == .warn)
        try Data().write(to: URL(fileURLWithPath: directory.path))
        #expect(outcome("data directory", await doctor().examine()) == .fail)
    }

    @Test(arguments: [(0o755, Finding.Outcome.warn), (0o770, .fail), (0o700, .ok)])
    func `others must not get at the data`(mode: Int, expected: Finding.Outcome) async throws {
        try fill()
        chmod(directory.path, mode_t(mode))
        let findings = await doctor().examine()
        #expect(outcome("data directory", findings) == expected)
        if expected != .ok {
            #expect(findings.contains { $0.advice?.hasPrefix("chmod -R go= ") == true })
        }
        chmod(directory.path + "/fleet.sqlite", 0o644)
        if expected == .ok { #expect(outcome("data directory", await doctor().examine()) == .warn) }
    }

    @Test func `a damaged database is a failure, with the command that restores it`() async throws {
        try fill()
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: directory.path + "/fleet.sqlite"))
        try file.seek(toOffset: 0)
        try file.write(contentsOf: Data(repeating: 0x55, count: 8_192))
        try file.close()
        let finding = try #require(await doctor().examine().first { $0.check == "database" })
        #expect(finding.outcome == .fail && finding.advice?.contains("opamp-provider restore") == true, "\(finding)")
    }

    @Test func `a clock behind what was stored, and more agents than files, are failures`() async throws {
        try fill()
        let early = await doctor(now: Timestamp("2026-01-01T00:00:00Z")!).examine()
        #expect(outcome("clock", early) == .fail)
        let many = await doctor(agents: 9_000_000_000).examine()
        let finding = try #require(many.first { $0.check == "open files" })
        #expect(finding.outcome == .fail && finding.advice?.contains("LimitNOFILE") == true)
    }

    @Test func `history that was not cleared away is told`() async throws {
        try fill()
        let late = await doctor(now: Moment.now().wall + .seconds(40 * 86_400)).examine()
        #expect(late.contains { $0.check == "retention" && $0.outcome == .warn && $0.text.contains("of events") })
    }

    @Test func `a provider that runs is asked whether it is ready`() async throws {
        try fill()
        try await TransportTestProvider.with { provider in
            let url = "http://127.0.0.1:\(provider.port)"
            let ready = await doctor(url: url).examine()
            #expect(outcome("ready", ready) == .ok)
            // It has another directory, in memory.
            #expect(outcome("provider", ready) == .warn)
            provider.fleet.metrics.listeners.stop()
            let stopping = try #require(await doctor(url: url).examine().first { $0.check == "ready" })
            #expect(stopping.outcome == .fail && stopping.text.contains("stopping"))
        }
    }

    @Test func `an address of another program, and one where nobody is, are failures`() async throws {
        let server = ScriptedServer { _ in .answer(200, "<html>") }
        let other = await doctor(url: server.url).examine()
        #expect(outcome("address", other) == .fail)
        server.stop()
        #expect(outcome("provider", await doctor(url: "http://127.0.0.1:9").examine()) == .fail)
    }

    @Test func `a directory that a provider has open is told from one that none has`() async throws {
        let fleet = try Fleet(dataDirectory: directory.path, version: "1", logger: quiet)
        let findings = await doctor().examine()
        let provider = try #require(findings.first { $0.check == "provider" })
        #expect(provider.outcome == .warn && provider.advice?.contains("--url") == true)
        #expect(outcome("database", findings) == .ok)
        // Looking changed nothing: it can still be used and closed.
        try fleet.store.close()
        #expect(outcome("address", await doctor().examine()) == .ok)
    }

    @Test func `findings are lines, and JSON`() {
        let finding = Finding("clock", .warn, "it is late", "sleep")
        #expect(finding.description == "warn  clock: it is late\n      sleep")
        #expect(finding.json.text == #"{"advice":"sleep","check":"clock","outcome":"warn","text":"it is late"}"#)
    }
}
