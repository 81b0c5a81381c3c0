import FleetAPI
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

/// One agent, told what time it is: when it is connected, disconnected, stale.
private struct Watched {
    var stage = Stage()
    var agent = Reporter()

    var vitals: Vitals? { stage.vitals(agent.uid) }
    var status: AgentStatus? { vitals?.status }

    /// Polls over HTTP every so many seconds.
    mutating func poll(every seconds: Int, times: Int) {
        for _ in 0..<times {
            stage.wait(seconds)
            stage.send(agent.beat(), over: exchange())
        }
    }

    /// The provider does nothing at all for so long.
    mutating func stop(_ seconds: Int) -> Duration? {
        stage.now = stage.now + .seconds(seconds)
        return stage.state.tick(at: stage.now, &stage.effects)
    }
}

@Suite struct StatesTests {
    @Test(arguments: [true, false]) func `goodbye: disconnected at once`(isWebSocket: Bool) {
        var watched = Watched()
        let link = isWebSocket ? webSocket() : exchange()
        watched.stage.send(watched.agent.full(), over: link)
        #expect(watched.status == .connected && watched.vitals?.health == .healthy)
        var goodbye = watched.agent.beat()
        goodbye.agentDisconnect = AgentDisconnect()
        watched.stage.send(goodbye, over: link)
        #expect(watched.status == .disconnected && watched.vitals?.health == .unknown)
        watched.stage.wait(300)
        #expect(watched.stage.events == ["connected", "disconnected"], "it does not become stale on top of it")
    }

    @Test func `a lost socket: disconnected at once`() {
        var (watched, link) = (Watched(), webSocket())
        watched.stage.send(watched.agent.full(), over: link)
        watched.stage.send(watched.agent.beat(), over: link)
        watched.stage.close(link)
        #expect(watched.status == .disconnected && watched.vitals?.health == .unknown)
    }

    @Test func `a silent socket: stale after three intervals without a word or a pong`() {
        var (watched, link) = (Watched(), webSocket())
        watched.stage.send(watched.agent.full(), over: link)
        watched.stage.wait(90)
        #expect(watched.status == .connected)
        watched.stage.wait(1)
        #expect(watched.status == .stale && watched.vitals?.health == .unknown)
        watched.stage.send(watched.agent.beat(), over: link)
        #expect(watched.status == .connected && watched.vitals?.health == .healthy)
    }

    @Test(arguments: [(20, 91), (60, 181), (120, 361), (600, 1801)])
    func `a poller of unknown interval: stale after three of its own gaps`(interval: Int, silence: Int) {
        var watched = Watched()
        watched.stage.send(watched.agent.full(), over: exchange())
        watched.poll(every: interval, times: 5)
        #expect(watched.status == .connected)
        watched.stage.wait(silence - 1)
        #expect(watched.status == .connected)
        watched.stage.wait(1)
        #expect(watched.status == .stale)
    }

    @Test func `an outage of a poller is not its interval`() {
        var watched = Watched()
        watched.stage.send(watched.agent.full(), over: exchange())
        watched.stage.wait(7200)
        watched.stage.send(watched.agent.beat(), over: exchange())
        watched.stage.wait(91)
        #expect(watched.status == .stale)
    }

    @Test func `a poller that becomes faster is expected sooner after five gaps`() {
        var watched = Watched()
        watched.stage.send(watched.agent.full(), over: exchange())
        watched.poll(every: 60, times: 3)
        watched.poll(every: 10, times: 4)
        #expect(watched.vitals?.expectedInterval == .seconds(60))
        watched.poll(every: 10, times: 1)
        #expect(watched.vitals?.expectedInterval == .seconds(30))
    }

    @Test func `the interval that was offered and taken is the expected one`() throws {
        for (offered, silence): (UInt32, Int) in [(10, 31), (120, 361)] {
            var watched = Watched()
            watched.stage.send(watched.agent.full(), over: exchange())
            let position = try #require(watched.stage.state.position(of: watched.agent.uid))
            watched.stage.state.vitals[position].offeredInterval = offered
            watched.stage.wait(silence - 1)
            #expect(watched.status == .connected)
            watched.stage.wait(1)
            #expect(watched.status == .stale)
        }
    }

    @Test func `a socket per message: its end means nothing, silence does`() {
        var watched = Watched()
        watched.stage.send(watched.agent.full(), over: exchange())
        for _ in 0..<4 {
            let link = webSocket()
            watched.stage.send(watched.agent.full(), over: link)
            watched.stage.close(link)
            watched.stage.wait(20)
        }
        #expect(watched.status == .connected)
        watched.stage.wait(91)
        #expect(watched.status == .stale)
    }

