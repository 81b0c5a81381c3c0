import FleetAPI
import GRDB
import HTTP
import JSON
import Logging
import OpAMP
import SwiftProtobuf
import Synchronization
import Testing

@testable import Provider

/// Who did what, when, from where, with what outcome.
@Suite(.timeLimit(.minutes(5))) struct AuditTests {
    private let ann = Caller(name: "ann", address: "10.0.0.1:5")
    private let bob = Caller(name: "bob", address: "10.0.0.2:6")

    private func fleet() throws -> Fleet {
        try Fleet(dataDirectory: nil, version: "1", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Sends a message as a poller does, and waits for its answer.
    private func send(_ message: AgentToServer, to fleet: Fleet) async {
        await withCheckedContinuation { done in fleet.receive(message, over: exchange()) { _ in done.resume() } }
    }

    private func labels(_ labels: [String: String]) -> LabelsRequest {
        var request = LabelsRequest()
        request.labels = labels
        return request
    }

    private func request(_ filter: String, _ command: String, in fleet: Fleet) async throws -> OperationRequest {
        var request = OperationRequest()
        (request.filter, request.command) = (filter, command)
        request.digest = try await fleet.plan(request, caller: ann).digest
        return request
    }

    /// All entries as `action outcome`, newest first.
    private func outcomes(_ fleet: Fleet) async throws -> [String] {
        try await fleet.audit(limit: 99).entries.map { "\($0.action) \($0.outcome)" }
    }

    @Test func `a decision about agents makes one entry for each agent, refused ones too`() async throws {
        let fleet = try fleet()
        _ = try await fleet.change(settings: ["approval_required": true], caller: ann)
        var (first, second) = (Reporter(1), Reporter(2))
        second.host = "web-18"
        await send(first.full(), to: fleet)
        await send(second.full(), to: fleet)
        let decisions = AdmissionRequest([
            .init("web-17", .approve), .init("web-18", .block), .init("web-18", .approve), .init("nobody", .approve),
            .init("web-18", .unblock), .init("web-17", .approve),
        ])
        _ = try await fleet.decide(decisions, caller: bob)
        let page = try await fleet.audit(caller: "bob", limit: 9)
        #expect(page.entries.map(\.action) == ["approve", "unblock", "approve", "block", "approve"])
        #expect(
            page.entries.map(\.outcome) == ["nothing to do", "done", "409 Agent blocked", "done", "done"],
            "an agent that is not there makes no entry")
        let (one, two) = (first.uid.description, second.uid.description)
        #expect(page.entries.map(\.target) == [one, two, two, two, one])
        #expect(page.entries.allSatisfy { $0.by == "bob" && $0.from == "10.0.0.2:6" && $0.detail == nil })
    }

    @Test func `labels and settings tell what changed, from what to what`() async throws {
        let fleet = try fleet()
        var agent = Reporter()
        await send(agent.full(), to: fleet)
        _ = try await fleet.label("web-17", labels(["env": "prod", "team": "edge"]), caller: ann)
        _ = try await fleet.label("web-17", labels(["env": "dev", "extra": "1"]), caller: ann)
        _ = try await fleet.label("web-17", labels(["env": "dev", "extra": "1"]), caller: ann)
        _ = try await fleet.change(settings: ["approval_required": true, "keep_audit_days": 400], caller: ann)
        _ = try await fleet.change(settings: ["keep_audit_days": 400], caller: ann)
        let entries = try await fleet.audit(limit: 9).entries
        #expect(entries.map(\.action) == ["settings", "settings", "label", "label", "label"])
        #expect(entries.map(\.outcome) == ["nothing to do", "done", "nothing to do", "done", "done"])
        #expect(
            entries.map(\.detail) == [
                nil, "approval_required: false → true, keep_audit_days: 365 → 400", nil,
                "env: prod → dev, extra: none → 1, team: edge → none", "env: none → prod, team: none → edge",
            ])
        #expect(entries.map(\.target).suffix(3).allSatisfy { $0 == agent.uid.description })
        #expect(entries[0].target == "settings")
    }

    @Test func `commands, identify among them, and operations are noted with what they are for`() async throws {
        let fleet = try fleet()
        var (agent, other) = (Reporter(1), Reporter(2))
        other.host = "web-18"
        await send(agent.full(), to: fleet)
        await send(other.full(), to: fleet)
        let identify = try await fleet.queue(
            CommandRequest(command: "identify"), for: "web-18", caller: ann, idempotencyKey: "k")
        // The same request again is the same act.
        _ = try await fleet.queue(
            CommandRequest(command: "identify"), for: "web-18", caller: ann, idempotencyKey: "k")
        let started = try await fleet.start(
            try await request("host:web-*", "resync", in: fleet), caller: ann, idempotencyKey: nil)
        _ = try await fleet.cancelOperation(started.id, caller: bob)
        let entries = try await fleet.audit(limit: 9).entries
        #expect(entries.map(\.action) == ["stop", "start", "queue"])
        #expect(entries.map(\.target) == [started.id, started.id, other.uid.description])
        #expect(entries.map(\.detail) == [nil, "resync for 2 agents: host:web-*", "identify \(identify.id)"])
        #expect(entries.map(\.by) == ["bob", "ann", "ann"] && entries.allSatisfy { $0.outcome == "done" })
    }

    @Test func `what was refused by a decision is noted with the reason, and a wrong request is not`() async throws {
        let fleet = try fleet()
        var agent = Reporter()
        agent.capabilities = [.reportsStatus]
        await send(agent.full(), to: fleet)
        func refused(_ status: Int, _ act: () async throws -> Void) async {
            let problem = await #expect(throws: Problem.self) { try await act() }
            #expect(problem?.status == status)
        }
        let queue = { (command: String, key: String?) in
            _ = try await fleet.queue(
                CommandRequest(command: command), for: "web-17", caller: ann, idempotencyKey: key)
        }
        await refused(409) { try await queue("restart", nil) }
        let queued = try await fleet.queue(
            CommandRequest(command: "resync"), for: "web-17", caller: ann, idempotencyKey: "k")
        await refused(422) { try await queue("identify", "k") }
        await refused(400) { try await queue("dance", nil) }
        await refused(409) { try await fleet.forget("web-17", caller: ann) }
        await refused(404) { try await fleet.forget("nobody", caller: ann) }
        _ = try await fleet.cancel(queued.id, caller: ann)
        await refused(409) { _ = try await fleet.cancel(queued.id, caller: ann) }
        await refused(409) {
            var moved = try await request("host:web-*", "resync", in: fleet)
            moved.digest = "0"
            _ = try await fleet.start(moved, caller: ann, idempotencyKey: nil)
        }
        #expect(
            try await outcomes(fleet) == [
                "start 409 The targets moved", "cancel 409 Not queued any more", "cancel done",
                "forget 409 Agent connected", "queue 422 Idempotency key used", "queue done",
                "queue 409 Agent cannot do it",
            ])
        let entries = try await fleet.audit(limit: 9).entries
        let uid = agent.uid.description
        #expect(entries.map(\.target) == ["operation", queued.id, queued.id, uid, uid, uid, uid])
        #expect(entries.first?.detail == "resync for the agents of: host:web-*" && entries.last?.detail == "restart")
    }

    @Test func `what could not be written was not done and is not noted`() async throws {
        let fleet = try fleet()
        var agent = Reporter()
        await send(agent.full(), to: fleet)
        let start = try await request("host:web-*", "resync", in: fleet)
        let prod = labels(["env": "prod"])
        try await fleet.store.database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = 1") }
        let acts: [() async throws -> Void] = [
            { _ = try await fleet.label("web-17", prod, caller: ann) },
            { _ = try await fleet.change(settings: ["approval_required": true], caller: ann) },
            { _ = try await fleet.start(start, caller: ann, idempotencyKey: nil) },
        ]
        for act in acts {
            let refused = await #expect(throws: Problem.self) { try await act() }
            #expect(refused?.status == 507)
        }
        let decided = await #expect(throws: Problem.self) {
            try await fleet.decide(AdmissionRequest([.init("web-17", .block)]), caller: ann)
        }
        #expect(decided?.status == 507)
        try await fleet.store.database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = 0") }
        #expect(try await fleet.audit(limit: 9).entries.isEmpty)
    }

    @Test func `the audit of an agent holds its commands, its former uids, and outlasts it`() async throws {
        let fleet = try fleet()
        var (agent, other) = (Reporter(1), Reporter(2))
        other.host = "web-18"
        await send(agent.full(), to: fleet)
        await send(other.full(), to: fleet)
        _ = try await fleet.label("web-17", labels(["env": "prod"]), caller: ann)
        _ = try await fleet.label("web-18", labels(["env": "prod"]), caller: ann)
        let command = try await fleet.queue(
            CommandRequest(command: "resync"), for: "web-17", caller: ann, idempotencyKey: nil)
        _ = try await fleet.cancel(command.id, caller: ann)
        let former = agent.uid
        let offered = fleet.state.withLock { $0.offerUID(for: former, at: .now()) }
        var renamed = agent.full()
        renamed.instanceUid = offered.data
        await send(renamed, to: fleet)
        _ = try await fleet.label("web-17", labels(["env": "dev"]), caller: ann)
        for reference in ["web-17", former.description, offered.description] {
            let page = try await fleet.audit(agent: reference, limit: 9)
            #expect(page.entries.map(\.action) == ["label", "cancel", "queue", "label"] && page.matched == 4)
        }
        var goodbye = renamed
        goodbye.agentDisconnect = AgentDisconnect()
        goodbye.sequenceNum += 1
        await send(goodbye, to: fleet)
        try await fleet.forget("web-17", caller: ann)
        #expect(try await fleet.audit(agent: offered.description, limit: 1).entries.map(\.action) == ["forget"])
        let unknown = await #expect(throws: Problem.self) { try await fleet.audit(agent: "web-17", limit: 1) }
        #expect(unknown?.status == 404)
    }

    @Test func `the audit is read in pages, newest first, and by who, what and when`() async throws {
        try await TransportTestProvider.with { provider in
            let json = [(name: "Content-Type", value: "application/json")]
            for days in 366...370 {
                let body = Array(#"{"keep_audit_days":\#(days)}"#.utf8)
                let answer = try await provider.request(.put, "/api/v1/settings", headers: json, body: body)
                #expect(answer.status == 200)
            }
            let path = "/api/v1/audit"
            var (found, cursor): ([String], String?) = ([], nil)
            repeat {
                let page = try await provider.json(path + "?limit=2" + (cursor.map { "&cursor=\($0)" } ?? ""))
                #expect(page["matched"] == 5)
                found += page["entries"]?.array?.compactMap { $0["detail"]?.string } ?? []
                cursor = page["next"]?.string
            } while cursor != nil
            #expect(found.count == 5 && found.first == "keep_audit_days: 369 → 370")
            #expect(found.last == "keep_audit_days: 365 → 366")
            let entry = try #require(try await provider.json(path)["entries"]?.array?.first)
            #expect(entry["by"] == "anonymous" && entry["from"]?.string?.hasPrefix("127.0.0.1:") == true)
            let counts = [
                "action=settings": 5, "action=queue": 0, "caller=anonymous": 5, "caller=ann": 0, "target=settings": 5,
                "since=1h": 5, "since=2100-01-01T00:00:00Z": 0, "action=settings&since=2020-01-01T00:00:00Z": 5,
            ]
            for (query, count) in counts {
                #expect(try await provider.json("\(path)?\(query)")["matched"] == .integer(count), "\(query)")
            }
            for (query, field) in [
                ("since=yesterday", "since"), ("since=-1h", "since"), ("since=h", "since"), ("cursor=!", "cursor"),
                ("limit=0", "limit"), ("who=ann", "who"),
            ] {
                let answer = try await provider.request(.get, "\(path)?\(query)")
                #expect(answer.status == 400)
                #expect(try JSON(parsing: answer.body)["field"] == .string(field))
            }
            #expect(try await provider.json("/api/v1/info")["api"]?.array?.contains("audit") == true)
        }
    }
}
