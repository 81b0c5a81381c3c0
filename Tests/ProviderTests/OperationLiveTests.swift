import FleetAPI
import HTTP
import JSON
import Logging
import OpAMP
import Synchronization
import Testing

@testable import Provider

/// Operations as REST offers them.
@Suite(.timeLimit(.minutes(5))) struct OperationLiveTests {
    private let caller = Caller(name: "ann", address: "127.0.0.1:5")

    /// A fleet of agents on WebSockets, `web-00` and on, that restart as soon as they are told to.
    private func fleet(_ count: Int) throws -> Fleet {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let fleet = try Fleet(dataDirectory: nil, version: "1", logger: logger)
        for number in 0..<count {
            let agent = Mutex(Reporter(UInt64(number) * 0x1_0001))
            agent.withLock { $0.host = "web-" + (number < 10 ? "0" : "") + String(number) }
            let answering = AnsweringLink(fleet)
            answering.answer = { message in
                message.hasCommand ? agent.withLock { $0.health(1_763_892_000_000_000_000) } : nil
            }
            fleet.receive(agent.withLock { $0.full() }, over: answering.link) { _ in }
        }
        return fleet
    }

    private func request(_ filter: String, _ command: String = "restart") -> OperationRequest {
        var request = OperationRequest()
        (request.filter, request.command) = (filter, command)
        return request
    }

    @Test func `a dry run says who would get the command and who cannot, and changes nothing`() async throws {
        let fleet = try fleet(30)
        var poor = Reporter(999)
        (poor.host, poor.capabilities) = ("web-99", [.reportsStatus])
        fleet.receive(poor.full(), over: webSocket()) { _ in }
        var asked = request("host:web-*")
        asked.dryRun = true
        let plan = try await fleet.plan(asked, caller: caller)
        #expect(plan.matched == 31 && plan.targets == 30)
        #expect(plan.excluded == ["without the capability AcceptsRestartCommand": 1])
        #expect(plan.types == ["fluent-bit": 30] && plan.status == ["connected": 30])
        #expect(plan.first.count == 10 && plan.digest.utf8.count == 32)
        #expect(
            try await fleet.plan(asked, caller: caller).digest == plan.digest, "the same agents have the same digest")
        asked.command = "resync"
        #expect(try await fleet.plan(asked, caller: caller).digest != plan.digest)
        #expect(try await fleet.commands(agent: nil, state: nil, limit: 1, cursor: nil).matched == 0)
        #expect(try await fleet.operations(limit: 1, cursor: nil).matched == 0)
    }

    @Test func `agents that wait, are blocked or in conflict are left out, each with the reason`() async throws {
        let fleet = try fleet(1)
        var (blocked, doubled, copy, waiting) = (Reporter(11), Reporter(12), Reporter(12), Reporter(13))
        (blocked.host, doubled.host, copy.host, waiting.host) = ("web-11", "web-12", "copy-12", "web-13")
        fleet.receive(blocked.full(), over: webSocket()) { _ in }
        _ = try await fleet.decide(AdmissionRequest([.init("web-11", .block)]), caller: caller)
        let (own, foreign) = (webSocket(), webSocket())
        fleet.receive(doubled.full(), over: own) { _ in }
        fleet.receive(copy.full(), over: foreign) { _ in }
        fleet.receive(doubled.beat(), over: own) { _ in }
        for _ in 0..<4 { fleet.receive(copy.beat(), over: foreign) { _ in } }
        _ = try await fleet.change(settings: ["approval_required": true], caller: caller)
        fleet.receive(waiting.full(), over: webSocket()) { _ in }

        var asked = request("host:web-*", "resync")
        let plan = try await fleet.plan(asked, caller: caller)
        #expect(plan.matched == 4 && plan.targets == 1)
        #expect(plan.excluded == ["Agent blocked": 1, "Agent in conflict": 1, "Agent pending": 1])
        for (host, reason) in [
            ("web-11", "Agent blocked"), ("web-12", "Agent in conflict"), ("web-13", "Agent pending"),
        ] {
            asked.filter = "host:\(host)"
            asked.digest = try await fleet.plan(asked, caller: caller).digest
            let one = asked
            let refused = await #expect(throws: Problem.self) {
                try await fleet.start(one, caller: caller, idempotencyKey: nil)
            }
            #expect(refused?.status == 409 && refused?.detail.contains("1 \(reason)") == true)
        }
    }

    @Test func `the first by uid are a canary, and skipped ones stay out`() async throws {
        let fleet = try fleet(12)
        var asked = request("host:web-*")
        asked.limit = 3
        let plan = try await fleet.plan(asked, caller: caller)
        #expect(plan.targets == 3 && plan.first.compactMap(\.host) == ["web-00", "web-01", "web-02"])
        asked.skip = [plan.first[0].instanceUID]
        let other = try await fleet.plan(asked, caller: caller)
        #expect(other.first.compactMap(\.host) == ["web-01", "web-02", "web-03"])
        #expect(other.excluded == ["left out by skip": 1])
    }

    @Test func `it runs to the end, and tells counts instead of rows`() async throws {
        let fleet = try fleet(25)
        var asked = request("host:web-*")
        asked.digest = try await fleet.plan(asked, caller: caller).digest
        asked.maxInFlight = 3
        let started = try await fleet.start(asked, caller: caller, idempotencyKey: "k")
        let again = try await fleet.start(asked, caller: caller, idempotencyKey: "k")
        #expect(again.id == started.id, "the same request with the same key is the same operation")
        let done = try await fleet.operation(started.id, wait: .seconds(30))
        #expect(done.state == .done && done.counts == ["confirmed": 25] && done.targets == 25)
        #expect(done.exceptions == [] && done.requestedBy == "ann")
        let page = try await fleet.commands(agent: nil, state: nil, operation: started.id, limit: 100, cursor: nil)
        #expect(page.matched == 25 && page.commands.allSatisfy { $0.operation == started.id })
        let list = try await fleet.operations(limit: 9, cursor: nil)
        #expect(list.operations.map(\.id) == [started.id] && list.operations[0].counts == ["confirmed": 25])
    }

    @Test func `a write without the digest, or for other agents than planned, is refused with nothing done`()
        async throws
    {
        let fleet = try fleet(4)
        var asked = request("host:web-*")
        let missing = await #expect(throws: Problem.self) {
            try await fleet.start(asked, caller: caller, idempotencyKey: nil)
        }
        #expect(missing?.status == 400 && missing?.field == "digest")
        asked.digest = try await fleet.plan(asked, caller: caller).digest
        var newcomer = Reporter(0xffff)
        newcomer.host = "web-50"
        fleet.receive(newcomer.full(), over: webSocket()) { _ in }
        let moved = await #expect(throws: Problem.self) {
            try await fleet.start(asked, caller: caller, idempotencyKey: nil)
        }
        #expect(moved?.status == 409 && moved?.title == "The targets moved" && moved?.detail.contains("5") == true)
        asked.digest = try await fleet.plan(asked, caller: caller).digest
        asked.count = 4
        let counted = await #expect(throws: Problem.self) {
            try await fleet.start(asked, caller: caller, idempotencyKey: nil)
        }
        #expect(counted?.field == "count" && counted?.value == "4")
        #expect(try await fleet.operations(limit: 1, cursor: nil).matched == 0)
    }

    @Test func `agents that cannot take it are told as the reason why there are no targets`() async throws {
        let fleet = try fleet(2)
        var asked = request("host:web-*", "nullcommand")
        asked.digest = try await fleet.plan(asked, caller: caller).digest
        let refused = await #expect(throws: Problem.self) {
            try await fleet.start(asked, caller: caller, idempotencyKey: nil)
        }
        #expect(refused?.status == 409 && refused?.title == "No targets")
        #expect(refused?.detail.contains("2 without the capability \(CustomCapability.null)") == true)
    }

    @Test func `an operation that a person ends stays ended`() async throws {
        let fleet = try fleet(0)
        var agents: [Reporter] = []
        for number in 0..<5 {
            var agent = Reporter(UInt64(number) * 0x1_0001)
            fleet.receive(agent.full(), over: exchange()) { _ in }
            agents.append(agent)
        }
        var asked = request("type:fluent-bit", "resync")
        asked.digest = try await fleet.plan(asked, caller: caller).digest
        asked.maxInFlight = 2
        let started = try await fleet.start(asked, caller: caller, idempotencyKey: nil)
        #expect(started.counts == ["queued": 2, "waiting": 3])
        let ended = try await fleet.cancelOperation(started.id, caller: caller)
        #expect(ended.state == .cancelled && ended.counts == ["cancelled": 2, "not_sent": 3])
        #expect(ended.reason == "withdrawn by ann")
        let again = await #expect(throws: Problem.self) { try await fleet.cancelOperation(started.id, caller: caller) }
        #expect(again?.status == 409)
        let unknown = await #expect(throws: Problem.self) { try await fleet.cancelOperation("00", caller: caller) }
        #expect(unknown?.status == 404)
    }

    @Test(arguments: [
        (#"{"filter":"host:a"}"#, "command"), (#"{"command":"restart"}"#, "filter"),
        (#"{"filter":"colour:red","command":"restart","dry_run":true}"#, "filter"),
        (#"{"filter":"host:a","command":"dance","dry_run":true}"#, "command"),
        (#"{"filter":"host:a","command":"restart","dry_run":true,"max_in_flight":0}"#, "max_in_flight"),
        (#"{"filter":"host:a","command":"restart","dry_run":true,"skip":["web-1"]}"#, "skip"),
        (#"{"filter":"host:a","command":"restart","dry_run":true,"limit":0}"#, "limit"),
        (#"{"filter":"host:a","command":"restart","dryrun":true}"#, "dryrun"),
        (#"{"filter":"host:a","command":"chatops","dry_run":true}"#, "parameters.tag"),
    ])
    func `a wrong request for an operation names what is wrong`(body: String, field: String) async throws {
        try await TransportTestProvider.with { provider in
            let json = [(name: "Content-Type", value: "application/json")]
            let answer = try await provider.request(
                .post, "/api/v1/operations", headers: json, body: Array(body.utf8))
            #expect(answer.status == 400)
            #expect(try JSON(parsing: answer.body)["field"] == .string(field))
        }
    }

    @Test func `operations are found by their paths`() async throws {
        try await TransportTestProvider.with { provider in
            #expect(try await provider.json("/api/v1/operations")["operations"] == [])
            #expect(try await provider.request(.get, "/api/v1/operations/00").status == 404)
            #expect(try await provider.request(.get, "/api/v1/operations?cursor=00").status == 400)
            let json = [(name: "Content-Type", value: "application/json")]
            let plan = try await provider.request(
                .post, "/api/v1/operations", headers: json,
                body: Array(#"{"filter":"host:a","command":"restart","dry_run":true}"#.utf8))
            #expect(plan.status == 200)
            #expect(try JSON(parsing: plan.body)["targets"] == 0)
        }
    }
}

/// A WebSocket whose agent answers what is pushed to it.
final class AnsweringLink: @unchecked Sendable {
    /// Set before the first message.
    var answer: @Sendable (ServerToAgent) -> AgentToServer? = { _ in nil }
    private(set) var link: Link!

    init(_ fleet: Fleet) {
        link = Link(
            transport: .webSocket, remoteAddress: nil,
            push: { [self] message in
                if let answer = answer(message) { fleet.receive(answer, over: link) { _ in } }
            })
    }
}
