import JSON
import Logging
import NIOCore
import NIOHTTP1
import NIOWebSocket
import OpAMP
import ServiceLifecycle
import Simulator
import SwiftProtobuf
import Testing

/// The whole fleet over real WebSockets.
@Suite(.timeLimit(.minutes(5))) struct SimulatedFleetTests {
    private static let every = [CustomCapability.chatOps, CustomCapability.shutdown, CustomCapability.null]

    /// Longer than a test takes; without heartbeats agents would still poll.
    private static let never = Duration.seconds(86_400)

    /// Runs a fleet while `body` plays the server, then stops it as SIGTERM does, and waits for its end.
    ///
    /// - Returns: the JSON lines printed, and what the agents sent after `body`.
    private func withFleet(
        _ options: SimulationOptions, polling: Bool = false, journal: Journal? = nil,
        body: (OpAMPTestServer) async throws -> Void
    ) async throws -> (lines: [JSON], last: [OpAMPTestServer.Event]) {
        let server = try await OpAMPTestServer.start()
        let (lines, output) = AsyncStream.makeStream(of: JSON.self)
        let fleet = SimulatedFleet(
            options, endpoint: try Endpoint(polling ? server.pollURL : server.url), printsStatistics: true,
            journal: journal,
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
        var last: [OpAMPTestServer.Event] = []
        var goodbyes = 0
        while goodbyes < options.agents, let event = await server.nextEvent() {
            last.append(event)
            switch event {
            case .closeFrame: goodbyes += 1
            case .message(let message, let connection) where polling:
                goodbyes += message.hasAgentDisconnect ? 1 : 0
                try connection.send(ServerToAgent())
            default: break
            }
        }
        try await run
        output.finish()
        try await server.stop()
        return (await lines.reduce(into: []) { $0.append($1) }, last)
    }

    /// The next message of any agent, answered as a server has to, with our custom capabilities.
    private func nextMessage(
        _ server: OpAMPTestServer, answers: Bool = true
    ) async throws -> (AgentToServer, OpAMPTestServer.Connection) {
        while let event = await server.nextEvent() {
            guard case .message(let message, let connection) = event else { continue }
            if !answers { return (message, connection) }
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

    @Test func `agents poll over shared connections, one request at a time, and say goodbye`() async throws {
        var options = SimulationOptions(agents: 5, seed: 3)
        options.unhealthyPercent = 0
        options.heartbeat = Self.never
        options.connections = 2
        let (lines, last) = try await withFleet(options, polling: true) { server in
            var channels: Set<ObjectIdentifier> = []
            var uids: Set<InstanceUID?> = []
            var (report, connection) = try await nextMessage(server, answers: false)
            #expect(connection.request?.method == .POST && connection.request?.uri == "/v1/opamp")
            #expect(connection.request?.headers["Content-Type"] == ["application/x-protobuf"])
            let uid = try #require(InstanceUID(bytes: report.instanceUid))
            #expect(connection.request?.headers["OpAMP-Instance-UID"].first.map { InstanceUID($0) } == uid)
            #expect(connection.request?.headers["OpAMP-Instance-UID"].first?.count == 36)
            let first = connection
            while uids.count < 4 {
                let (message, connection) = try await nextMessage(server)
                #expect(message.hasEffectiveConfig && message.sequenceNum == 1)
                channels.insert(ObjectIdentifier(connection.channel))
                uids.insert(InstanceUID(bytes: message.instanceUid))
            }
            #expect(channels.count == 1 && !channels.contains(ObjectIdentifier(first.channel)))

            try first.send(
                .with {
                    $0.customCapabilities.capabilities = Self.every
                    $0.customMessage = CustomRequest.null(commandID: "ab").message
                })
            (report, connection) = try await nextMessage(server, answers: false)
            #expect(InstanceUID(bytes: report.instanceUid) == uid && report.sequenceNum == 2)
            #expect(try CustomReply(report.customMessage).commandID == "ab")
            try connection.send(.with { $0.command = ServerToAgentCommand() })
            let (restarted, _) = try await nextMessage(server)
            #expect(restarted.hasHealth && restarted.sequenceNum == 3)
        }
        #expect(last.count == 5)
        let statistics = try #require(lines.last)
        #expect(statistics["answered"] == 5 && statistics["connected"] == 0 && statistics["reconnects"] == 0)
        #expect(statistics["sent"] == 12 && statistics["commands"]?["restart"] == 1 && statistics["done"] == 2)
    }

    @Test(arguments: [HTTPResponseStatus.serviceUnavailable, .tooManyRequests])
    func `a request that was put off is sent again as it was, not before the time the server asks for`(
        status: HTTPResponseStatus
    ) async throws {
        var options = SimulationOptions(agents: 1, seed: 3)
        options.heartbeat = Self.never
        let (lines, _) = try await withFleet(options, polling: true) { server in
            let (first, connection) = try await nextMessage(server, answers: false)
            let start = ContinuousClock.now
            connection.answer(status, ["Retry-After": "2"])
            let (second, again) = try await nextMessage(server, answers: false)
            #expect(second == first)
            #expect(ContinuousClock.now - start >= .seconds(2))
            // Without an answer at all, and then refused for good: it is not sent a fourth time.
            again.cut()
            let (third, last) = try await nextMessage(server, answers: false)
            #expect(third == first)
            last.answer(.badRequest)
        }
        #expect(lines.last?["sent"] == 4 && lines.last?["answered"] == 1)
    }

    @Test func `a server that closes with a policy violation is met less and less often`() async throws {
        var options = SimulationOptions(agents: 1, seed: 3)
        options.heartbeat = .zero
        var gaps: [Duration] = []
        _ = try await withFleet(options) { server in
            var last = ContinuousClock.now
            for code in [WebSocketErrorCode.policyViolation, .init(codeNumber: 1013), .policyViolation, nil] {
                let (_, connection) = try await nextMessage(server)
                gaps.append(ContinuousClock.now - last)
                if let code { connection.close(code) }
                last = .now
                while code != nil, case .message? = await server.nextEvent() {}
            }
        }
        // The steps are 0.5, 1 and 2 s, each cut by up to a half.
        #expect(gaps[1] >= .milliseconds(250) && gaps[2] >= .milliseconds(500) && gaps[3] >= .seconds(1))
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
