import JSON
import OpAMP
import Simulator
import SwiftProtobuf
import TestSupport
import Testing

@Suite struct SimulatedAgentTests {
    private static let start = AgentStage.start
    private static let every = AgentStage.every

    private let restart = ServerToAgent.with { $0.command = ServerToAgentCommand() }

    private func connectedAgent(
        seed: UInt64 = 7, announced: [String] = every, _ change: (inout SimulationOptions) -> Void = { _ in }
    ) throws -> SimulatedAgent {
        try AgentStage.agent(seed: seed, announced: announced, change)
    }

    private func message(_ request: CustomRequest) -> ServerToAgent {
        .with { $0.customMessage = request.message }
    }

    @Test func `sequence numbers go up by one, also over a new connection`() throws {
        var agent = try connectedAgent()
        var numbers: [UInt64] = []
        numbers += agent.received(.with { $0.flags = 1 }, at: Self.start).sent.map(\.sequenceNum)
        let connected = agent.connected(at: Self.start)
        numbers += connected.sent.map(\.sequenceNum)
        numbers += agent.fired(try #require(connected.timers.first).timer, at: Self.start).sent.map(\.sequenceNum)
        numbers += agent.goodbye(at: Self.start).sent.map(\.sequenceNum)
        #expect(numbers == [2, 3, 4, 5])
    }

    @Test func `the first heartbeat comes within the interval, later ones a whole interval apart, and hold little`()
        throws
    {
        var agent = try connectedAgent { $0.heartbeat = .seconds(10) }
        let first = try #require(agent.connected(at: Self.start).timers.first)
        #expect(first.delay < .seconds(10))
        let actions = agent.fired(first.timer, at: Self.start)
        let beat = try #require(actions.sent.first)
        #expect(beat.instanceUid == agent.profile.uid.data && beat.capabilities == agent.profile.capabilities.rawValue)
        #expect(!beat.hasHealth && !beat.hasAgentDescription && !beat.hasEffectiveConfig)
        #expect(actions.timers.map(\.delay) == [.seconds(10)])
    }

    @Test func `an offered interval replaces the old timer, and 0 ends the heartbeats`() throws {
        var agent = try connectedAgent()
        let old = try #require(agent.connected(at: Self.start).timers.first)
        func offer(_ seconds: UInt64) -> ServerToAgent {
            .with { $0.connectionSettings.opamp.heartbeatIntervalSeconds = seconds }
        }
        let actions = agent.received(offer(5), at: Self.start)
        #expect(actions.timers.map(\.delay) == [.seconds(5)])
        #expect(actions.commands.map(\.kind) == [.heartbeat])
        #expect(agent.fired(old.timer, at: Self.start).isEmpty)
        #expect(agent.received(offer(0), at: Self.start).timers.isEmpty)
        #expect(agent.fired(try #require(actions.timers.first).timer, at: Self.start).isEmpty)
    }

    @Test func `a restart gives a later start time and a healthy report soon, and nothing else of its message counts`()
        throws
    {
        var agent = try connectedAgent()
        let before = agent.startedAt
        var command = restart
        command.flags = 1
        command.customMessage = CustomRequest.null(commandID: nil).message
        let actions = agent.received(command, at: Self.start)
        #expect(actions.sent.isEmpty && actions.commands.map(\.kind) == [.restart])
        let timer = try #require(actions.timers.first)
        #expect(timer.delay < .seconds(1))
        let health = try #require(agent.fired(timer.timer, at: Self.start + timer.delay).sent.first).health
        #expect(health.healthy && health.startTimeUnixNano > before.nanoseconds)
        // Again in the same nanosecond: still later.
        _ = agent.received(restart, at: Self.start)
        #expect(agent.startedAt.nanoseconds == health.startTimeUnixNano + 1)
    }

    @Test func `an unhealthy agent is cured by a restart in some seeds and not in others`() throws {
        let cured = try (1...40 as ClosedRange<UInt64>).map { seed in
            var agent = try connectedAgent(seed: seed) { $0.unhealthyPercent = 100 }
            #expect(agent.fault != nil)
            _ = agent.received(restart, at: Self.start)
            return agent.fault == nil
        }
        #expect(cured.contains(true) && cured.contains(false))
    }

    @Test func `an agent that reports its uptime has another start time in each heartbeat`() throws {
        var agent = try connectedAgent { $0.uptimePercent = 100 }
        let first = try #require(agent.connected(at: Self.start).timers.first).timer
        let times = [1, 2].flatMap { seconds in
            agent.fired(first, at: Self.start + .seconds(seconds)).sent.map(\.health.startTimeUnixNano)
        }
        #expect(times.count == 2 && times[1] == times[0] + 1_000_000_000)
        #expect(times[0] < 1_000_000_000 * 86_400 * 365)
    }

    @Test func `a full report is sent on request`() throws {
        var agent = try connectedAgent()
        let actions = agent.received(.with { $0.flags = 1 }, at: Self.start)
        let report = try #require(actions.sent.first)
        #expect(report.hasAgentDescription && report.hasHealth && report.hasEffectiveConfig)
        #expect(actions.commands.map(\.kind) == [.resync])
    }

    @Test func `a new uid is used from then on; one of another length is not`() throws {
        var agent = try connectedAgent()
        let uid = InstanceUID(high: 1, low: 2)
        let actions = agent.received(.with { $0.agentIdentification.newInstanceUid = uid.data }, at: Self.start)
        #expect(actions.sent.map(\.instanceUid) == [uid.data])
        #expect(
            agent.received(.with { $0.agentIdentification.newInstanceUid = uid.data.dropLast() }, at: Self.start)
                .isEmpty)
        #expect(agent.profile.uid == uid)
    }

