import Foundation
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
}
