import FleetAPI
import HTTPTypes
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

/// Two senders of one uid, and what the first one's agent is known by.
private struct Pair {
    var stage = Stage()
    var first = Reporter()
    var second = Reporter()

    init() { second.host = "web-18" }

    var uid: InstanceUID { first.uid }
    var host: String? { stage.facts(uid)?.host?.text }
    var status: AgentStatus? { stage.vitals(uid)?.status }
    var link: Link? { stage.state.position(of: uid).flatMap { stage.state.links[$0] } }
    var isInConflict: Bool { stage.vitals(uid)?.isInConflict ?? false }

    func isClosed(_ link: Link) -> Bool { stage.effects.closes.contains { $0 === link } }
    func isPinged(_ link: Link) -> Bool { stage.effects.pings.contains { $0 === link } }

    /// The uid that an answer offers.
    func offer(_ answer: ServerToAgent) -> InstanceUID? {
        answer.hasAgentIdentification ? InstanceUID(bytes: answer.agentIdentification.newInstanceUid) : nil
    }

    /// Messages of the second sender until it was offered an own uid three times, and of both so that they interleave.
    mutating func exhaustOffers(over link: () -> Link) -> [InstanceUID?] {
        (0..<3).map { _ in
            stage.send(first.beat(), over: exchange())
            return offer(stage.send(second.beat(), over: link()))
        }
    }
}

private func asksForFullState(_ answer: ServerToAgent) -> Bool {
    ServerToAgentFlags(rawValue: answer.flags).contains(.reportFullState)
}

@Suite struct WebSocketIdentityTests {
    @Test func `a new session with the same names replaces the old one at once`() {
        var (pair, old, new) = (Pair(), webSocket(), webSocket())
        pair.stage.send(pair.first.full(), over: old)
        pair.stage.send(pair.first.full(), over: new)
        #expect(pair.link === new && pair.isClosed(old) && !pair.isPinged(old))
        pair.stage.close(old)
        #expect(pair.status == .connected && pair.stage.state.rivals.isEmpty)
    }

    @Test func `an upgrade in place is no duplicate`() {
        var (pair, old, new) = (Pair(), webSocket(), webSocket())
        pair.stage.send(pair.first.full(), over: old)
        var upgraded = pair.first.full()
        upgraded.agentDescription.identifyingAttributes[1] = KeyValue("service.version", "6.0.0")
        pair.stage.send(upgraded, over: new)
        #expect(pair.link === new && pair.stage.facts(pair.uid)?.version?.text == "6.0.0")
    }

    @Test func `a reconnect after the old connection was lost needs no names`() {
        var (pair, old, new) = (Pair(), webSocket(), webSocket())
        pair.stage.send(pair.first.full(), over: old)
        pair.stage.send(pair.first.beat(), over: old)
        pair.stage.close(old)
        pair.stage.send(pair.first.beat(), over: new)
        #expect(pair.link === new && pair.status == .connected && pair.stage.effects.pings.isEmpty)
    }

    @Test func `a new session replaces the old one if that does not answer a ping within 5 s`() throws {
        var (pair, old, new) = (Pair(), webSocket(), webSocket())
        pair.stage.send(pair.first.full(), over: old)
        pair.stage.wait(10)
        let answer = pair.stage.send(pair.second.full(), over: new)
        #expect(pair.isPinged(old) && pair.host == "web-17" && answer.instanceUid == pair.uid.data)
        #expect(!asksForFullState(answer) && pair.offer(answer) == nil)
        pair.stage.wait(4)
        #expect(pair.link === old)
        pair.stage.wait(1)
        #expect(pair.link === new && pair.isClosed(old))
        let push = try #require(pair.stage.effects.pushes.last)
        #expect(push.link === new && asksForFullState(push.message), "what it said was not applied")
        pair.stage.close(old)
        pair.stage.send(pair.second.full(), over: new)
        #expect(pair.host == "web-18" && pair.status == .connected)
    }

