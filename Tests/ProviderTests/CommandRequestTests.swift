import FleetAPI
import Logging
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

/// What the whole fleet makes of requests for commands.
@Suite(.timeLimit(.minutes(5))) struct CommandRequestTests {
    private let caller = Caller(name: "ann", address: "127.0.0.1:5")

    private func fleet() throws -> (Fleet, Reporter) {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let fleet = try Fleet(dataDirectory: nil, version: "1", logger: logger)
        var agent = Reporter()
        fleet.receive(agent.full(), over: exchange()) { _ in }
        return (fleet, agent)
    }

    @Test(arguments: [(nil, 300), (1, 90), (200, 200)] as [(Int?, Int64)])
    func `a command waits at least three expected intervals, 300 s unless asked`(asked: Int?, seconds: Int64)
        async throws
    {
        let (fleet, _) = try fleet()
        var request = CommandRequest(command: "resync")
        request.expiresSeconds = asked
        let command = try await fleet.queue(request, for: "web-17", caller: caller, idempotencyKey: nil)
        #expect(command.expiresAt - command.queuedAt == .seconds(seconds))
    }

    @Test func `a command keeps who asked for it, from where and when`() async throws {
        let (fleet, _) = try fleet()
        let command = try await fleet.queue(
            CommandRequest(command: "resync"), for: "web-17", caller: caller, idempotencyKey: nil)
        #expect(command.requestedBy == "ann" && command.requestedFrom == "127.0.0.1:5")
        #expect(command.queuedAt > Timestamp(seconds: 1_700_000_000) && command.sentAt == nil)
        let withdrawn = try await fleet.cancel(command.id, caller: caller)
        #expect(withdrawn.state == .cancelled && withdrawn.result == "withdrawn by ann")
        #expect(try #require(withdrawn.finishedAt) >= command.queuedAt)
    }

    @Test func `an idempotency key is the caller's own, and means one request to one agent`() async throws {
        let (fleet, _) = try fleet()
        let request = CommandRequest(command: "resync")
        let first = try await fleet.queue(request, for: "web-17", caller: caller, idempotencyKey: "k")
        let again = try await fleet.queue(request, for: "web-17", caller: caller, idempotencyKey: "k")
        #expect(again.id == first.id)
        let bob = Caller(name: "bob", address: "127.0.0.1:6")
        let other = try await fleet.queue(request, for: "web-17", caller: bob, idempotencyKey: "k")
        #expect(other.id != first.id)
        let refused = await #expect(throws: Problem.self) {
            try await fleet.queue(
                CommandRequest(command: "restart"), for: "web-17", caller: caller, idempotencyKey: "k")
        }
        #expect(refused?.status == 422 && refused?.field == "Idempotency-Key" && refused?.value == "k")
        #expect(try await fleet.commands(agent: nil, state: nil, limit: 9, cursor: nil).matched == 2)
    }

    @Test func `requests with one key at the same time become one command`() async throws {
        let (fleet, _) = try fleet()
        let ids = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    try? await fleet.queue(
                        CommandRequest(command: "resync"), for: "web-17", caller: caller, idempotencyKey: "k"
                    ).id
                }
            }
            return await group.reduce(into: Set<String>()) { ids, id in if let id { ids.insert(id) } }
        }
        #expect(ids.count == 1)
        #expect(try await fleet.commands(agent: nil, state: nil, limit: 99, cursor: nil).matched == 1)
    }

    @Test func `a request that was refused leaves its key free`() async throws {
        let (fleet, _) = try fleet()
        await #expect(throws: Problem.self) {
            try await fleet.queue(CommandRequest(command: "resync"), for: "nobody", caller: caller, idempotencyKey: "k")
        }
        let command = try await fleet.queue(
            CommandRequest(command: "resync"), for: "web-17", caller: caller, idempotencyKey: "k")
        #expect(command.state == .queued)
    }

    @Test func `the second restart of an agent is refused with the first one's id`() async throws {
        let (fleet, _) = try fleet()
        let restart = CommandRequest(command: "restart")
        let first = try await fleet.queue(restart, for: "web-17", caller: caller, idempotencyKey: nil)
        let refused = await #expect(throws: Problem.self) {
            try await fleet.queue(restart, for: "web-17", caller: caller, idempotencyKey: nil)
        }
        #expect(refused?.status == 409 && refused?.commandID == first.id)
    }

    @Test func `a command that nothing can prove is unconfirmed at once, and says why`() throws {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(), over: link)
        var command = Command()
        (command.id, command.command, command.proof) = ("n", "nullcommand", .nothing)
        (command.queuedAt, command.expiresAt) = (stage.now.wall, stage.now.wall + .seconds(300))
        var open = OpenCommand(command)
        open.startWaiting(at: stage.now)
        open.send(at: stage.now, startTimes: [])
        #expect(open.command.state == .unconfirmed && open.command.finishedAt == stage.now.wall)
        #expect(open.command.result == "this agent does not report the outcome of such a command")
    }
}
