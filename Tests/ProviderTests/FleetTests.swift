import FleetAPI
import Logging
import OpAMP
import SwiftProtobuf
import Synchronization
import Testing

@testable import Provider

@Suite struct FleetTests {
    /// A fleet in memory with that many agents, `web-00` and on, every tenth unhealthy.
    private func fleet(_ count: Int) throws -> Fleet {
        let fleet = try Fleet(dataDirectory: nil, version: "1", logger: Logger(label: "test"))
        for number in 0..<count {
            var agent = Reporter(UInt64(number) * 0x1_0001)
            agent.host = "web-" + (number < 10 ? "0" : "") + String(number)
            fleet.receive(agent.full(healthy: number % 10 != 3), over: webSocket()) { _ in }
        }
        return fleet
    }

    @Test(arguments: [nil, "host", "-host", "version", "last_seen", "-started"] as [String?])
    func `pages join to the whole, without gaps or repeats`(sort: String?) throws {
        let fleet = try fleet(23)
        var query = AgentQuery(filter: Filter(), sort: sort, limit: 5)
        var uids: [String] = []
        repeat {
            let page = try fleet.agents(query)
            #expect(page.total == 23 && page.matched == 23)
            uids += page.agents.map(\.instanceUID)
            query.cursor = page.next
        } while query.cursor != nil
        #expect(uids.count == 23 && Set(uids).count == 23)
        query.limit = 100
        #expect(try fleet.agents(query).agents.map(\.instanceUID) == uids)
    }

    @Test func `problems come first, then hosts in order`() throws {
        let hosts = try fleet(12).agents(AgentQuery(filter: Filter(), limit: 4)).agents.map { $0.host ?? "" }
        #expect(hosts == ["web-03", "web-00", "web-01", "web-02"])
    }

    @Test func `a filter narrows lists and totals alike`() throws {
        let fleet = try fleet(30)
        let filter = try Filter("health:unhealthy host:web-1*")
        let page = try fleet.agents(AgentQuery(filter: filter))
        #expect(page.agents.map(\.host) == ["web-13"] && page.matched == 1 && page.total == 30)
        let summary = try fleet.summary(Filter(), groupBy: ["type", "health"])
        #expect(summary.groups.map(\.values) == [["fluent-bit", "healthy"], ["fluent-bit", "unhealthy"]])
        #expect(summary.groups.map(\.count) == [27, 3] && summary.groups[1].problems == 3)
    }

