import FleetAPI
import Foundation
import JSON
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

/// Offers on a stage.
extension Stage {
    /// Makes a configuration with this text the desired one; gives the id of its command.
    ///
    /// - Throws: the problem it is refused with.
    mutating func offer(
        _ text: String, to uid: InstanceUID, expires: Int? = nil, isRetry: Bool = false, isWritten: Bool = true
    ) throws -> String {
        let hash = Stage.hash(text)
        var request = OfferRequest(kind: .config, command: .config, hash: hash, body: nil, revision: ConfigRevision())
        (request.expiresSeconds, request.isRetry) = (expires, isRetry)
        return try offer(request, to: uid, isWritten: isWritten)
    }

    mutating func offer(_ request: OfferRequest, to uid: InstanceUID, isWritten: Bool = true) throws -> String {
        let id = "offer-\(effects.changes.count)"
        let before = effects.steps.count
        let caller = Caller(name: "ann", address: "127.0.0.1:9")
        if let earlier = try state.decide(request, for: uid, id: id, caller: caller, at: now, &effects).get() {
            return earlier
        }
        guard isWritten else {
            state.undo(Array(effects.steps[before...]))
            state.drop(id)
            return id
        }
        state.written(id)
        state.push(to: uid, at: now, &effects)
        return id
    }

    static func hash(_ text: String) -> ContentHash {
        var map = AgentConfigMap()
        map.configMap[""] = .with { $0.body = Data(text.utf8) }
        return map.offerHash
    }

    func desired(_ uid: InstanceUID, _ kind: OfferKind = .config) -> Offer? {
        state.position(of: uid).flatMap { state.records[$0].decisions[kind].desired }
    }

    func view(_ uid: InstanceUID) -> AgentView? {
        state.position(of: uid).map { AgentView(record: state.records[$0], vitals: state.vitals[$0]) }
    }

    /// The hashes offered so far: with a command, and again.
    var offered: [ContentHash] { effects.deliveries.compactMap(\.content?.hash) }
    var reoffered: [ContentHash] { effects.reoffers.flatMap(\.contents).map(\.hash) }
}

extension Reporter {
    /// An agent that takes configurations and says what became of them.
    static func configurable(_ number: UInt64 = 1) -> Reporter {
        var agent = Reporter(number)
        agent.capabilities.formUnion([.acceptsRemoteConfig, .reportsRemoteConfig, .reportsEffectiveConfig])
        return agent
    }

    mutating func status(
        _ status: RemoteConfigStatuses, of hash: ContentHash, error: String = "", effective: String? = nil
    ) -> AgentToServer {
        var message = beat()
        message.remoteConfigStatus.status = status
        message.remoteConfigStatus.lastRemoteConfigHash = hash.data
        message.remoteConfigStatus.errorMessage = error
        if let effective { message.effectiveConfig.configMap.configMap[""] = .with { $0.body = Data(effective.utf8) } }
        return message
    }

    mutating func full(has hash: ContentHash, _ status: RemoteConfigStatuses = .applied) -> AgentToServer {
        var message = full()
        message.remoteConfigStatus.status = status
        message.remoteConfigStatus.lastRemoteConfigHash = hash.data
        return message
    }
}

@Suite struct ConfigLifeTests {
    @Test func `a configuration is confirmed by APPLIED with exactly the offered hash`() throws {
        var (stage, agent, link) = (Stage(), Reporter.configurable(), webSocket())
        stage.send(agent.full(), over: link)
        let id = try stage.offer("a", to: agent.uid)
        #expect(stage.command(id)?.state == .sent && stage.desired(agent.uid)?.state == .sent)
        #expect(stage.offered == [Stage.hash("a")])

        stage.send(agent.status(.applied, of: Stage.hash("b")), over: link)
        #expect(stage.command(id)?.state == .sent, "another hash proves nothing")
        stage.send(agent.status(.applying, of: Stage.hash("a")), over: link)
        #expect(stage.command(id)?.state == .sent && stage.desired(agent.uid)?.state == .applying)
        #expect(stage.command(id)?.evidence?.contains("APPLYING") == true)
        stage.send(agent.status(.applied, of: Stage.hash("a")), over: link)
        #expect(stage.command(id)?.state == .confirmed)
        #expect(stage.desired(agent.uid)?.state == .applied)
        #expect(stage.events.contains("config_offered") && stage.events.contains("config_applied"))
        #expect(stage.reoffered.isEmpty)
    }

