import FleetAPI
import OpAMP
import SwiftProtobuf
import TestSupport
import Testing

@testable import Provider

/// Four senders share one uid, come and go, describe themselves or not, answer pings or not, take offers or not.
@Suite struct IdentityFuzzTests {
    private struct Sender {
        var reporter = Reporter()
        var uid: InstanceUID
        var socket: Link?

        init(_ number: Int) {
            reporter.host = "web-\(number)"
            uid = reporter.uid
        }
    }

    @Test func `whatever senders of one uid do, the fleet stays consistent`() {
        var random = SeededRandom()
        var events: Set<String> = []
        for _ in 0..<40 { events.formUnion(play(&random)) }
        #expect(events.isSuperset(of: ["duplicate", "separated", "conflict", "conflict_ended", "replaced"]))
    }

    /// - Returns: the kinds of events that came of it.
    private func play(_ random: inout SeededRandom) -> [String] {
        var (stage, senders) = (Stage(), (0..<4).map { Sender($0) })
        var open: [ObjectIdentifier: Link] = [:]
        for _ in 0..<150 {
            let number = Int.random(in: senders.indices, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0: stage.wait(Int.random(in: 1...40, using: &random))
            case 1:
                if let socket = senders[number].socket {
                    stage.close(socket)
                    open[ObjectIdentifier(socket)] = nil
                    senders[number].socket = nil
                }
            case 2: senders[number].socket?.answeredPing(at: stage.now)
            default: speak(&senders[number], &stage, &open, &random)
            }
            carryOut(&stage, &senders, &open)
            check(stage, open)
        }
        for socket in open.values { stage.close(socket) }
        stage.wait(1900)
        #expect(stage.state.uidByLink.isEmpty && stage.state.moreByLink.isEmpty)
        #expect(stage.state.rivals.isEmpty && stage.state.separations.isEmpty)
        #expect(stage.state.vitals.allSatisfy { $0.status != .connected && !$0.isInConflict })
        return stage.events
    }

    private func speak(
        _ sender: inout Sender, _ stage: inout Stage, _ open: inout [ObjectIdentifier: Link],
        _ random: inout SeededRandom
    ) {
        let link: Link
        if Bool.random(using: &random) {
            link = exchange()
        } else {
            link = sender.socket ?? webSocket()
            sender.socket = link
            open[ObjectIdentifier(link)] = link
        }
        let skipped = UInt64.random(in: 0...9, using: &random) == 0 ? UInt64.random(in: 1...30, using: &random) : 0
        var message = Bool.random(using: &random) ? sender.reporter.full() : sender.reporter.beat(skipping: skipped)
        message.instanceUid = sender.uid.data
        if Int.random(in: 0..<20, using: &random) == 0 { message.agentDisconnect = AgentDisconnect() }
        let reply = stage.reply(to: message, over: link)
        #expect(reply.message.hasErrorResponse || reply.message.instanceUid == message.instanceUid)
        if reply.message.hasAgentIdentification, Int.random(in: 0..<4, using: &random) == 0 {
            sender.uid = InstanceUID(bytes: reply.message.agentIdentification.newInstanceUid)!
        }
        if reply.ending != nil, link.push != nil { stage.effects.closes.append(link) }
    }

    /// Closes what is to be closed, as the transport does.
    private func carryOut(_ stage: inout Stage, _ senders: inout [Sender], _ open: inout [ObjectIdentifier: Link]) {
        let closes = stage.effects.closes
        stage.effects.closes = []
        for link in closes where open.removeValue(forKey: ObjectIdentifier(link)) != nil {
            for number in senders.indices where senders[number].socket === link { senders[number].socket = nil }
            stage.close(link)
        }
    }

    private func check(_ stage: Stage, _ open: [ObjectIdentifier: Link]) {
        let state = stage.state
        for (position, record) in state.records.enumerated() {
            #expect(state.index.position(of: record.uid) == position)
            let rivals = state.rivals[record.uid] ?? []
            #expect(state.vitals[position].isInConflict == rivals.contains { $0.phase == .refused })
            if let link = state.links[position] {
                #expect(open[ObjectIdentifier(link)] != nil, "an agent is reached over a socket that is there")
                #expect(state.uidByLink[ObjectIdentifier(link)] != nil)
                #expect(state.vitals[position].transport == .webSocket)
            }
        }
        for (uid, rivals) in state.rivals {
            #expect(state.index.position(of: uid) != nil && (1...Rival.limit).contains(rivals.count))
            #expect(rivals.allSatisfy { $0.offers <= Rival.offerLimit })
            #expect(rivals.allSatisfy { $0.webSocket.map { open[ObjectIdentifier($0)] != nil } ?? true })
        }
        #expect(state.separations.values.allSatisfy { state.rivals[$0] != nil })
        #expect(Set(state.uidByLink.keys).isSubset(of: Set(open.keys)))
    }
}