    @Test func `a newcomer that does not describe itself is asked once, and not applied until it is known`() {
        var (pair, old, new) = (Pair(), webSocket(), webSocket())
        pair.stage.send(pair.first.full(), over: old)
        pair.stage.wait(1)
        let before = pair.stage.facts(pair.uid)
        let first = pair.stage.send(pair.second.health(7, healthy: false, error: "not mine"), over: new)
        let second = pair.stage.send(pair.second.beat(), over: new)
        #expect(asksForFullState(first) && !asksForFullState(second))
        #expect(pair.stage.facts(pair.uid) == before && pair.link === old)
        pair.second.host = "web-17"
        pair.stage.send(pair.second.full(healthy: false), over: new)
        #expect(pair.link === new && pair.isClosed(old), "the same names: the newest session wins at once")
        #expect(pair.stage.vitals(pair.uid)?.health == .unhealthy)
    }

    @Test func `of two sessions without names the newest wins after 5 s although the old one answers`() {
        var (pair, old, new) = (Pair(), webSocket(), webSocket())
        pair.stage.send(pair.first.full(), over: old)
        pair.stage.wait(1)
        pair.stage.send(pair.second.beat(), over: new)
        pair.stage.wait(1)
        old.answeredPing(at: pair.stage.now)
        pair.stage.wait(3)
        #expect(pair.link === old)
        pair.stage.wait(1)
        #expect(pair.link === new && pair.isClosed(old))
    }

    @Test func `no command goes to a sender that is not known to be the agent`() {
        var (pair, old, new) = (Pair(), webSocket(), webSocket())
        pair.stage.send(pair.first.full(), over: old)
        pair.stage.send(pair.second.full(), over: new)
        _ = pair.stage.queue("resync", for: pair.uid)
        pair.stage.send(pair.second.beat(), over: new)
        #expect(pair.stage.effects.deliveries.allSatisfy { $0.link === old })
        #expect(pair.stage.effects.deliveries.count == 1)
    }

    @Test func `a duplicate is offered a new uid at most three times, then refused, and the agent is in conflict`()
        throws
    {
        var (pair, old, new) = (Pair(), webSocket(), webSocket())
        pair.stage.send(pair.first.full(), over: old)
        pair.stage.wait(1)
        pair.stage.send(pair.second.full(), over: new)
        pair.stage.wait(1)
        old.answeredPing(at: pair.stage.now)
        pair.stage.wait(1)
        let push = try #require(pair.stage.effects.pushes.last, "found out by the ping: offered at once")
        let offered = try #require(pair.offer(push.message))
        #expect(push.link === new && push.message.instanceUid == pair.uid.data)
        let answers = (0..<2).map { _ in pair.stage.reply(to: pair.second.beat(), over: new) }
        #expect(answers.map { pair.offer($0.message) } == [offered, offered] && !pair.isInConflict)

        let fourth = pair.stage.reply(to: pair.second.beat(), over: new)
        #expect(fourth.ending == .refused && fourth.message.errorResponse.type == .badRequest)
        let text = fourth.message.errorResponse.errorMessage
        #expect(text.contains(pair.uid.description) && text.contains("web-17"))
        #expect(pair.isInConflict && pair.link === old && pair.host == "web-17")
        #expect(pair.stage.events == ["connected", "duplicate", "conflict"])
        pair.stage.close(new)

        let again = pair.stage.reply(to: pair.second.full(), over: webSocket())
        #expect(again.ending == .refused, "it is known by its names over another connection")
    }

    @Test func `commands for an agent in conflict answer 409, and the conflict shows as a problem`() throws {
        var (pair, old) = (Pair(), webSocket())
        pair.stage.send(pair.first.full(), over: old)
        let new = webSocket()
        pair.stage.send(pair.second.full(), over: new)
        pair.stage.wait(1)
        pair.stage.send(pair.first.beat(), over: old)
        for _ in 0..<3 { pair.stage.send(pair.second.beat(), over: new) }
        var command = Command()
        (command.command, command.instanceUID) = ("resync", pair.uid.description)
        let refusal = pair.stage.state.refusal(of: command, CommandKind.all.first { $0.name == "resync" }!)
        #expect(refusal?.status == 409 && refusal?.title == "Agent in conflict")
        #expect(refusal?.detail.contains("web-18") == true)
        let position = try #require(pair.stage.state.position(of: pair.uid))
        let view = AgentView(record: pair.stage.state.records[position], vitals: pair.stage.state.vitals[position])
        #expect(view.problems == ["conflict"] && view.hasProblem)
        #expect(try Filter("problem:conflict").matches(view, now: pair.stage.now.wall))
    }