    @Test func `a hash that FAILED is offered again only by retry`() throws {
        var (stage, agent, link) = (Stage(), Reporter.configurable(), webSocket())
        stage.send(agent.full(), over: link)
        let id = try stage.offer("bad", to: agent.uid)
        stage.send(agent.status(.failed, of: Stage.hash("bad"), error: "line 3: no such plugin"), over: link)
        #expect(stage.command(id)?.state == .failed && stage.command(id)?.result == "line 3: no such plugin")
        #expect(stage.desired(agent.uid)?.state == .failed)
        #expect(stage.view(agent.uid)?.problems == ["config_failed"])

        // The agent went back to what it had, and comes and goes for hours: no loop.
        for _ in 0..<20 {
            stage.close(link)
            link = webSocket()
            stage.send(agent.full(has: Stage.hash("old")), over: link)
            stage.wait(600)
            stage.send(agent.beat(), over: link)
        }
        #expect(stage.offered.count == 1 && stage.reoffered.isEmpty)
        let refused = #expect(throws: Problem.self) { try stage.offer("bad", to: agent.uid) }
        #expect(refused?.status == 409 && refused?.detail.contains("retry") == true)

        let again = try stage.offer("bad", to: agent.uid, isRetry: true)
        #expect(again != id && stage.offered.count == 2)
        #expect(stage.desired(agent.uid)?.revision == 1, "the same revision once more")
        stage.send(agent.status(.applied, of: Stage.hash("bad")), over: link)
        #expect(stage.command(again)?.state == .confirmed)
        let nothing = #expect(throws: Problem.self) { try stage.offer("bad", to: agent.uid, isRetry: true) }
        #expect(nothing?.status == 409)
    }

    @Test func `remote configuration is offered only to agents that accept it now`() throws {
        var (stage, agent) = (Stage(), Reporter.configurable())
        agent.capabilities.remove(.acceptsRemoteConfig)
        stage.send(agent.full(), over: exchange())
        let refused = #expect(throws: Problem.self) { try stage.offer("a", to: agent.uid) }
        #expect(refused?.status == 409 && refused?.missingCapability == "AcceptsRemoteConfig")

        agent.capabilities.insert(.acceptsRemoteConfig)
        stage.send(agent.beat(), over: exchange())
        let id = try stage.offer("a", to: agent.uid)
        agent.capabilities.remove(.acceptsRemoteConfig)
        stage.send(agent.beat(), over: exchange())
        #expect(stage.offered.isEmpty && stage.command(id)?.state == .cancelled)
        #expect(stage.command(id)?.result == "the agent no longer has AcceptsRemoteConfig; nothing is desired now")
        #expect(stage.desired(agent.uid) == nil)
    }

    @Test func `what was sent and never arrived is offered again when a session begins, once`() throws {
        var (stage, agent, link) = (Stage(), Reporter.configurable(), webSocket())
        stage.send(agent.full(has: Stage.hash("old")), over: link)
        stage.send(agent.beat(), over: link)
        let id = try stage.offer("a", to: agent.uid)
        stage.wait(2)
        stage.close(link)
        link = webSocket()
        stage.send(agent.full(has: Stage.hash("old")), over: link)
        #expect(stage.reoffered == [Stage.hash("a")])
        #expect(stage.command(id)?.state == .sent, "without another sent")
        for _ in 0..<10 {
            stage.wait(30)
            stage.send(agent.beat(), over: link)
        }
        #expect(stage.reoffered.count == 1, "never with heartbeats")
        stage.send(agent.status(.applying, of: Stage.hash("a")), over: link)
        stage.send(agent.full(has: Stage.hash("a"), .applying), over: link)
        #expect(stage.reoffered.count == 1, "never while it is being applied")
        stage.send(agent.status(.applied, of: Stage.hash("a")), over: link)
        stage.send(agent.full(has: Stage.hash("a")), over: link)
        #expect(stage.reoffered.count == 1, "an equal hash is never sent")
        #expect(stage.command(id)?.state == .confirmed, "late proof counts")
    }