    @Test func `a heartbeat of 0: a socket that answers pings is enough`() {
        var (watched, link) = (Watched(), webSocket())
        watched.stage.send(watched.agent.full(), over: link)
        for _ in 0..<120 {
            watched.stage.wait(30)
            link.answeredPing(at: watched.stage.now)
        }
        #expect(watched.status == .connected && watched.stage.events == ["connected"])
        watched.stage.wait(91)
        #expect(watched.status == .stale, "and once it answers none, it is stale like any other")
    }

    @Test func `agents without health: unknown, and no problem`() throws {
        var watched = Watched()
        var report = watched.agent.full()
        report.clearHealth()
        watched.stage.send(report, over: exchange())
        #expect(watched.status == .connected && watched.vitals?.health == .unknown)
        let position = try #require(watched.stage.state.position(of: watched.agent.uid))
        let view = AgentView(
            record: watched.stage.state.records[position], vitals: watched.stage.state.vitals[position])
        #expect(view.problems.isEmpty && view.agent(shortID: "").lastHealth == nil)
    }

    @Test func `provider restart: nobody is connected before a message, and the last health is still told`() throws {
        var watched = Watched()
        watched.stage.send(watched.agent.full(), over: exchange())
        var next = watched
        next.stage.state = watched.restarted(after: 20)
        #expect(next.status == .disconnected && next.vitals?.health == .unknown)
        next.stage.wait(200)
        #expect(next.status == .disconnected && next.stage.events == ["connected"], "no new event")
        let position = try #require(next.stage.state.position(of: next.agent.uid))
        let view = AgentView(record: next.stage.state.records[position], vitals: next.stage.state.vitals[position])
        #expect(view.agent(shortID: "").lastHealth == .healthy)
        next.stage.send(next.agent.beat(), over: exchange())
        #expect(next.status == .connected && next.vitals?.health == .healthy)
    }

    @Test func `a stalled provider: its own lag makes nobody stale`() {
        var watched = Watched()
        watched.stage.send(watched.agent.full(), over: exchange())
        watched.stage.wait(60)
        let stood = watched.stop(600)
        #expect(stood == .seconds(599) && watched.status == .connected)
        watched.stage.wait(29)
        #expect(watched.status == .connected)
        watched.stage.wait(1)
        #expect(watched.status == .stale, "the silence before and after it counts")
        #expect(watched.stage.events == ["connected", "stale"])
    }

    @Test func `a stalled provider: what an agent could not say meanwhile is no gap of its own`() {
        var watched = Watched()
        watched.stage.send(watched.agent.full(), over: exchange())
        watched.stage.wait(10)
        watched.stage.now = watched.stage.now + .seconds(500)
        watched.stage.send(watched.agent.beat(), over: exchange())
        #expect(watched.vitals?.expectedInterval == .seconds(30))
        let stood = watched.stop(0)
        #expect(stood != nil && watched.status == .connected)
    }

    @Test func `a stalled provider: a step that is a little late is none`() {
        var watched = Watched()
        watched.stage.wait(1)
        let late = watched.stop(4)
        let stood = watched.stop(5)
        #expect(late == nil && stood == .seconds(4))
    }

    @Test func `a stalled provider gives the old session its time to answer a ping`() {
        var (watched, old) = (Watched(), webSocket())
        watched.stage.send(watched.agent.full(), over: old)
        watched.stage.wait(1)
        watched.agent.host = "web-18"
        watched.stage.send(watched.agent.full(), over: webSocket())
        _ = watched.stop(60)
        let position = watched.stage.state.position(of: watched.agent.uid)!
        #expect(watched.stage.state.links[position] === old)
    }

    @Test func `what every message changes takes 64 bytes an agent`() {
        #expect(MemoryLayout<Vitals>.stride == 64)
    }

    @Test func `a clock that jumps decides nothing`() {
        for jump in [Duration.seconds(86_400 * 365), .seconds(-86_400 * 365)] {
            var (watched, gone) = (Watched(), Reporter(2))
            watched.stage.send(watched.agent.full(), over: exchange())
            var goodbye = gone.full()
            goodbye.agentDisconnect = AgentDisconnect()
            watched.stage.send(goodbye, over: exchange())
            watched.stage.now = Moment(wall: watched.stage.now.wall + jump, monotonic: watched.stage.now.monotonic)
            watched.stage.wait(61)
            #expect(watched.status == .connected)
            #expect(watched.stage.state.records.count == 2, "nor is anybody forgotten")
            watched.stage.wait(30)
            #expect(watched.status == .stale)
        }
    }
}

extension Watched {
    /// The state of a provider that starts so many seconds later with what is stored of the agent.
    fileprivate func restarted(after seconds: Int) -> FleetState {
        var stored = Store.StoredFleet()
        stored.settings = stage.state.settings
        stored.keptLabels = stage.state.keptLabels.mapValues { ($0.labels, $0.since.wall) }
        stored.agents = zip(stage.state.records, stage.state.vitals).map { record, vitals in
            .init(record: record, lastSeen: vitals.lastSeen.wall, sequence: vitals.sequence, transport: .http)
        }
        return FleetState(stored, now: stage.now + .seconds(seconds))
    }
}