    @Test func `a duplicate that takes the new uid is a new agent, and the first one keeps its record`() throws {
        var (pair, old, new) = (Pair(), webSocket(), webSocket())
        pair.stage.send(pair.first.full(), over: old)
        pair.stage.send(pair.second.full(), over: new)
        pair.stage.wait(1)
        pair.stage.send(pair.first.beat(), over: old)
        let offer = pair.offer(pair.stage.send(pair.second.beat(), over: new))
        let offered = try #require(offer)
        var renamed = pair.second.beat()
        renamed.instanceUid = offered.data
        let answer = pair.stage.send(renamed, over: new)
        #expect(answer.instanceUid == offered.data && asksForFullState(answer))
        #expect(pair.stage.state.records.count == 2 && pair.host == "web-17" && pair.link === old)
        #expect(pair.stage.state.aliases.isEmpty && pair.stage.state.rivals.isEmpty)
        #expect(pair.stage.events == ["connected", "duplicate", "separated", "connected"])
        pair.stage.close(new)
        #expect(pair.stage.vitals(offered)?.status != .connected || pair.stage.vitals(offered)?.isPolling == true)
        #expect(pair.status == .connected)
    }

    @Test func `a conflict ends when the other one was not heard for 10 minutes`() {
        var (pair, old, new) = (Pair(), webSocket(), webSocket())
        pair.stage.send(pair.first.full(), over: old)
        pair.stage.send(pair.second.full(), over: new)
        pair.stage.wait(1)
        pair.stage.send(pair.first.beat(), over: old)
        for _ in 0..<4 { pair.stage.send(pair.second.beat(), over: new) }
        pair.stage.close(new)
        #expect(pair.isInConflict)
        pair.stage.wait(600)
        #expect(pair.isInConflict)
        pair.stage.wait(1)
        #expect(!pair.isInConflict && pair.stage.events.last == "conflict_ended")
        #expect(pair.stage.state.rivals.isEmpty && pair.stage.state.separations.isEmpty)
    }

    @Test func `a refused sender takes over only once the agent has been away for three intervals`() {
        var (pair, old, new) = (Pair(), webSocket(), webSocket())
        pair.stage.send(pair.first.full(), over: old)
        pair.stage.send(pair.second.full(), over: new)
        pair.stage.wait(1)
        pair.stage.send(pair.first.beat(), over: old)
        for _ in 0..<4 { pair.stage.send(pair.second.beat(), over: new) }
        pair.stage.close(new)
        pair.stage.close(old)
        pair.stage.wait(30)
        let early = pair.stage.reply(to: pair.second.full(), over: webSocket())
        #expect(early.ending == .refused && pair.host == "web-17")
        pair.stage.wait(61)
        let link = webSocket()
        let late = pair.stage.reply(to: pair.second.full(), over: link)
        #expect(late.ending == nil && pair.host == "web-18" && pair.link === link)
        #expect(!pair.isInConflict && pair.status == .connected)
    }

    @Test func `a goodbye of another sender does not take the agent away`() {
        var (pair, old, new) = (Pair(), webSocket(), webSocket())
        pair.stage.send(pair.first.full(), over: old)
        var goodbye = pair.second.beat()
        goodbye.agentDisconnect = AgentDisconnect()
        pair.stage.send(goodbye, over: new)
        #expect(pair.status == .connected && pair.stage.state.rivals.isEmpty)
    }

    @Test func `at most 16 senders of one uid are told apart`() {
        var pair = Pair()
        pair.stage.send(pair.first.full(), over: webSocket())
        for _ in 0..<16 { pair.stage.send(pair.second.beat(), over: webSocket()) }
        let answer = pair.stage.send(pair.second.beat(), over: webSocket())
        #expect(answer.errorResponse.type == .unavailable)
        #expect(pair.stage.state.rivals[pair.uid]?.count == 16)
    }