    @Test func `an agent that comes back with another hash gets the desired one, with its answer over HTTP`() throws {
        var (stage, agent) = (Stage(), Reporter.configurable())
        stage.send(agent.full(), over: exchange())
        let id = try stage.offer("a", to: agent.uid)
        stage.send(agent.beat(), over: exchange())
        #expect(stage.command(id)?.state == .sent)
        stage.send(agent.status(.applied, of: Stage.hash("a")), over: exchange())
        stage.wait(70)
        stage.send(agent.full(has: Stage.hash("old")), over: exchange())
        #expect(stage.reoffered == [Stage.hash("a")], "a full report with another hash")
        stage.send(agent.again(), over: exchange())
        stage.send(agent.full(has: Stage.hash("old")), over: exchange())
        #expect(stage.reoffered.count == 1, "not with each report")
    }

    @Test func `an offer in an answer that was lost goes out with the answer to the repeated message`() throws {
        var (stage, agent) = (Stage(), Reporter.configurable())
        stage.send(agent.full(), over: exchange())
        let id = try stage.offer("a", to: agent.uid)
        stage.send(agent.beat(), over: exchange())
        stage.wait(1)
        stage.send(agent.again(), over: exchange())
        #expect(stage.reoffered == [Stage.hash("a")] && stage.offered.count == 1)
        stage.send(agent.status(.applied, of: Stage.hash("a")), over: exchange())
        stage.send(agent.again(), over: exchange())
        #expect(stage.command(id)?.state == .confirmed && stage.reoffered.count == 1)
    }

    @Test func `an agent that says nothing of an offer is asked for its full state, and offered it again`() throws {
        var (stage, agent) = (Stage(), Reporter.configurable())
        stage.send(agent.full(), over: exchange())
        let id = try stage.offer("a", to: agent.uid)
        stage.send(agent.beat(), over: exchange())
        stage.wait(61)
        #expect(stage.command(id)?.state == .unconfirmed && stage.view(agent.uid)?.problems == ["config_drift"])
        let flag = ServerToAgentFlags.reportFullState.rawValue
        let answer = stage.send(agent.beat(), over: exchange())
        #expect(answer.flags & flag != 0)
        stage.send(agent.full(has: Stage.hash("old")), over: exchange())
        #expect(stage.reoffered == [Stage.hash("a")])
        stage.send(agent.status(.applied, of: Stage.hash("a")), over: exchange())
        #expect(stage.command(id)?.state == .confirmed && stage.view(agent.uid)?.problems == [])
    }

    @Test func `over a WebSocket an agent without heartbeats is asked what became of an offer that failed again`()
        throws
    {
        var (stage, agent, link) = (Stage(), Reporter.configurable(), webSocket())
        stage.send(agent.full(), over: link)
        _ = try stage.offer("a", to: agent.uid)
        stage.send(agent.status(.failed, of: Stage.hash("a")), over: link)
        let id = try stage.offer("a", to: agent.uid, isRetry: true)
        stage.wait(59)
        #expect(stage.effects.pushes.isEmpty)
        stage.wait(2)
        #expect(stage.command(id)?.state == .unconfirmed)
        #expect(stage.effects.pushes.map(\.message.flags) == [ServerToAgentFlags.reportFullState.rawValue])
        stage.send(agent.full(has: Stage.hash("a"), .failed), over: link)
        #expect(stage.command(id)?.state == .failed && stage.reoffered.isEmpty)
    }

    @Test func `an offer that ends the agent without a word goes out ever less often`() throws {
        var (stage, agent) = (Stage(), Reporter.configurable())
        stage.send(agent.full(), over: webSocket())
        _ = try stage.offer("deadly", to: agent.uid)
        for _ in 0..<120 {
            let link = webSocket()
            stage.wait(60)
            stage.send(agent.full(has: Stage.hash("old")), over: link)
            stage.send(agent.beat(), over: link)
            stage.close(link)
        }
        #expect(stage.reoffered.count == Handover.freeRepeats + 1, "three times, then once an hour")
    }

