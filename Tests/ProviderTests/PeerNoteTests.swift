import FleetAPI
import Logging
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

/// Supervisors of the Python project: known by how they describe themselves, and not restarted by accident.
@Suite struct PeerNoteTests {
    /// As such a supervisor reports itself.
    private func full(_ agent: inout Reporter, host: String = "peer-1") -> AgentToServer {
        var message = agent.full()
        message.agentDescription.identifyingAttributes = [
            KeyValue("service.name", "fluent-bit"), KeyValue("service.type", "Fluent Bit"),
            KeyValue("service.instance.id", "a1"), KeyValue("service.version", "Fluent Bit - 4.2.0"),
        ]
        message.agentDescription.nonIdentifyingAttributes = [
            KeyValue("os_type", "Linux"), KeyValue("os_version", "6.1"), KeyValue("hostname", host),
            KeyValue("mac_address", "02:00:00:00:00:01"),
        ]
        return message
    }

    private func facts(_ report: AgentToServer) throws -> AgentFacts {
        var stage = Stage()
        stage.send(report, over: exchange())
        return try #require(stage.state.records.first).facts
    }

    @Test func `a supervisor of the Python project is recognised by names that no convention has`() throws {
        var (peer, other) = (Reporter(1), Reporter(2))
        #expect(PeerNote.about(try facts(full(&peer))) == PeerNote.pythonSupervisor)
        #expect(PeerNote.about(try facts(other.full())) == nil, "request: before a capability is not enough")
    }

    @Test(arguments: ["service.type", "os_type", "hostname", "mac_address"])
    func `one of the names missing is another make`(name: String) throws {
        var agent = Reporter()
        var report = full(&agent)
        report.agentDescription.identifyingAttributes.removeAll { $0.key == name }
        report.agentDescription.nonIdentifyingAttributes.removeAll { $0.key == name }
        #expect(PeerNote.about(try facts(report)) == nil)
    }

    @Test func `an agent that remembers command ids is never theirs`() throws {
        var agent = Reporter()
        var report = full(&agent)
        report.customCapabilities.capabilities.append(CustomCapability.commandIDs)
        #expect(PeerNote.about(try facts(report)) == nil)
    }

    @Test func `its restart needs an acknowledgement, other commands carry the note`() async throws {
        let (fleet, caller) = (try fleet(), Caller(name: "ann", address: ""))
        var request = CommandRequest(command: "restart")
        let refused = await #expect(throws: Problem.self) {
            try await fleet.queue(request, for: "peer-1", caller: caller, idempotencyKey: nil)
        }
        #expect(refused?.status == 409 && refused?.title == "Known defect")
        #expect(refused?.detail.contains(#""acknowledge_known_defect": true"#) == true)
        request.acknowledgeKnownDefect = true
        let restart = try await fleet.queue(request, for: "peer-1", caller: caller, idempotencyKey: nil)
        #expect(restart.state == .queued && restart.peerNote == PeerNote.pythonSupervisor)
        let resync = try await fleet.queue(
            CommandRequest(command: "resync"), for: "peer-1", caller: caller, idempotencyKey: nil)
        #expect(resync.peerNote == PeerNote.pythonSupervisor)
        #expect(try await fleet.detail("peer-1", include: []).peerNote == PeerNote.pythonSupervisor)
        #expect(try await fleet.detail("web-17", include: []).peerNote == nil)
    }

    @Test func `an operation leaves such agents out unless it is acknowledged`() async throws {
        let (fleet, caller) = (try fleet(), Caller(name: "ann", address: ""))
        var request = OperationRequest()
        (request.filter, request.command) = ("type:fluent-bit", "restart")
        let plan = try await fleet.plan(request, caller: caller)
        #expect(plan.matched == 2 && plan.targets == 1 && plan.excluded == ["Known defect": 1])
        request.acknowledgeKnownDefect = true
        #expect(try await fleet.plan(request, caller: caller).targets == 2)
        request.acknowledgeKnownDefect = nil
        request.command = "resync"
        #expect(try await fleet.plan(request, caller: caller).targets == 2)
    }

    private func fleet() throws -> Fleet {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let fleet = try Fleet(dataDirectory: nil, version: "1", logger: logger)
        var (peer, other) = (Reporter(1), Reporter(2))
        fleet.receive(full(&peer), over: exchange()) { _ in }
        fleet.receive(other.full(), over: exchange()) { _ in }
        return fleet
    }
}
