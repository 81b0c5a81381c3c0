import FleetAPI
import FoundationEssentials
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

/// Commands stay in memory until their end is on disk.
struct DropFinishedTests {
    @Test func `a command that ends while its sent is being written stays until its end is written`() throws {
        let uid = InstanceUID(high: 1, low: 2)
        let link = Link(transport: .webSocket, remoteAddress: nil, push: { _ in })
        let now = Moment.now()
        var state = FleetState()
        var (joined, queued, sent, confirmed) = (
            FleetState.Effects(), FleetState.Effects(), FleetState.Effects(), FleetState.Effects()
        )
        let report = AgentToServer.with {
            $0.instanceUid = uid.data
            $0.agentDescription.identifyingAttributes = []
        }
        _ = state.receive(report, from: uid, over: link, at: now, &joined)
        var command = Command()
        (command.id, command.command, command.proof) = ("c1", "resync", .fullReport)
        (command.instanceUID, command.queuedAt, command.expiresAt) = (
            uid.description, now.wall, now.wall + .seconds(300)
        )
        state.queue(OpenCommand(command), at: now, &queued)
        state.push(to: uid, at: now, &sent)
        #expect(state.commands["c1"]?.command.state == .sent)
        var answer = report
        answer.sequenceNum = 1
        _ = state.receive(answer, from: uid, over: link, at: now + .seconds(1), &confirmed)

        state.dropFinished(queued.changes)
        state.dropFinished(sent.changes)
        #expect(state.commands["c1"]?.command.state == .confirmed)
        state.dropFinished(confirmed.changes)
        #expect(state.commands["c1"] == nil)
    }
}