    @Test func `an agent that does not report what became of it leaves the command unconfirmed at once`() throws {
        var (stage, agent, link) = (Stage(), Reporter.configurable(), webSocket())
        agent.capabilities.remove(.reportsRemoteConfig)
        stage.send(agent.full(), over: link)
        let id = try stage.offer("a", to: agent.uid)
        #expect(stage.command(id)?.state == .unconfirmed && stage.command(id)?.proof == .nothing)
        #expect(stage.desired(agent.uid)?.state == .unconfirmed)
        #expect(stage.view(agent.uid)?.drift == nil, "nothing is known of it")
        stage.close(link)
        stage.send(agent.full(), over: webSocket())
        #expect(stage.reoffered.isEmpty, "of such an agent nothing is known, so it gets an offer once")
    }

    @Test func `a newer offer supersedes a queued one, and a sent one still takes its proof`() throws {
        var (stage, agent) = (Stage(), Reporter.configurable())
        stage.send(agent.full(), over: exchange())
        let first = try stage.offer("a", to: agent.uid)
        let second = try stage.offer("b", to: agent.uid)
        #expect(stage.command(first)?.state == .cancelled)
        #expect(stage.command(first)?.result == "superseded by revision 2")
        stage.send(agent.beat(), over: exchange())
        #expect(stage.offered == [Stage.hash("b")])
        let third = try stage.offer("c", to: agent.uid)
        #expect(stage.command(second)?.state == .sent)
        stage.send(agent.status(.applied, of: Stage.hash("b")), over: exchange())
        #expect(stage.command(second)?.state == .confirmed)
        #expect(stage.command(third)?.state == .sent && stage.desired(agent.uid)?.revision == 3)
    }

    @Test(arguments: [false, true])
    func `an offer that ends queued gives way to what was desired before`(expires: Bool) throws {
        var (stage, agent, link) = (Stage(), Reporter.configurable(), webSocket())
        stage.send(agent.full(), over: link)
        _ = try stage.offer("a", to: agent.uid)
        stage.send(agent.status(.applied, of: Stage.hash("a")), over: link)
        stage.close(link)
        _ = try stage.offer("b", to: agent.uid)
        let id = try stage.offer("c", to: agent.uid, expires: 100)
        #expect(stage.desired(agent.uid)?.revision == 3)
        if expires { stage.wait(101) } else { _ = stage.state.cancel(id, reason: "why", at: stage.now, &stage.effects) }
        #expect(stage.command(id)?.state == (expires ? .expired : .cancelled))
        #expect(stage.command(id)?.result?.hasSuffix("; revision 1 is desired again") == true)
        #expect(stage.desired(agent.uid)?.revision == 1 && stage.desired(agent.uid)?.state == .applied)
        #expect(try stage.offer("d", to: agent.uid) != id)
        #expect(stage.desired(agent.uid)?.revision == 4, "numbers are never used again")
    }

    @Test func `a new uid while a configuration is on its way takes it along`() throws {
        var (stage, agent, link) = (Stage(), Reporter.configurable(), webSocket())
        stage.send(agent.full(), over: link)
        let identify = stage.queue("identify", for: agent.uid)
        let offered = try #require(stage.command(identify).flatMap { stage.state.commands[$0.id]?.newUID })
        let uid = try #require(InstanceUID(offered))
        let id = try stage.offer("a", to: agent.uid)
        var message = agent.status(.applied, of: Stage.hash("a"))
        message.instanceUid = uid.data
        stage.send(message, over: link)
        #expect(stage.command(id)?.state == .confirmed && stage.command(id)?.instanceUID == offered)
        #expect(stage.desired(uid)?.state == .applied && stage.state.records.count == 1)
        #expect(stage.reoffered.isEmpty)
    }