    @Test func `several agents over one WebSocket part together when it closes`() {
        var (stage, link) = (Stage(), webSocket())
        var agents = (1...4).map { Reporter(UInt64($0)) }
        for round in 0..<2 {
            for number in agents.indices {
                let message = round == 0 ? agents[number].full() : agents[number].beat()
                stage.send(message, over: link)
            }
        }
        #expect(agents.allSatisfy { stage.vitals($0.uid)?.status == .connected })
        let other = webSocket()
        stage.send(agents[3].full(), over: other)
        #expect(!stage.effects.closes.contains { $0 === link }, "the others still need it")
        stage.close(link)
        #expect(
            agents.map { stage.vitals($0.uid)?.status } == [.disconnected, .disconnected, .disconnected, .connected])
        #expect(stage.state.moreByLink.isEmpty)
    }
}

@Suite struct HTTPIdentityTests {
    @Test func `two senders that interleave under other names are duplicates`() throws {
        var pair = Pair()
        pair.stage.send(pair.first.full(), over: exchange())
        pair.stage.wait(10)
        _ = pair.second.beat(skipping: 50)
        let first = pair.stage.send(pair.second.full(), over: exchange())
        #expect(pair.host == "web-17" && pair.offer(first) == nil, "acknowledged, not applied")
        #expect(first.instanceUid == pair.uid.data)
        let offers = pair.exhaustOffers { exchange() }
        #expect(offers[0] != nil && Set(offers).count == 1)
        let fourth = pair.stage.reply(to: pair.second.beat(), over: exchange())
        #expect(fourth.ending == .refused && AgentExchange.status(of: fourth) == .badRequest)
        #expect(pair.isInConflict && pair.host == "web-17" && pair.status == .connected)
        let own = pair.stage.reply(to: pair.first.beat(), over: exchange())
        #expect(own.ending == nil && !own.message.hasErrorResponse, "the agent itself goes on")

        var renamed = pair.second.full()
        let offered = try #require(offers[0])
        renamed.instanceUid = offered.data
        pair.stage.send(renamed, over: exchange())
        #expect(pair.stage.state.records.count == 2 && !pair.isInConflict)
        #expect(pair.stage.events.suffix(3) == ["separated", "conflict_ended", "connected"])
    }

    @Test func `a sender that speaks twice without the other one in between replaces it`() {
        var pair = Pair()
        pair.stage.send(pair.first.full(), over: exchange())
        pair.stage.wait(10)
        _ = pair.second.beat(skipping: 50)
        let message = pair.second.full()
        pair.stage.send(message, over: exchange())
        pair.stage.send(message, over: exchange())
        #expect(pair.host == "web-17", "the same message again is a retry, not a second one")
        let answer = pair.stage.send(pair.second.beat(), over: exchange())
        #expect(asksForFullState(answer), "what it said was not applied")
        pair.stage.send(pair.second.full(), over: exchange())
        #expect(pair.host == "web-18" && pair.stage.state.rivals.isEmpty)
    }

    @Test func `the uid of an agent that is not heard any more is free for others`() {
        var pair = Pair()
        pair.stage.send(pair.first.full(), over: exchange())
        pair.stage.wait(91)
        #expect(pair.status == .stale)
        pair.stage.send(pair.second.full(), over: exchange())
        #expect(pair.host == "web-18" && pair.status == .connected)
    }

    @Test func `a gap in the numbers never makes another sender of it`() {
        var pair = Pair()
        pair.stage.send(pair.first.full(), over: exchange())
        var asked: [Bool] = []
        for skipped: UInt64 in [3, 0, 1, 1, 1, 1] {
            let message = pair.first.beat(skipping: skipped)
            for _ in 0..<2 { asked.append(asksForFullState(pair.stage.send(message, over: exchange()))) }
        }
        #expect(asked.count { $0 } == 1, "4, 4, 6: at most the full state is asked for, once")
        #expect(pair.stage.state.rivals.isEmpty && pair.status == .connected)
    }

    @Test func `a poller that comes back under another host name is the agent, though it leaves numbers out`() {
        var pair = Pair()
        pair.stage.send(pair.first.full(), over: exchange())
        _ = pair.first.beat(skipping: 100)
        pair.stage.send(pair.first.beat(), over: exchange())
        pair.stage.wait(30)
        pair.stage.send(pair.second.full(), over: exchange())
        let answer = pair.stage.send(pair.second.beat(skipping: 1), over: exchange())
        #expect(asksForFullState(answer))
        pair.stage.send(pair.second.full(), over: exchange())
        #expect(pair.host == "web-18" && !pair.stage.events.contains("duplicate"))
    }