    @Test(arguments: ["", ".", "zz.!!", "0.ffffff", "0."])
    func `a cursor that leads nowhere is refused`(cursor: String) throws {
        let problem = #expect(throws: Problem.self) {
            try fleet(3).agents(AgentQuery(filter: Filter(), cursor: cursor))
        }
        #expect(problem?.status == 400 && problem?.field == "cursor")
    }

    @Test func `find takes the exact before the partial, and near misses only alone`() throws {
        let fleet = try fleet(25)
        let exact = fleet.find("WEB-07", limit: 5)
        #expect(exact.matches.first?.agent.host == "web-07" && exact.matches.first?.quality == "exact")
        let prefix = fleet.find("web-1", limit: 3)
        #expect(prefix.matched == 10 && prefix.matches.map(\.quality) == ["prefix", "prefix", "prefix"])
        let near = fleet.find("wbe-07", limit: 1)
        #expect(near.matches.map(\.agent.host) == ["web-07"] && near.matches[0].quality == "near")
        #expect(fleet.find("nothing of the kind", limit: 5).matches.isEmpty)
    }

    @Test func `an unknown reference names the nearest, an ambiguous one its candidates`() async throws {
        let fleet = try fleet(5)
        var twin = Reporter(99)
        twin.host = "web-04"
        fleet.receive(twin.full(), over: webSocket()) { _ in }
        let unknown = await #expect(throws: Problem.self) { try await fleet.detail("web-40", include: []) }
        #expect(unknown?.status == 404 && unknown?.candidates?.isEmpty == false)
        let ambiguous = await #expect(throws: Problem.self) { try await fleet.detail("web-04", include: []) }
        #expect(ambiguous?.status == 409 && ambiguous?.candidates?.count == 2)
    }

    @Test func `a command is pushed once it is stored, and the wait ends with its outcome`() async throws {
        let fleet = try Fleet(dataDirectory: nil, version: "1", logger: Logger(label: "test"))
        let agent = Mutex(Reporter())
        let pushed = Mutex<[ServerToAgent]>([])
        let link = Mutex<Link?>(nil)
        let made = Link(
            transport: .webSocket, remoteAddress: nil,
            push: { message in
                guard message.hasCommand else { return }
                pushed.withLock { $0.append(message) }
                let report = agent.withLock { $0.health(1_763_892_000_000_000_000) }
                if let link = link.withLock({ $0 }) { fleet.receive(report, over: link) { _ in } }
            })
        link.withLock { $0 = made }
        fleet.receive(agent.withLock { $0.full() }, over: made) { _ in }

        let caller = Caller(name: "test", address: "127.0.0.1")
        let queued = try await fleet.queue(
            CommandRequest(command: "restart"), for: "web-17", caller: caller, idempotencyKey: "k"
        )
        let command = try await fleet.command(queued.id, wait: .seconds(20))
        #expect(command.state == .confirmed && command.requestedBy == "test")
        #expect(pushed.withLock { $0.count } == 1)

        let again = try await fleet.queue(
            CommandRequest(command: "restart"), for: "web-17", caller: caller, idempotencyKey: "k"
        )
        #expect(again.id == queued.id, "the same request with the same key is the same command")
        let other = await #expect(throws: Problem.self) {
            try await fleet.queue(
                CommandRequest(command: "resync"), for: "web-17", caller: caller, idempotencyKey: "k"
            )
        }
        #expect(other?.status == 422)
        #expect(pushed.withLock { $0.count } == 1)
        link.withLock { $0 = nil }
    }

    @Test func `over HTTP the answer waits until the command it carries is stored`() async throws {
        let fleet = try Fleet(dataDirectory: nil, version: "1", logger: Logger(label: "test"))
        var agent = Reporter()
        fleet.receive(agent.full(), over: exchange()) { _ in }
        let caller = Caller(name: "test", address: "127.0.0.1")
        let queued = try await fleet.queue(
            CommandRequest(command: "restart"), for: "web-17", caller: caller, idempotencyKey: nil
        )
        #expect(queued.state == .queued && queued.nextReportSeconds != nil)
        let message = agent.beat()
        let answer = await withCheckedContinuation { continuation in
            fleet.receive(message, over: exchange()) { continuation.resume(returning: $0.message) }
        }
        #expect(answer.hasCommand && answer.flags == 0 && !answer.hasCustomCapabilities)
        #expect(try await fleet.command(queued.id, wait: .zero).state == .sent)
        let late = await #expect(throws: Problem.self) { try await fleet.cancel(queued.id, caller: caller) }
        #expect(late?.status == 409)
    }

    @Test func `a wait for a command ends when its task is cancelled`() async throws {
        let fleet = try fleet(1)
        let caller = Caller(name: "test", address: "127.0.0.1")
        let queued = try await fleet.queue(
            CommandRequest(command: "restart"), for: "web-00", caller: caller, idempotencyKey: nil
        )
        let state = await withTaskGroup(of: CommandState?.self) { group in
            group.addTask { try? await fleet.command(queued.id, wait: .seconds(600)).state }
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(state == .sent)
    }

    @Test func `agents that are connected are not forgotten, others are`() async throws {
        let fleet = try Fleet(dataDirectory: nil, version: "1", logger: Logger(label: "test"))
        var agent = Reporter()
        fleet.receive(agent.full(), over: exchange()) { _ in }
        let caller = Caller(name: "test", address: "127.0.0.1")
        let refused = await #expect(throws: Problem.self) { try await fleet.forget("web-17", caller: caller) }
        #expect(refused?.status == 409)
        var goodbye = agent.beat()
        goodbye.agentDisconnect = AgentDisconnect()
        fleet.receive(goodbye, over: exchange()) { _ in }
        try await fleet.forget("web-17", caller: caller)
        #expect(fleet.info().agents == 0)
    }
}