    @Test func `what is for another agent is ignored`() throws {
        var agent = try connectedAgent()
        var other = restart
        other.instanceUid = InstanceUID(high: 9, low: 9).data
        #expect(agent.received(other, at: Self.start).isEmpty)
        other.instanceUid = agent.profile.uid.data
        #expect(!agent.received(other, at: Self.start).isEmpty)
    }

    @Test(arguments: [("ok", true, 201), ("fail", false, 500), ("", false, 404)])
    func `a ChatOps request is answered with its id`(tag: String, succeeded: Bool, code: Int) throws {
        var agent = try connectedAgent()
        let actions = agent.received(message(.chatOps(tag: tag, commandID: "ab")), at: Self.start)
        let reply = try CustomReply(try #require(actions.sent.first).customMessage)
        #expect(reply.succeeded == succeeded && reply.httpCode == code && reply.commandID == "ab")
        #expect(reply.action == "chatopcommand" && (reply.errorMessage == nil) == succeeded)
        #expect(actions.commands.map(\.kind) == [.chatops] && actions.commands.map(\.id) == ["ab"])
    }

    @Test func `about one tag in ten fails, the same one each time`() throws {
        var agent = try connectedAgent()
        func outcomes() throws -> [Bool] {
            try (0..<300).map { number in
                let actions = agent.received(message(.chatOps(tag: "t\(number)", commandID: nil)), at: Self.start)
                return try CustomReply(try #require(actions.sent.first).customMessage).succeeded
            }
        }
        let first = try outcomes()
        #expect((10...60).contains(first.count { !$0 }))
        #expect(try outcomes() == first)
    }

    @Test func `an id seen before is counted as repeated`() throws {
        var agent = try connectedAgent()
        let request = message(.null(commandID: "ab"))
        #expect(agent.received(request, at: Self.start).commands.map(\.isRepeated) == [false])
        #expect(agent.received(request, at: Self.start).commands.map(\.isRepeated) == [true])
        #expect(agent.received(message(.null(commandID: nil)), at: Self.start).commands.map(\.isRepeated) == [false])
    }

    @Test func `an agent that announces command ids answers a repeated one again and does not do it twice`() throws {
        for remembers in [true, false] {
            var agent = try AgentStage.agent(where: { $0.remembersIDs == remembers })
            let request = message(.null(commandID: "ab"))
            let first = agent.received(request, at: Self.start)
            _ = agent.connected(at: Self.start)
            let second = agent.received(request, at: Self.start)
            #expect((first + second).commands.map(\.isDone) == [true, !remembers])
            #expect((first + second).sent.map(\.customMessage.type) == ["success", "success"])
        }
    }

    @Test func `four of five agents announce that they remember command ids, the example too`() throws {
        let fleet = AgentProfile.fleet(of: 1_000, seed: SeededRandom().seed)
        let count = fleet.count { $0.remembersIDs }
        #expect((740...860).contains(count))
        #expect(fleet[3].remembersIDs)
    }

    @Test func `an agent that keeps its uid sees the offer of another one and does nothing`() throws {
        var agent = try connectedAgent { $0.keepsUIDs = true }
        let before = agent.profile.uid
        let offer = ServerToAgent.with { $0.agentIdentification.newInstanceUid = InstanceUID(high: 1, low: 2).data }
        let actions = agent.received(offer, at: Self.start)
        #expect(actions.count == 1 && actions.commands.map(\.kind) == [.identify])
        #expect(agent.profile.uid == before)
    }

    @Test func `components are a hash in the full report and all there on request, the same for one type and version`()
        throws
    {
        var agent = try AgentStage.agent(where: { $0.capabilities.contains(.reportsAvailableComponents) })
        let report = try #require(agent.connected(at: Self.start).sent.first).availableComponents
        #expect(report.hash.count == 16 && report.components.isEmpty)
        let actions = agent.received(.with { $0.flags = 2 }, at: Self.start)
        let message = try #require(actions.sent.first)
        #expect(actions.count == 1 && !message.hasEffectiveConfig)
        #expect(message.availableComponents.hash == report.hash)
        #expect(Set(message.availableComponents.components.keys) == ["input", "filter", "output"])
        let inputs = message.availableComponents.components["input"]?.subComponentMap
        #expect(inputs?["tail"]?.metadata.first?.key == "version")

        var kinds: [Set<String>: Set<[UInt8]>] = [:]
        for var agent in SimulationOptions(agents: 300, seed: 7).fleet(startingAt: Self.start) {
            let hash = try #require(agent.connected(at: Self.start).sent.first).availableComponents.hash
            kinds[[agent.profile.type.serviceName, agent.profile.version], default: []].insert(Array(hash))
        }
        let hashes = kinds.values.map { $0.filter { !$0.isEmpty } }
        #expect(hashes.count == 8 && hashes.allSatisfy { $0.count == 1 } && Set(hashes).count == 8)
    }

    @Test func `an agent without that capability does not tell its components`() throws {
        var agent = try AgentStage.agent(where: { !$0.capabilities.contains(.reportsAvailableComponents) })
        #expect(agent.connected(at: Self.start).sent.first?.hasAvailableComponents == false)
        #expect(agent.received(.with { $0.flags = 2 }, at: Self.start).isEmpty)
    }

    @Test func `an agent without a connection goes on reporting when heartbeats are off`() throws {
        var agent = try connectedAgent {
            $0.heartbeat = .zero
            $0.poll = .seconds(30)
        }
        let first = try #require(agent.connected(at: Self.start).timers.first)
        #expect(first.delay < .seconds(30))
        #expect(agent.fired(first.timer, at: Self.start).timers.map(\.delay) == [.seconds(30)])
    }

    @Test func `nothing is replied to a server that did not announce the capability`() throws {
        var agent = try connectedAgent(announced: ["request:" + CustomCapability.null])
        #expect(agent.received(message(.chatOps(tag: "ok", commandID: nil)), at: Self.start).sent.isEmpty)
        let reply = agent.received(message(.null(commandID: nil)), at: Self.start).sent.first?.customMessage
        #expect(reply?.type == "success")
    }

    @Test func `a shutdown says goodbye and stays away`() throws {
        var agent = try connectedAgent()
        let actions = agent.received(message(.shutdown(commandID: nil)), at: Self.start)
        #expect(actions.sent.map(\.hasAgentDisconnect) == [true])
        #expect(actions.last == .leave)
    }

    @Test func `a capability the agent does not have changes nothing`() throws {
        var agent = try connectedAgent()
        let request = CustomRequest(capability: "com.example.other", type: "request", fields: [:])
        #expect(agent.received(message(request), at: Self.start).map { [$0].sent.isEmpty } == [true])
    }

    @Test func `an agent that ignores commands sees them and does nothing`() throws {
        var agent = try connectedAgent { $0.ignoringPercent = 100 }
        let before = agent.startedAt
        for command in [restart, message(.chatOps(tag: "ok", commandID: nil)), message(.shutdown(commandID: nil))] {
            let actions = agent.received(command, at: Self.start)
            #expect(actions.count == 1 && actions.commands.count == 1)
        }
        #expect(agent.startedAt == before)
    }

    @Test func `a late answer gets its sequence number when it is sent`() throws {
        var agent = try connectedAgent { $0.answerDelay = .seconds(3) }
        let late = agent.received(message(.null(commandID: "ab")), at: Self.start).timers
        #expect(late.map(\.delay) == [.seconds(3)])
        let beat = try #require(agent.connected(at: Self.start).sent.first)
        let answer = try #require(agent.fired(late[0].timer, at: Self.start + .seconds(3)).sent.first)
        #expect(answer.sequenceNum == beat.sequenceNum + 1)
        #expect(try CustomReply(answer.customMessage).commandID == "ab")
    }

    @Test func `a silent agent says nothing at all, not even goodbye`() throws {
        var agent = try connectedAgent { $0.silentAfter = .seconds(5) }
        let timer = try #require(agent.connected(at: Self.start).timers.first).timer
        #expect(!agent.fired(timer, at: Self.start + .seconds(4)).sent.isEmpty)
        let later = Self.start + .seconds(5)
        #expect(agent.isSilent(at: later))
        #expect(agent.fired(timer, at: later).isEmpty)
        #expect(agent.received(restart, at: later).isEmpty)
        #expect(agent.goodbye(at: later) == [.leave])
    }

    @Test func `a busy server is left alone as long as it asks, a bad request changes nothing`() throws {
        var agent = try connectedAgent()
        let busy = ServerToAgent.with {
            $0.errorResponse.type = .unavailable
            $0.errorResponse.retryInfo.retryAfterNanoseconds = 2_000_000_000
        }
        #expect(agent.received(busy, at: Self.start) == [.comeBack(after: .seconds(2))])
        #expect(agent.received(.with { $0.errorResponse.type = .badRequest }, at: Self.start).isEmpty)
    }

    @Test func `no wait is longer than a day, whatever the server asks for`() throws {
        var agent = try connectedAgent()
        let busy = ServerToAgent.with {
            $0.errorResponse.type = .unavailable
            $0.errorResponse.retryInfo.retryAfterNanoseconds = .max
        }
        #expect(agent.received(busy, at: Self.start) == [.comeBack(after: SimulatedAgent.longestWait)])
        let offer = ServerToAgent.with { $0.connectionSettings.opamp.heartbeatIntervalSeconds = .max }
        #expect(agent.received(offer, at: Self.start).timers.map(\.delay) == [SimulatedAgent.longestWait])
    }

    @Test func `a damaged message is refused or obeyed, never a trap`() throws {
        var random = SeededRandom()
        let whole = ServerToAgent.with {
            $0.customCapabilities.capabilities = Self.every
            $0.customMessage = CustomRequest.chatOps(tag: "ok", attributes: ["a": 1], commandID: "ab").message
            $0.connectionSettings.opamp.heartbeatIntervalSeconds = 60
            $0.agentIdentification.newInstanceUid = InstanceUID(high: 1, low: 2).data
            $0.flags = 1
            $0.remoteConfig.configHash = .init([1, 2, 3])
            $0.connectionSettings.hash = .init([1, 2, 3])
            $0.remoteConfig.config.configMap["a"] = .with { $0.contentType = "text/plain" }
        }
        let frame = try whole.frame()
        var agent = try connectedAgent()
        var obeyed = 0
        for _ in 0..<2_000 {
            var bytes = frame
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
            }
            guard let message = try? ServerToAgent(frame: bytes.prefix(.random(in: 1...bytes.count, using: &random)))
            else { continue }
            let sent = agent.received(message, at: Self.start).sent
            #expect(sent.allSatisfy { $0.instanceUid.count == 16 })
            obeyed += sent.isEmpty ? 0 : 1
        }
        #expect(obeyed > 0)
    }
}