    @Test func `content that the agent has applied already is not sent again`() throws {
        var (stage, agent, link) = (Stage(), Reporter.configurable(), webSocket())
        stage.send(agent.full(has: Stage.hash("a")), over: link)
        let id = try stage.offer("a", to: agent.uid)
        #expect(stage.offered.isEmpty && stage.command(id)?.state == .confirmed)
        #expect(stage.command(id)?.evidence?.contains("nothing was sent") == true)
        #expect(try stage.offer("a", to: agent.uid) == id, "the same again is the same command")
        #expect(stage.desired(agent.uid)?.revision == 1)
    }

    @Test func `a withdrawn configuration is not offered any more`() throws {
        var (stage, agent, link) = (Stage(), Reporter.configurable(), webSocket())
        stage.send(agent.full(), over: link)
        _ = try stage.offer("a", to: agent.uid)
        stage.close(link)
        let queued = try stage.offer("b", to: agent.uid)
        stage.state.withdraw(.config, from: 0, reason: "withdrawn by ann", at: stage.now, &stage.effects)
        #expect(stage.command(queued)?.state == .cancelled && stage.command(queued)?.result == "withdrawn by ann")
        #expect(stage.desired(agent.uid) == nil)
        stage.send(agent.full(has: Stage.hash("old")), over: webSocket())
        #expect(stage.reoffered.isEmpty && stage.offered.count == 1)
        #expect(stage.view(agent.uid)?.drift == nil)
    }

    @Test func `what could not be written was never desired`() throws {
        var (stage, agent, link) = (Stage(), Reporter.configurable(), webSocket())
        stage.send(agent.full(), over: link)
        let id = try stage.offer("a", to: agent.uid, isWritten: false)
        #expect(stage.command(id) == nil && stage.desired(agent.uid) == nil)
        stage.send(agent.beat(), over: link)
        #expect(stage.offered.isEmpty)

        let sent = try stage.offer("b", to: agent.uid)
        stage.state.takeBack(sent)
        #expect(stage.command(sent)?.state == .queued && stage.desired(agent.uid)?.state == .queued)
        stage.send(agent.beat(), over: link)
        #expect(stage.offered.count == 2, "it goes out with the next occasion")
    }

