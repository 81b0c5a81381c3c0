import FleetAPI
import Foundation
import JSON
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

/// Rules of the specification that no other test is about; `docs/CONFORMANCE.md` names them.
@Suite struct ConformanceTests {
    @Test func `the server's capabilities are in the first answer, defined bits alone, and none for packages`() {
        var (stage, agent) = (Stage(), Reporter())
        let mask = stage.send(agent.full(), over: exchange()).capabilities
        #expect(mask & ~0x7f == 0, "bits without a meaning")
        let capabilities = ServerCapabilities(rawValue: mask)
        #expect(capabilities.contains(.acceptsStatus))
        #expect(
            capabilities.isDisjoint(with: [.offersPackages, .acceptsPackagesStatus, .acceptsConnectionSettingsRequest]))
    }

    @Test func `a requested uid is a new UUIDv7, offered to the old one, and the agent stays one agent`() throws {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        var report = agent.full()
        report.flags = AgentToServerFlags.requestInstanceUID.rawValue
        let answer = stage.send(report, over: link)
        #expect(answer.instanceUid == agent.uid.data)
        let bytes = Array(answer.agentIdentification.newInstanceUid)
        try #require(bytes.count == 16)
        #expect(bytes[6] >> 4 == 7 && bytes[8] >> 6 == 2, "version 7 in the variant of RFC 9562")
        var next = agent.beat()
        next.instanceUid = Data(bytes)
        #expect(stage.send(next, over: link).instanceUid == Data(bytes))
        #expect(stage.state.records.map(\.uid) == [InstanceUID(bytes: bytes)])
    }

    @Test(arguments: ["restart", "resync", "identify", "chatops", "shutdown"])
    func `whatever is sent to an agent names it`(command: String) throws {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(), over: link)
        _ = stage.queue(command, for: agent.uid)
        let message = try #require(stage.effects.deliveries.first).message
        #expect(message.instanceUid == agent.uid.data)
    }

    @Test func `an agent that announces no capability is sent nothing that needs one`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        agent.capabilities = [.reportsStatus]
        var report = agent.full()
        report.clearCustomCapabilities()
        var answers = [stage.send(report, over: link)]
        for _ in 0..<3 { answers.append(stage.send(agent.beat(), over: link)) }
        for answer in answers {
            #expect(!answer.hasRemoteConfig && !answer.hasConnectionSettings && !answer.hasPackagesAvailable)
            #expect(!answer.hasCommand && !answer.hasCustomMessage)
        }
        #expect(stage.effects.pushes.isEmpty && stage.effects.deliveries.isEmpty)
    }

    @Test func `an error response stands alone`() {
        var answer = ServerToAgent.badRequest("why")
        #expect(answer.errorResponse.type == .badRequest && answer.errorResponse.errorMessage == "why")
        answer.clearErrorResponse()
        #expect(answer == ServerToAgent())
    }

    @Test func `a custom message of a capability we do not have disturbs nothing`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(), over: link)
        let before = stage.facts(agent.uid)
        var message = agent.beat()
        message.customMessage.capability = "com.example.other/v2"
        message.customMessage.type = "unknown"
        message.customMessage.data = Data([0xff, 0x00])
        let answer = stage.send(message, over: link)
        #expect(!answer.hasErrorResponse && answer.instanceUid == agent.uid.data)
        #expect(stage.facts(agent.uid) == before)
    }

    @Test func `fields of a later version are skipped, and the rest is taken`() throws {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        // Field 100 with two bytes, and field 101 with a varint.
        let later: [UInt8] = [0xa2, 0x06, 2, 1, 2, 0xa8, 0x06, 7]
        let message = try AgentToServer(body: try agent.full().body() + later)
        let answer = stage.send(message, over: link)
        #expect(!answer.hasErrorResponse)
        #expect(stage.facts(agent.uid)?.type?.text == "fluent-bit")
    }

    @Test func `a message that comes twice is answered twice`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(), over: link)
        let answers = [stage.send(agent.beat(), over: link), stage.send(agent.again(), over: link)]
        #expect(answers.map(\.instanceUid) == [agent.uid.data, agent.uid.data])
        #expect(answers.allSatisfy { $0.flags == 0 && !$0.hasErrorResponse })
    }

    @Test func `the bits of configurations and connection settings are set, since both are offered`() {
        var (stage, agent) = (Stage(), Reporter())
        let capabilities = ServerCapabilities(rawValue: stage.send(agent.full(), over: exchange()).capabilities)
        #expect(
            capabilities == [.acceptsStatus, .acceptsEffectiveConfig, .offersRemoteConfig, .offersConnectionSettings])
    }

    @Test func `custom capabilities are told in the first answer of a session, and again only when they change`() {
        for open in [webSocket, exchange] {
            var (stage, agent, link) = (Stage(), Reporter(), open())
            var told: [[String]] = []
            /// Sends a message and notes what the answer tells.
            func say(_ message: AgentToServer) {
                let answer = stage.send(message, over: link)
                if answer.hasCustomCapabilities { told.append(answer.customCapabilities.capabilities) }
            }
            say(agent.full())
            #expect(told == [stage.state.catalogue.customCapabilities])
            say(agent.full())
            say(agent.beat())
            #expect(told.count == 1, "neither with a report that describes the agent nor with a heartbeat")

            stage.state.define(CommandCatalogue(defined: [], errors: [DefinitionError(member: nil, reason: "why")]))
            say(agent.beat())
            #expect(told.count == 1, "files were read anew, and nothing came of it")
            stage.state.define(CommandCatalogue(defined: [Self.flush], errors: []))
            say(agent.beat())
            say(agent.beat())
            #expect(told.count == 2 && told[1].contains("org.example.flush"))

            var goodbye = agent.beat()
            goodbye.agentDisconnect = AgentDisconnect()
            say(goodbye)
            stage.close(link)
            link = open()
            say(agent.beat())
            say(agent.beat())
            #expect(told.count == 3, "another session")
        }
    }

    @Test func `over HTTP custom capabilities are told again when an answer may be lost or the client is another one`()
    {
        var (stage, agent) = (Stage(), Reporter())
        /// Sends a message and says whether the answer tells them.
        func isTold(_ message: AgentToServer, over link: Link = exchange()) -> Bool {
            stage.send(message, over: link).hasCustomCapabilities
        }
        let first = [isTold(agent.full()), isTold(agent.again()), isTold(agent.beat())]
        #expect(first == [true, true, false], "the answer to a repeated message is that to the first one")
        let gap = [isTold(agent.beat(skipping: 5)), isTold(agent.beat())]
        #expect(gap == [true, false])
        var restarted = Reporter()
        let anew = [isTold(restarted.full()), isTold(restarted.beat())]
        #expect(anew == [true, false], "its numbers begin again")
        _ = stage.queue("restart", for: agent.uid)
        let withRestart = isTold(restarted.beat(skipping: 1))
        #expect(!withRestart && stage.effects.deliveries.count == 1, "a restart is alone in its answer")
        stage.effects.deliveries = []
        let afterwards = [isTold(restarted.beat()), isTold(restarted.beat())]
        #expect(afterwards == [true, false])
        let socket = webSocket()
        let moved = [isTold(restarted.full(), over: socket), isTold(restarted.full()), isTold(restarted.beat())]
        #expect(moved == [true, true, false], "another transport is another session")
    }

    @Test func `custom capabilities of an agent replace those before, and an empty list is none`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(), over: link)
        #expect(stage.facts(agent.uid)?.customCapabilities.contains(CustomCapability.chatOps) == true)
        for capabilities in [["org.example.b", "org.example.a"], []] {
            var message = agent.beat()
            message.customCapabilities.capabilities = capabilities
            stage.send(message, over: link)
            #expect(stage.facts(agent.uid)?.customCapabilities == capabilities.sorted())
        }
        let id = stage.queue("chatops", for: agent.uid)
        #expect(stage.command(id)?.state == .cancelled && stage.effects.deliveries.isEmpty)
    }

    @Test func `an agent that has told all it has is not asked again, though it reports no health`() {
        for open in [webSocket, exchange] {
            var (stage, agent, link) = (Stage(), Reporter(), open())
            func isAsked(_ message: AgentToServer) -> Bool {
                ServerToAgentFlags(rawValue: stage.send(message, over: link).flags).contains(.reportFullState)
            }
            #expect(isAsked(agent.beat()), "it said nothing of itself")
            var all = agent.full()
            all.clearHealth()
            all.clearCustomCapabilities()
            #expect(!isAsked(all))
            for _ in 0..<20 {
                stage.wait(61)
                let answers = [isAsked(agent.beat()), isAsked(agent.again())]
                #expect(answers == [false, false])
            }
        }
    }

    @Test func `an agent that answers with next to nothing is asked once, not again and again`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        var asked = 0
        for _ in 0..<50 {
            let flags = stage.send(agent.beat(), over: link).flags
            if ServerToAgentFlags(rawValue: flags).contains(.reportFullState) { asked += 1 }
            stage.wait(10)
        }
        #expect(asked == 1, "what it cannot tell is not asked for in a loop")
    }

    @Test func `a second goodbye is answered and changes nothing`() {
        for open in [webSocket, exchange] {
            var (stage, agent, link) = (Stage(), Reporter(), open())
            stage.send(agent.full(), over: link)
            for isSame in [false, false, true] {
                var goodbye = isSame ? agent.again() : agent.beat()
                goodbye.agentDisconnect = AgentDisconnect()
                let answer = stage.send(goodbye, over: link)
                #expect(answer.instanceUid == agent.uid.data && !answer.hasErrorResponse && answer.flags == 0)
                #expect(stage.vitals(agent.uid)?.status == .disconnected)
            }
            stage.close(link)
            #expect(stage.events == ["connected", "disconnected"])
        }
    }

    private static let flush = CommandKind(
        name: "flush", description: "", requirement: .custom("org.example.flush"), proof: .reply,
        schema: ["type": "object", "additionalProperties": false, "properties": [:]])
}
