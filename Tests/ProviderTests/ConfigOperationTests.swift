import FleetAPI
import Foundation
import GRDB
import JSON
import Logging
import OpAMP
import SwiftProtobuf
import Synchronization
import Testing

@testable import Provider

/// Configurations for many agents: what would change, and offering it.
@Suite(.timeLimit(.minutes(5))) struct ConfigOperationTests {
    private let caller = Caller(name: "ann", address: "127.0.0.1:5")
    private let text = "[OUTPUT]\n    Host old.example\n    Password secret1\n"

    private func emptyFleet() throws -> Fleet {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return try Fleet(dataDirectory: nil, version: "1", logger: logger)
    }

    /// Adds an agent on a WebSocket that says what it runs on, and what becomes of each configuration it gets.
    ///
    /// - Parameter error: why it fails them; nil when it applies them.
    @discardableResult
    private func add(
        _ number: UInt64, to fleet: Fleet, host: String, running text: String?, error: String? = nil
    ) -> InstanceUID {
        let agent = Mutex(Reporter.configurable(number))
        agent.withLock { $0.host = host }
        let answering = AnsweringLink(fleet)
        answering.answer = { message in
            guard message.hasRemoteConfig else { return nil }
            let hash = ContentHash(Array(message.remoteConfig.configHash))
            let body = message.remoteConfig.config.configMap.values.first?.body ?? Data()
            return agent.withLock { agent in
                if let error { return agent.status(.failed, of: hash, error: error) }
                return agent.status(.applied, of: hash, effective: String(decoding: body, as: UTF8.self))
            }
        }
        fleet.receive(
            agent.withLock { agent in
                var message = agent.full()
                if let text { message.effectiveConfig.configMap.configMap[""] = .with { $0.body = Data(text.utf8) } }
                return message
            }, over: answering.link
        ) { _ in }
        return agent.withLock { $0.uid }
    }

    private func request(_ filter: String = "host:web-*", _ change: (inout ConfigEdit) -> Void) -> OperationRequest {
        var edit = ConfigEdit()
        change(&edit)
        var request = OperationRequest()
        (request.filter, request.command, request.config) = (filter, "config", Strict(edit))
        return request
    }

    /// A request for the agents of a plan.
    private func planned(_ request: OperationRequest, _ fleet: Fleet) async throws -> OperationRequest {
        var request = request
        request.listTargets = true
        request.agents = try await fleet.plan(request, caller: caller).list?.map { Strict($0) }
        request.listTargets = false
        return request
    }

    @Test func `a dry run groups what changes alike, masks secrets and says who is left out`() async throws {
        let fleet = try emptyFleet()
        for number in 1...3 { add(UInt64(number), to: fleet, host: "web-\(number)", running: text) }
        add(4, to: fleet, host: "web-4", running: text + "# own\n")
        add(5, to: fleet, host: "web-5", running: "[OUTPUT]\n")
        add(6, to: fleet, host: "web-6", running: "Host old.example\nHost old.example\n")
        add(7, to: fleet, host: "web-7", running: nil)
        let plan = try await fleet.plan(
            request { ($0.find, $0.replace) = ("old.example", "new.example") }, caller: caller)
        #expect(plan.targets == 4 && plan.total == 7)
        #expect(
            plan.excluded == [
                "without the text to find": 1, "with the text to find more than once": 1, "without a configuration": 1,
            ])
        let changes = try #require(plan.changes)
        #expect(plan.changesTotal == 2 && changes.map(\.agents) == [3, 1])
        #expect(changes[0].first.map(\.host) == ["web-1", "web-2", "web-3"])
        #expect(changes[0].base == "effective" && !changes[0].isHidden)
        #expect(changes[0].before.contains("old.example") && changes[0].after.contains("new.example"))
        #expect(!plan.json.text.contains("secret1"))
        #expect(try await fleet.commands(agent: nil, state: nil, limit: 1, cursor: nil).matched == 0)

        let hidden = try await fleet.plan(request { ($0.find, $0.replace) = ("secret1", "secret2") }, caller: caller)
        #expect(hidden.changes?.allSatisfy(\.isHidden) == true && hidden.targets == 4)
        let all = try await fleet.plan(
            request { ($0.find, $0.replace, $0.all) = ("old.example", nil, true) }, caller: caller)
        #expect(all.targets == 5)
    }

    @Test func `each agent of a plan is offered its own text, secrets whole, and outcomes are told`() async throws {
        let fleet = try emptyFleet()
        let first = add(1, to: fleet, host: "web-1", running: text)
        let second = add(2, to: fleet, host: "web-2", running: text + "# own\n")
        add(3, to: fleet, host: "web-3", running: text, error: "no such host")
        let asked = try await planned(request { ($0.find, $0.replace) = ("old.example", "new.example") }, fleet)
        #expect(asked.agents?.count == 3)
        let started = try await fleet.start(asked, caller: caller, idempotencyKey: "k")
        let done = try await fleet.operation(started.id, wait: .seconds(60))
        #expect(done.state == .done && done.counts == ["confirmed": 2, "failed": 1])
        #expect(done.exceptions?.map(\.result) == ["no such host"])
        for (uid, end) in [(first, ""), (second, "# own\n")] {
            let config = try await fleet.config(uid.description, [.effective, .desired], isUnmasked: true)
            let expected = text.replacing("old", with: "new") + end
            #expect(config.desired?.files[""]?.content == expected && config.effective?.files[""]?.content == expected)
            #expect(config.desired?.revision == 1 && config.desired?.state == .applied)
            #expect(config.desired?.requestedBy == "ann")
        }
        let again = try await fleet.start(asked, caller: caller, idempotencyKey: "k")
        #expect(again.id == started.id)
        let same = try await fleet.plan(
            request { $0.content = text.replacing("old", with: "new") }, caller: caller)
        #expect(same.excluded == ["with this configuration already": 2] && same.targets == 1)
    }

    @Test func `whose configuration was changed in between is skipped, and the rest is refused if that is too many`()
        async throws
    {
        let fleet = try emptyFleet()
        for number in 1...3 { add(UInt64(number), to: fleet, host: "web-\(number)", running: text) }
        var asked = try await planned(request { $0.content = "[SERVICE]\n" }, fleet)
        var other = ConfigRequest()
        var file = ConfigFile()
        file.content = "# by somebody else\n"
        other.files = ConfigFiles([("", file)])
        let theirs = try await fleet.offerConfig(other, to: "web-2", ifMatch: nil, caller: caller)
        asked.atLeast = 3
        let refusal = await #expect(throws: Problem.self) {
            try await fleet.start(asked, caller: caller, idempotencyKey: nil)
        }
        #expect(refusal?.status == 409 && refusal?.detail.contains("of 3 agents only 2 ") == true)
        asked.atLeast = 2
        let started = try await fleet.start(asked, caller: caller, idempotencyKey: nil)
        let done = try await fleet.operation(started.id, wait: .seconds(60))
        #expect(done.counts == ["confirmed": 2, "skipped": 1] && done.targets == 3)
        #expect(done.exceptions?.map(\.result) == ["changed meanwhile"])
        #expect(try await fleet.config("web-2", [.desired]).desired?.commandID == theirs.id)
    }

    @Test func `agents that are named and do not match any more are skipped with the reason`() async throws {
        let fleet = try emptyFleet()
        for number in 1...3 { add(UInt64(number), to: fleet, host: "web-\(number)", running: nil) }
        var labels = LabelsRequest()
        labels.set = ["env": "prod"]
        for host in ["web-1", "web-2"] { _ = try await fleet.label(host, labels, caller: caller) }
        var asked = OperationRequest()
        (asked.filter, asked.command) = ("label.env:prod", "resync")
        asked = try await planned(asked, fleet)
        #expect(try await fleet.plan(asked, caller: caller).whole == ["label.env:prod": 2])
        labels.set = ["env": "test"]
        _ = try await fleet.label("web-2", labels, caller: caller)
        labels.set = ["env": "prod"]
        _ = try await fleet.label("web-3", labels, caller: caller)
        let started = try await fleet.start(asked, caller: caller, idempotencyKey: nil)
        #expect(started.targets == 2 && started.counts["skipped"] == 1)
        #expect(started.exceptions?.map(\.host) == ["web-2"])
        #expect(started.exceptions?.first?.result == "the filter does not match it any more")
        #expect(try await fleet.commands(agent: "web-3", state: nil, limit: 1, cursor: nil).matched == 0)
        #expect(try await fleet.operation(started.id, wait: .zero).exceptions == started.exceptions)
    }

    @Test(arguments: [
        ("", ""), ("content find", "x"), ("find", ""), ("content all", "x"), ("content replace", "x"),
        ("content", "a\nb ***MASKED***"), ("find replace", "***MASKED***"),
    ])
    func `an edit that cannot be is refused before any agent is looked at`(members: String, text: String) async throws {
        let fleet = try emptyFleet()
        add(1, to: fleet, host: "web-1", running: self.text)
        let asked = request {
            if members.contains("content") { $0.content = text }
            if members.contains("find") { $0.find = text }
            if members.contains("replace") { $0.replace = text }
            $0.all = members.contains("all")
        }
        let refusal = await #expect(throws: Problem.self) { try await fleet.plan(asked, caller: caller) }
        let isMasked = text.contains("MASKED")
        #expect(refusal?.status == (isMasked ? 422 : 400))
        #expect(refusal?.field?.hasPrefix("config") == true)
        if isMasked { #expect(refusal?.value == (members == "content" ? "line 2" : "line 1")) }
    }

    @Test func `the contents of an operation are kept as long as it runs`() async throws {
        let fleet = try emptyFleet()
        for (number, text) in [(UInt64(1), text), (2, text + "# own\n")] {
            // Agents that take what they are offered and never say what became of it.
            let agent = Mutex(Reporter.configurable(number))
            let message = agent.withLock { agent in
                var message = agent.full()
                message.effectiveConfig.configMap.configMap[""] = .with { $0.body = Data(text.utf8) }
                return message
            }
            fleet.receive(message, over: webSocket()) { _ in }
        }
        var asked = try await planned(
            request("host:web-17") { ($0.find, $0.replace) = ("old.example", "new.example") }, fleet)
        asked.maxInFlight = 1
        let started = try await fleet.start(asked, caller: caller, idempotencyKey: nil)
        let offers = try #require(fleet.state.withLock { $0.operations[started.id]?.offers })
        let waiting = try #require(offers.contents.last?.hash.hex)
        #expect(offers.contents.count == 2 && offers.places == [0, 1] && offers.revisions == [0, 0])
        #expect(try await sweep(fleet) == 0)
        #expect(try await fleet.store.config(waiting) != nil)
        _ = try await fleet.cancelOperation(started.id, caller: caller)
        #expect(try await sweep(fleet) == 1)
    }

    /// - Returns: how many contents nothing refers to.
    private func sweep(_ fleet: Fleet) async throws -> Int {
        await fleet.store.settle()
        return try await fleet.store.database.write { database in
            var sweep = Sweep()
            let now = Moment.now().wall
            return try sweep.take(.configs, Retention(), at: now, keyTime: now, in: database).deleted
        }
    }
}