    @Test(arguments: [[0, 1, 2], [2, 1, 0], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1]])
    func `acts upon acts that cannot be written leave what was desired before, in whatever order that is found`(
        order: [Int]
    ) throws {
        var (stage, agent, link) = (Stage(), Reporter.configurable(), webSocket())
        stage.send(agent.full(), over: link)
        _ = try stage.offer("a", to: agent.uid)
        stage.send(agent.status(.applied, of: Stage.hash("a")), over: link)
        stage.close(link)
        let waiting = try stage.offer("b", to: agent.uid)
        let before = try #require(stage.state.records.first).decisions
        var acts: [(id: String?, steps: [FleetState.Step])] = []
        for text in ["c", nil, "d"] {
            let first = stage.effects.steps.count
            let id = try text.map { text in try stage.offer(text, to: agent.uid) }
            if text == nil {
                stage.state.withdraw(.config, from: 0, reason: "withdrawn", at: stage.now, &stage.effects)
            }
            acts.append((id, Array(stage.effects.steps[first...])))
        }
        for act in order {
            stage.state.undo(acts[act].steps)
            if let id = acts[act].id { stage.state.drop(id) }
        }
        #expect(stage.state.records[0].decisions == before)
        #expect(stage.command(waiting)?.state == .queued && stage.state.commandsByAgent[agent.uid]?.last == waiting)
        #expect(stage.state.undone.isEmpty)
    }

    @Test func `a configuration command is never in one message with a restart`() throws {
        var (stage, agent, link) = (Stage(), Reporter.configurable(), webSocket())
        stage.send(agent.full(), over: link)
        stage.send(agent.beat(), over: link)
        stage.close(link)
        _ = stage.queue("restart", for: agent.uid)
        _ = try stage.offer("a", to: agent.uid)
        stage.send(agent.beat(), over: webSocket())
        #expect(stage.effects.deliveries.count == 2)
        #expect(stage.effects.deliveries.allSatisfy { $0.message.hasCommand != ($0.content != nil) })
    }

    @Test func `drift is another hash reported than desired, once no offer is under way`() throws {
        var (stage, agent, link) = (Stage(), Reporter.configurable(), webSocket())
        stage.send(agent.full(has: Stage.hash("old")), over: link)
        _ = try stage.offer("a", to: agent.uid)
        #expect(stage.view(agent.uid)?.problems.isEmpty == true, "under way")
        stage.send(agent.status(.applied, of: Stage.hash("a")), over: link)
        #expect(stage.view(agent.uid)?.text(.config) == "applied")
        stage.send(agent.status(.applied, of: Stage.hash("mine")), over: link)
        #expect(stage.view(agent.uid)?.problems == ["config_drift"])
        #expect(stage.view(agent.uid)?.text(.config) == "drift")
        #expect(stage.events.filter { $0 == "config_drift" }.count == 1)
        let view = try #require(stage.view(agent.uid))
        #expect(try Filter("config:drift problem:config_drift").matches(view, now: stage.now.wall))
    }

    @Test func `drift is an effective configuration that changed after APPLIED without an offer`() throws {
        var (stage, agent, link) = (Stage(), Reporter.configurable(), webSocket())
        stage.send(agent.full(), over: link)
        _ = try stage.offer("a", to: agent.uid)
        stage.send(agent.status(.applied, of: Stage.hash("a"), effective: "before"), over: link)
        stage.wait(20)
        stage.send(agent.status(.applied, of: Stage.hash("a"), effective: "a, merged and masked"), over: link)
        #expect(stage.view(agent.uid)?.drift == nil, "it comes of the offer, and its text does not matter")
        stage.wait(100)
        stage.send(agent.status(.applied, of: Stage.hash("a"), effective: "edited by hand"), over: link)
        #expect(stage.view(agent.uid)?.drift == .changedAfterApplied)
        #expect(stage.events.last == "config_changed" || stage.events.contains("config_drift"))
        stage.send(agent.status(.applied, of: Stage.hash("a"), effective: "a, merged and masked"), over: link)
        #expect(stage.view(agent.uid)?.drift == nil, "changed back")
    }

    @Test func `hashes of offers differ wherever anything in them does`() {
        func hash(_ files: [(String, String, String, String)]) -> ContentHash {
            var map = AgentConfigMap()
            for (name, type, role, body) in files {
                map.configMap[name] = .with {
                    ($0.contentType, $0.role, $0.body) = (type, role, Data(body.utf8))
                }
            }
            return map.offerHash
        }
        let maps: [[(String, String, String, String)]] = [
            [], [("", "", "", "")], [("a", "", "", "")], [("", "a", "", "")], [("", "", "a", "")], [("", "", "", "a")],
            [("ab", "", "", "c")], [("a", "b", "", "c")], [("a", "", "b", "c")], [("a", "", "", "bc")],
            [("a", "", "", "1"), ("b", "", "", "2")], [("a", "", "", "2"), ("b", "", "", "1")],
            [("a", "", "", "1b"), ("2", "", "", "")],
        ]
        #expect(Set(maps.map(hash)).count == maps.count)
        #expect(hash([("a", "x", "y", "1"), ("b", "", "", "2")]) == hash([("b", "", "", "2"), ("a", "x", "y", "1")]))
        #expect(hash([]).bytes.count == 32)
    }

    @Test func `what is desired survives being stored`() throws {
        var (stage, agent, link) = (Stage(), Reporter.configurable(), webSocket())
        stage.send(agent.full(), over: link)
        _ = try stage.offer("a", to: agent.uid)
        stage.send(agent.status(.applied, of: Stage.hash("a"), effective: "a"), over: link)
        _ = try stage.offer("b", to: agent.uid)
        let record = stage.state.records[0]
        #expect(try Decisions(json: JSON(parsing: record.decisions.json.text)) == record.decisions)
        let facts = try AgentFacts(json: JSON(parsing: record.facts.json.text))
        #expect(facts.reportedConfig == Stage.hash("a") && facts.configChangedAt == record.facts.configChangedAt)
        #expect(Decisions.none.json == ["admission": "approved", "labels": [:]], "nothing is stored of nothing")
    }
}
