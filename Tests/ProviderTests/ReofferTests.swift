import FleetAPI
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

/// When an offer goes out again to an agent that seems not to have it: never so often that it keeps the agent busy.
@Suite struct ReofferTests {
    /// When an agent that starts another client for the sake of settings says that it took them.
    enum Word: CaseIterable {
        case withFirstMessage, afterFirstMessage
    }

    /// What an agent says of an offer before it starts again and has forgotten it.
    enum Habit: CaseIterable {
        case silent, applying, applied
    }

    private static let settings = OpAMPConnectionSettings.with { $0.destinationEndpoint = "wss://a" }

    /// A client of the agent that has just been started: it counts from the beginning.
    private func client(_ kind: OfferKind) -> Reporter {
        if kind == .config { return Reporter.configurable() }
        var agent = Reporter()
        agent.capabilities.formUnion([.acceptsOpAMPConnectionSettings, .reportsConnectionSettingsStatus])
        return agent
    }

    /// The first message of a client that has no memory of what its agent was offered.
    private func first(_ agent: inout Reporter, _ kind: OfferKind) -> AgentToServer {
        var message = agent.full()
        switch kind {
        case .config: message.remoteConfigStatus.status = .unset
        case .settings: message.connectionSettingsStatus.status = .unset
        }
        return message
    }

    private func status(_ agent: inout Reporter, _ kind: OfferKind, isApplied: Bool, _ hash: ContentHash)
        -> AgentToServer
    {
        switch kind {
        case .config: agent.status(isApplied ? .applied : .applying, of: hash)
        case .settings: agent.settings(isApplied ? .applied : .applying, of: hash)
        }
    }

    private func offer(_ kind: OfferKind, on stage: inout Stage, to uid: InstanceUID) throws -> String {
        if kind == .config { return try stage.offer("a", to: uid) }
        return try stage.offer(
            OfferRequest(
                kind: .settings, command: .connectionSettings, hash: Self.settings.offerHash, body: nil,
                revision: ConfigRevision()),
            to: uid)
    }

    private func goodbye(_ agent: inout Reporter) -> AgentToServer {
        var message = agent.beat()
        message.agentDisconnect = AgentDisconnect()
        return message
    }

    @Test(arguments: Word.allCases, [true, false])
    func `settings are not offered again to an agent that took them by starting another client`(
        word: Word, isOldEndedFirst: Bool
    ) throws {
        var (stage, old, before) = (Stage(), client(.settings), webSocket())
        stage.send(old.full(), over: before)
        let id = try offer(.settings, on: &stage, to: old.uid)
        let hash = Self.settings.offerHash
        stage.send(old.settings(.applying, of: hash), over: before)
        stage.wait(1)
        var (new, after) = (client(.settings), webSocket())
        var message = first(&new, .settings)
        if word == .withFirstMessage {
            message.connectionSettingsStatus = new.settings(.applied, of: hash).connectionSettingsStatus
        }
        func end() {
            stage.send(goodbye(&old), over: before)
            stage.close(before)
        }
        if isOldEndedFirst { end() }
        stage.send(message, over: after)
        if !isOldEndedFirst { end() }
        if word == .afterFirstMessage {
            stage.wait(1)
            stage.send(new.settings(.applied, of: hash), over: after)
        }
        #expect(stage.command(id)?.state == .confirmed && stage.desired(old.uid, .settings)?.state == .applied)
        for _ in 0..<240 {
            stage.wait(30)
            stage.send(new.beat(), over: after)
        }
        #expect(stage.offered == [hash] && stage.reoffered.isEmpty)
    }

    @Test(arguments: OfferKind.allCases, Habit.allCases)
    func `an agent that starts again for each offer and forgets it is offered it ever less often`(
        kind: OfferKind, habit: Habit
    ) throws {
        var (stage, agent, link) = (Stage(), client(kind), webSocket())
        stage.send(agent.full(), over: link)
        _ = try offer(kind, on: &stage, to: agent.uid)
        let hash = try #require(stage.offered.first)
        var times = [stage.now.monotonic]
        var seen = 0
        for second in 0..<7200 {
            stage.wait(1)
            let isOffered = second == 0 || stage.reoffered.count > seen
            seen = stage.reoffered.count
            if isOffered {
                // It takes the offer, leaves, and comes back at once.
                if habit != .silent {
                    stage.send(status(&agent, kind, isApplied: habit == .applied, hash), over: link)
                }
                stage.send(goodbye(&agent), over: link)
                stage.close(link)
                (agent, link) = (client(kind), webSocket())
                stage.send(first(&agent, kind), over: link)
            } else if second % 10 == 0 {
                stage.send(agent.beat(), over: link)
            }
            if stage.reoffered.count > seen { times.append(stage.now.monotonic) }
        }
        let pauses = zip(times.dropFirst(), times).map { Duration.nanoseconds($0 - $1) }
        // A configuration may have been lost with the session, once, if the agent had said nothing of it.
        let atOnce = kind == .config && habit == .silent ? 1 : 0
        #expect(pauses.count { $0 < Handover.interval } == atOnce, "\(pauses)")
        #expect(stage.offered.count == 1)
        // One that takes it each time may have it again after an hour as if it were new.
        let most = habit == .applied ? 2 * Handover.freeRepeats : Handover.freeRepeats + 1
        #expect(pauses.count == most, "\(pauses)")
        #expect(pauses.dropFirst(Handover.freeRepeats).first.map { $0 >= Handover.restInterval } == true)
    }

    @Test(arguments: OfferKind.allCases)
    func `what an agent forgot shortly after it was offered goes out again after the pause, with a heartbeat`(
        kind: OfferKind
    ) throws {
        var (stage, agent, link) = (Stage(), client(kind), webSocket())
        stage.send(agent.full(), over: link)
        _ = try offer(kind, on: &stage, to: agent.uid)
        let hash = try #require(stage.offered.first)
        stage.send(status(&agent, kind, isApplied: true, hash), over: link)
        stage.wait(20)
        stage.close(link)
        (agent, link) = (client(kind), webSocket())
        stage.send(first(&agent, kind), over: link)
        stage.wait(30)
        stage.send(agent.beat(), over: link)
        #expect(stage.reoffered.isEmpty, "50 s after it was offered")
        stage.wait(30)
        stage.send(agent.beat(), over: link)
        #expect(stage.reoffered == [hash])
        stage.send(status(&agent, kind, isApplied: true, hash), over: link)
        stage.wait(120)
        stage.send(agent.beat(), over: link)
        #expect(stage.reoffered.count == 1)
    }
}
