import JSON
import Logging
import NIOCore
import NIOWebSocket
import OpAMP
import ServiceLifecycle
import Simulator
import SwiftProtobuf
import Testing

/// The whole fleet over real WebSockets.
@Suite(.timeLimit(.minutes(1))) struct SimulatedFleetTests {
    /// Runs a fleet while `body` plays the server, then stops it as SIGTERM does, and waits for its end.
    ///
    /// - Returns: the JSON lines printed, and what the agents sent after `body`.
    private func withFleet(
        _ options: SimulationOptions, journal: Journal? = nil,
        body: (OpAMPTestServer) async throws -> Void
    ) async throws -> (lines: [JSON], last: [OpAMPTestServer.Event]) {
        let server = try await OpAMPTestServer.start()
        let (lines, output) = AsyncStream.makeStream(of: JSON.self)
        let fleet = SimulatedFleet(
            options, endpoint: try Endpoint(server.url), printsStatistics: true, journal: journal,
            logger: Logger(label: "test"),
            output: { output.yield($0) }
        )
        struct Simulation: Service {
            let fleet: SimulatedFleet
            func run() async throws { try await fleet.run() }
        }
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: Simulation(fleet: fleet), successTerminationBehavior: .gracefullyShutdownGroup)
                ],
                logger: Logger(label: "test")
            )
        )
        async let run: Void = group.run()
        try await body(server)
        await group.triggerGracefulShutdown()
        try await run
        output.finish()

        var last: [OpAMPTestServer.Event] = []
        var goodbyes = 0
        while goodbyes < options.agents, let event = await server.nextEvent() {
            last.append(event)
            if case .closeFrame = event { goodbyes += 1 }
        }
        try await server.stop()
        return (await lines.reduce(into: []) { $0.append($1) }, last)
    }

    /// The next message of any agent, answered as a server has to, with our custom capabilities.
    private func nextMessage(_ server: OpAMPTestServer) async throws -> (AgentToServer, OpAMPTestServer.Connection) {
        while let event = await server.nextEvent() {
            guard case .message(let message, let connection) = event else { continue }
            try connection.send(
                .with {
                    $0.instanceUid = message.instanceUid
                    $0.customCapabilities.capabilities = [CustomCapability.chatOps]
                }
            )
            return (message, connection)
        }
        throw CancellationError()
    }

    @Test func `agents report, restart, reply, come back after a cut and say goodbye`() async throws {
        var options = SimulationOptions(agents: 5, seed: 3)
        options.unhealthyPercent = 0
        options.heartbeat = .zero
        let (lines, last) = try await withFleet(options) { server in
            var first: [InstanceUID?: (AgentToServer, OpAMPTestServer.Connection)] = [:]
            while first.count < 5 {
                let (message, connection) = try await nextMessage(server)
                #expect(message.sequenceNum == 1 && message.hasEffectiveConfig)
                first[InstanceUID(bytes: message.instanceUid)] = (message, connection)
            }
            #expect(Set(first.keys) == Set(AgentProfile.fleet(of: 5, seed: 3).map(\.uid)))

            let (report, connection) = try #require(first.first?.value)
            try connection.send(.with { $0.command = ServerToAgentCommand() })
            let (restarted, _) = try await nextMessage(server)
            #expect(restarted.instanceUid == report.instanceUid && restarted.sequenceNum == 2)
            #expect(restarted.health.startTimeUnixNano > report.health.startTimeUnixNano)

            try connection.send(.with { $0.customMessage = CustomRequest.chatOps(tag: "ok", commandID: "ab").message })
            let reply = try CustomReply(try await nextMessage(server).0.customMessage)
            #expect(reply.succeeded && reply.commandID == "ab")

            connection.cut()
            let (again, _) = try await nextMessage(server)
            #expect(again.instanceUid == report.instanceUid && again.sequenceNum == 4 && again.hasHealth)
        }
        var goodbyes = 0
        for event in last {
            switch event {
            case .message(let message, _): goodbyes += message.hasAgentDisconnect ? 1 : 0
            case .closeFrame(let code): #expect(code == .normalClosure)
            case .pong: break
            }
        }
        #expect(goodbyes == 5)
        #expect(lines.contains(["connected": 5]))
        let statistics = try #require(lines.last)
        #expect(statistics["connected"] == 0 && statistics["reconnects"] == 1 && statistics["sent"] == 13)
        #expect(statistics["commands"]?["restart"] == 1 && statistics["command_ids"] == 1)
        #expect(statistics["repeated_command_ids"] == 0)
    }

    @Test func `a server that writes nonsense is counted, and pings are answered all the same`() async throws {
        let (lines, _) = try await withFleet(SimulationOptions(agents: 1, seed: 3)) { server in
            let (_, connection) = try await nextMessage(server)
            connection.channel.writeAndFlush(
                WebSocketFrame(fin: true, opcode: .binary, data: .init(bytes: [0, 0xff, 0xff])), promise: nil
            )
            connection.sendPing("still there")
            while let event = await server.nextEvent() {
                if case .pong(let text) = event {
                    #expect(text == "still there")
                    break
                }
            }
        }
        #expect(lines.last?["malformed"] == 1)
    }
}