    @Test func `numbers that go back to an older stream ask for names, and those tell the senders apart`() {
        var pair = Pair()
        pair.stage.send(pair.first.full(), over: exchange())
        _ = pair.second.beat(skipping: 500)
        /// One message of either sender, which describes itself when it was asked to; tells whether it is asked now.
        func speak(_ sender: inout Reporter, _ stage: inout Stage, _ isAsked: Bool) -> Bool {
            stage.wait(5)
            return asksForFullState(stage.send(isAsked ? sender.full() : sender.beat(), over: exchange()))
        }
        var (one, two) = (false, false)
        for _ in 0..<8 {
            one = speak(&pair.first, &pair.stage, one)
            two = speak(&pair.second, &pair.stage, two)
        }
        #expect(pair.stage.events.contains("duplicate"))
        #expect(pair.stage.state.rivals[pair.uid]?.first?.names?.host == "web-18")
        #expect(pair.host == "web-17")
    }

    @Test func `senders without different names are one agent`() {
        var pair = Pair()
        (pair.first.host, pair.first.serviceInstanceID) = (nil, "a")
        pair.stage.send(pair.first.full(), over: exchange())
        pair.stage.send(pair.second.full(), over: exchange())
        #expect(pair.stage.state.rivals.isEmpty && pair.host == "web-18", "no name that both have differs")
        pair.second.serviceInstanceID = "b"
        pair.first.host = "web-18"
        pair.stage.send(pair.second.full(), over: exchange())
        pair.stage.send(pair.first.full(), over: exchange())
        #expect(pair.stage.state.rivals.count == 1, "the same host, but another service.instance.id")
    }

    @Test func `the same uid over HTTP while a WebSocket is open: the WebSocket is pinged`() throws {
        var (pair, open) = (Pair(), webSocket())
        pair.stage.send(pair.first.full(), over: open)
        pair.stage.wait(1)
        let answer = pair.stage.send(pair.second.beat(), over: exchange())
        #expect(pair.isPinged(open) && asksForFullState(answer) && pair.link === open)
        open.answeredPing(at: pair.stage.now + .seconds(1))
        pair.stage.wait(2)
        let offer = pair.offer(pair.stage.send(pair.second.full(), over: exchange()))
        #expect(offer != nil && pair.link === open && pair.host == "web-17")

        let (silent, other) = (webSocket(), exchange())
        var next = Pair()
        next.stage.send(next.first.full(), over: silent)
        next.stage.wait(1)
        next.stage.send(next.second.full(), over: other)
        next.stage.wait(5)
        #expect(next.link == nil && next.isClosed(silent) && next.stage.vitals(next.uid)?.transport == .http)
        let reply = next.stage.send(next.second.beat(), over: exchange())
        #expect(asksForFullState(reply))
    }

    @Test func `one agent over HTTP and WebSocket by turns stays one agent`() {
        var (pair, socket) = (Pair(), webSocket())
        pair.stage.send(pair.first.full(), over: exchange())
        pair.stage.send(pair.first.full(), over: socket)
        #expect(pair.link === socket && pair.stage.state.rivals.isEmpty)
        pair.stage.send(pair.first.full(), over: exchange())
        #expect(pair.link == nil && pair.isClosed(socket))
        pair.stage.close(socket)
        #expect(pair.status == .connected && pair.stage.state.records.count == 1)
    }

    @Test func `a WebSocket under the uid of an agent that polls waits for its next poll`() {
        var (pair, socket) = (Pair(), webSocket())
        pair.stage.send(pair.first.full(), over: exchange())
        pair.stage.wait(10)
        pair.stage.send(pair.second.full(), over: socket)
        pair.stage.send(pair.second.beat(), over: socket)
        #expect(pair.host == "web-17" && pair.link == nil)
        pair.stage.wait(10)
        pair.stage.send(pair.first.beat(), over: exchange())
        #expect(pair.stage.effects.pushes.last.flatMap { pair.offer($0.message) } != nil)
        #expect(pair.stage.events.contains("duplicate"))
    }
}