@Suite struct ForgettingTests {
    private static let operators = Caller(name: "ann", address: "127.0.0.1")

    /// An agent that said goodbye, in a fleet that forgets after an hour.
    private func left(labels: [String: String] = [:]) -> Watched {
        var watched = Watched()
        watched.stage.state.settings.forgetAfterSeconds = 3600
        watched.stage.send(watched.agent.full(), over: exchange())
        if !labels.isEmpty {
            watched.stage.state.label(labels, at: 0, by: Self.operators, watched.stage.now, &watched.stage.effects)
        }
        var goodbye = watched.agent.beat()
        goodbye.agentDisconnect = AgentDisconnect()
        watched.stage.send(goodbye, over: exchange())
        return watched
    }

    @Test func `an agent not heard for forget_after is forgotten, with an event`() {
        var watched = left()
        let queued = watched.stage.queue("resync", for: watched.agent.uid, expires: 86_400)
        watched.stage.wait(3600)
        #expect(watched.vitals != nil)
        watched.stage.wait(60)
        #expect(watched.vitals == nil && watched.stage.events.last == "forgotten")
        #expect(
            watched.stage.effects.changes.contains { if case .forget(watched.agent.uid) = $0 { true } else { false } })
        #expect(watched.stage.command(queued) == nil)
    }

    @Test func `agents that are heard, and blocked ones, are not forgotten`() {
        var watched = left()
        _ = watched.stage.state.decide(
            .block, at: 0, by: Self.operators, watched.stage.now, &watched.stage.effects)
        var (other, link) = (Reporter(2), webSocket())
        watched.stage.send(other.full(), over: link)
        for _ in 0..<100 {
            watched.stage.wait(80)
            link.answeredPing(at: watched.stage.now)
        }
        #expect(watched.stage.state.records.count == 2)
    }

    @Test func `who comes back within 90 days has its labels again`() {
        for (days, labels) in [(89, ["env": "prod"]), (91, [:])] {
            var watched = left(labels: ["env": "prod"])
            watched.stage.wait(3700)
            #expect(watched.vitals == nil && watched.stage.state.keptLabels.count == 1)
            watched.stage.now = watched.stage.now + .seconds(days * 86_400)
            watched.stage.state.lostTime = LostTime()
            watched.stage.wait(61)
            watched.stage.send(watched.agent.full(), over: exchange())
            #expect(watched.stage.state.records[0].decisions.labels == labels, "after \(days) days")
            #expect(watched.stage.state.keptLabels.isEmpty)
        }
    }

    @Test func `labels of a forgotten agent survive a restart`() async throws {
        let store = try Store(directory: nil)
        var watched = left(labels: ["env": "prod"])
        watched.stage.wait(3700)
        let changes = watched.stage.effects.changes
        try await withCheckedThrowingContinuation { continuation in
            store.write(changes) { continuation.resume(with: $0) }
        }
        let stored = try store.load(unconfirmedSince: watched.stage.now.wall)
        #expect(stored.agents.isEmpty)
        watched.stage.state = FleetState(stored, now: watched.stage.now)
        watched.stage.send(watched.agent.full(), over: exchange())
        #expect(watched.stage.state.records[0].decisions.labels == ["env": "prod"])
    }

    @Test func `after a start nobody is forgotten for an hour, however long the provider was away`() {
        var watched = left()
        let away = 30 * 86_400
        watched.stage.state = watched.restarted(after: away)
        watched.stage.now = watched.stage.now + .seconds(away)
        watched.stage.wait(3599)
        #expect(watched.vitals != nil)
        watched.stage.wait(61)
        #expect(watched.vitals == nil)
    }

    @Test func `the time that the provider stood still does not count`() {
        var watched = left()
        watched.stage.wait(1800)
        _ = watched.stop(7200)
        watched.stage.wait(1700)
        #expect(watched.vitals != nil)
        watched.stage.wait(200)
        #expect(watched.vitals == nil)
    }

    @Test func `many are forgotten in steps, and the others stay findable`() {
        var watched = left()
        for number in 0..<2500 {
            var agent = Reporter(UInt64(number) + 10)
            agent.host = number % 2 == 0 ? "gone" : "there-\(number)"
            var message = agent.full()
            if number % 2 == 0 { message.agentDisconnect = AgentDisconnect() }
            watched.stage.send(message, over: exchange())
        }
        watched.stage.state.settings.forgetAfterSeconds = 60
        watched.stage.wait(61)
        #expect(watched.stage.state.records.count > 1250)
        watched.stage.wait(3)
        #expect(watched.stage.state.records.count == 1250)
        let (index, records) = (watched.stage.state.index, watched.stage.state.records)
        #expect((0..<1250).allSatisfy { index.position(of: records[$0].uid) == $0 })
    }
}
