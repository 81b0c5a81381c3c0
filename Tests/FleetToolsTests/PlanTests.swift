import FleetAPI
import FleetClient
import JSON
import MCP
import Synchronization
import TestSupport
import Testing

@testable import FleetTools

/// Actions on many agents: a plan first, then what it said.
@Suite(.timeLimit(.minutes(5))) struct PlanTests {
    private let uids = (0..<12).map { SampleFleet.agent($0).instanceUID }

    /// What a provider says of a command for twelve of fifty agents.
    private func dryRun(_ change: (inout OperationPlan) -> Void = { _ in }) -> OperationPlan {
        var plan = OperationPlan()
        (plan.digest, plan.total, plan.matched, plan.targets) = ("d", 50, 14, 12)
        plan.excluded = ["without the capability AcceptsRestartCommand": 2]
        plan.types = ["fluent-bit": 9, "fluentd": 3]
        plan.versions = ["5.1.0": 9, "1.19.1": 3]
        plan.status = ["connected": 11, "stale": 1]
        plan.first = SampleFleet.agents(10)
        plan.whole = ["label.role:db": 8]
        plan.list = uids.map { OperationTarget($0) }
        change(&plan)
        return plan
    }

    private func operation(_ state: OperationState, _ counts: [String: Int]) -> FleetOperation {
        var operation = FleetOperation()
        (operation.id, operation.state, operation.command) = (SampleFleet.commandID, state, "restart")
        (operation.counts, operation.targets) = (counts, counts.values.reduce(0, +))
        (operation.startedAt, operation.asOf) = (SampleFleet.now + .seconds(-4), SampleFleet.now)
        if state != .running { operation.finishedAt = SampleFleet.now }
        return operation
    }

    /// A session over a provider that plans and starts operations as told.
    private struct Desk {
        let server: ScriptedServer
        let session: FleetSession

        init(_ plan: OperationPlan, _ started: FleetOperation, maxTargets: Int? = nil) {
            server = ScriptedServer { request in
                switch (request.method, String(request.path.prefix { $0 != "?" })) {
                case ("POST", "/api/v1/operations"):
                    let isDry = (try? JSON(parsing: request.body))?["dry_run"] == true
                    return isDry ? .json(plan) : .json(started, status: 202)
                case ("GET", "/api/v1/operations/\(started.id)"): return .json(started)
                case ("GET", "/api/v1/commands"):
                    var page = CommandPage()
                    page.commands = [SampleFleet.command(.confirmed, of: "config")]
                    return .json(page)
                case ("GET", "/api/v1/agents/web-0"):
                    var detail = AgentDetail()
                    detail.agent = SampleFleet.agent(0)
                    return .json(detail)
                default: return .json(Problem(404, "Not found", detail: request.path), status: 404)
                }
            }
            session = FleetSession(FleetClient(ProviderAddress(url: server.url)), maxTargets: maxTargets)
        }

        func call(_ tool: String, _ arguments: JSON, _ call: ToolCall = ToolCall()) async throws -> ToolResult {
            let found = try #require(fleetTools.first { $0.name == tool })
            let object = try #require(arguments.object)
            return await found.result(session, call, object)
        }

        /// Calls again with the handle of a plan.
        func apply(
            _ tool: String, _ arguments: JSON, _ handle: String, _ count: Int = 12, _ call: ToolCall = ToolCall()
        ) async throws -> ToolResult {
            var object = try #require(arguments.object)
            (object["plan"], object["expected_count"]) = (.string(handle), .integer(count))
            return try await self.call(tool, .object(object), call)
        }

        /// The bodies of requests that start something.
        var started: [JSON] {
            server.requests.filter { $0.method != "GET" }.compactMap { try? JSON(parsing: $0.body) }
                .filter { $0["dry_run"] != true }
        }
    }

    private func handle(in text: String) throws -> String {
        let start = try #require(text.split(separator: "plan=\"").dropFirst().first)
        return String(start.prefix { $0 != "\"" })
    }

    private func asking(
        _ policy: ConfirmationPolicy, _ answer: @escaping @Sendable (String) -> Consent
    ) -> ToolCall {
        var safeguards = Safeguards.none
        safeguards.confirmation = policy
        return ToolCall(of: "restart_agent", safeguards: safeguards) { answer($0) }
    }

    private let arguments: JSON = ["filter": "type:fluent-bit version<5.1"]

    @Test func `the first call tells what would happen and does nothing`() async throws {
        let desk = Desk(dryRun(), operation(.done, ["confirmed": 12]))
        let result = try await desk.call("restart_agent", arguments)
        let handle = try handle(in: result.text)
        #expect(!result.isError && handle.utf8.count == 10)
        #expect(
            result.text == """
                planned, nothing is done yet: restart of 12 of 50 agents (9 fluent-bit, 3 fluentd; versions 9 5.1.0, 3 1.19.1)
                first: \(SampleFleet.agents(5).map(\.label).joined(separator: ", ")) … 7 more
                left out: 2 without the capability AcceptsRestartCommand
                risk: 8 of 8 of label.role:db; 1 not connected
                to do it repeat the arguments with plan="\(handle)", expected_count=12 within 10 min
                """)
        #expect(desk.started.isEmpty)
    }

    @Test func `the second call acts on the agents of the plan alone, once`() async throws {
        let desk = Desk(dryRun(), operation(.done, ["confirmed": 11, "skipped": 1]))
        let handle = try handle(in: try await desk.call("restart_agent", arguments).text)
        let done = try await desk.apply("restart_agent", arguments, handle)
        #expect(done.text.hasPrefix("done: restart for 12 agents in 4.0s; 11 confirmed, 1 skipped"))
        #expect(done.text.hasSuffix("command_id=\(SampleFleet.commandID)"))
        let body = try #require(desk.started.first)
        #expect(desk.started.count == 1)
        #expect(body["filter"] == arguments["filter"] && body["command"] == "restart" && body["at_least"] == 11)
        #expect(body["agents"]?.array?.compactMap { $0["instance_uid"]?.string } == uids)
        let again = try await desk.apply("restart_agent", arguments, handle)
        #expect(again.isError)
        #expect(
            again.text == "refused: plan \(handle) was used already; nothing was done; "
                + "call without plan and expected_count for a new one")
        #expect(desk.started.count == 1)
    }

    @Test func `other arguments, tools, counts and handles are refused, and leave the plan`() async throws {
        let desk = Desk(dryRun(), operation(.done, ["confirmed": 12]))
        let handle = try handle(in: try await desk.call("restart_agent", arguments).text)
        let filter = try await desk.apply("restart_agent", ["filter": "type:fluent-bit"], handle)
        #expect(filter.text.hasPrefix("refused: filter is not as in the call that made plan \(handle); nothing was"))
        let more: JSON = ["filter": "type:fluent-bit version<5.1", "limit": 3]
        #expect(try await desk.apply("restart_agent", more, handle).text.hasPrefix("refused: limit is not as in"))
        let other = try await desk.apply("send_chatops_command", ["filter": "type:x", "tag": "a"], handle)
        #expect(other.text.hasPrefix("refused: plan \(handle) is one of restart_agent, not of send_chatops_command"))
        let count = try await desk.apply("restart_agent", arguments, handle, 11)
        #expect(count.text.hasPrefix("refused: plan \(handle) needs expected_count: 12, got 11"))
        let unknown = try await desk.apply("restart_agent", arguments, "aaaaaaaaaa")
        #expect(unknown.text.hasPrefix("refused: plan aaaaaaaaaa is not known here; nothing was done"))
        #expect(desk.started.isEmpty)
        #expect(try await desk.apply("restart_agent", arguments, handle).text.hasPrefix("done: "))
    }

    @Test func `a plan is valid for ten minutes`() async throws {
        let time = Mutex(ContinuousClock.now)
        let book = PlanBook { time.withLock { $0 } }
        let plan = Plan(tool: "t", arguments: .init(), targets: [OperationTarget(uids[0])], summary: "s")
        let (first, second) = (book.keep(plan), book.keep(plan))
        time.withLock { $0 += .seconds(599) }
        try book.use(first)
        time.withLock { $0 += .seconds(1) }
        let late = #expect(throws: ToolFailure.self) {
            try book.plan(second, tool: "t", arguments: .init(), expectedCount: 1)
        }
        #expect(late?.description.hasPrefix("refused: plan \(second) has expired: ") == true)
        #expect(throws: ToolFailure.self) { try book.use(second) }
        let handles = (0..<(PlanBook.limit + 1)).map { _ in book.keep(plan) }
        #expect(Set(handles).count == handles.count)
        let oldest = #expect(throws: ToolFailure.self) { try book.use(handles[0]) }
        #expect(oldest?.description.contains("gave way to newer plans") == true)
        try book.use(handles[1])
    }

    @Test(
        arguments: [
            ([:], "agent or filter is missing"),
            (["agent": "web-0", "filter": "host:web-0"], "agent and filter exclude each other"),
            (["filter": "-status:stale"], "does not say which agents are meant"),
            (["filter": "host:*"], "does not say which agents are meant"),
            (["filter": "hosst:web-0"], "hosst"),
            (["agent": "web-0", "limit": 3], "limit goes with filter"),
            (["agent": "web-0", "plan": "aaaaaaaaaa"], "plan goes with filter"),
            (["filter": "type:x", "expected_count": 3], "expected_count goes with plan"),
            (["filter": ""], "filter is empty"),
            (["filter": "type:x", "limit": 0], "limit must be a whole number from 1"),
        ] as [(JSON, String)])
    func `whom an action is for is checked before anything is asked`(arguments: JSON, why: String) async throws {
        let desk = Desk(dryRun(), operation(.done, [:]))
        let result = try await desk.call("restart_agent", arguments)
        #expect(result.isError && result.text.contains(why), "\(result.text)")
        #expect(desk.server.requests.isEmpty)
    }

    @Test func `too many agents, a whole fleet and none at all are refused`() async throws {
        let many = dryRun {
            ($0.targets, $0.list) = (101, (0..<101).map { OperationTarget(SampleFleet.agent($0).instanceUID) })
        }
        let refused = try await Desk(many, operation(.done, [:])).call("restart_agent", arguments)
        #expect(
            refused.text == "refused: 101 agents are meant, at most 100 may be (--max-targets); nothing was done; "
                + "narrow the filter, or give limit")
        #expect(try await !Desk(many, operation(.done, [:]), maxTargets: 101).call("restart_agent", arguments).isError)
        let whole = dryRun { ($0.total, $0.matched, $0.excluded) = (12, 12, [:]) }
        let all = try await Desk(whole, operation(.done, [:])).call("restart_agent", arguments)
        #expect(
            all.text.hasPrefix("refused: these are all 12 agents of the fleet, which only an explicit --max-targets"))
        #expect(try await !Desk(whole, operation(.done, [:]), maxTargets: 100).call("restart_agent", arguments).isError)
        let some = dryRun {
            ($0.total, $0.matched, $0.targets, $0.list) = (12, 12, 2, uids.prefix(2).map { OperationTarget($0) })
        }
        var canary = try #require(arguments.object)
        canary["limit"] = 2
        #expect(try await !Desk(some, operation(.done, [:])).call("restart_agent", .object(canary)).isError)
        let none = dryRun { ($0.targets, $0.list) = (0, []) }
        let nobody = try await Desk(none, operation(.done, [:])).call("restart_agent", arguments)
        #expect(
            nobody.text
                == "refused: the filter matches 14 of 50 agents: 2 without the capability AcceptsRestartCommand; "
                + "nothing was done; see list_agents with this filter")
    }

    @Test(arguments: [
        (Consent.declined, "refused: declined"), (.cancelled, "refused: "), (.timedOut, "refused: "),
    ])
    func `what a person does not confirm is not done, and its plan is used`(
        answer: Consent, text: String
    ) async throws {
        let desk = Desk(dryRun(), operation(.done, ["confirmed": 12]))
        let handle = try handle(in: try await desk.call("restart_agent", arguments).text)
        let asked = Mutex<[String]>([])
        let call = asking(.bulk) { message in
            asked.withLock { $0.append(message) }
            return answer
        }
        let result = try await desk.apply("restart_agent", arguments, handle, 12, call)
        #expect(result.isError && result.text.hasPrefix(text) && result.text.contains("nothing was done"))
        let question = asked.withLock { $0 }
        #expect(question.count == 1 && question[0].hasPrefix("restart of 12 of 50 agents: web-0 (a1b2c3), "))
        #expect(desk.started.isEmpty)
        #expect(try await desk.apply("restart_agent", arguments, handle).text.contains("was used already"))
    }

    @Test func `what a person confirms is done`() async throws {
        let desk = Desk(dryRun(), operation(.done, ["confirmed": 12]))
        let handle = try handle(in: try await desk.call("restart_agent", arguments).text)
        let call = asking(.bulk) { _ in .accepted }
        #expect(try await desk.apply("restart_agent", arguments, handle, 12, call).text.hasPrefix("done: "))
        let one = try await desk.call("restart_agent", ["agent": "web-0"], asking(.always) { _ in .declined })
        #expect(one.isError && one.text.hasPrefix("refused: declined"))
        #expect(desk.started.count == 1)
    }

    @Test(
        arguments: [
            ["command": "shutdown"], ["command": "SHUTDOWN"],
            [
                "command": "custom",
                "parameters": [
                    "capability": "request:org.mp3monster.opamp_provider.command_shutdown_agent", "type": "x",
                ],
            ],
        ] as [JSON])
    func `a shutdown takes the plan step for one agent, too`(command: JSON) async throws {
        let one = dryRun { plan in
            (plan.targets, plan.matched, plan.excluded, plan.whole) = (1, 1, [:], [:])
            (plan.list, plan.status) = ([OperationTarget(uids[0])], ["connected": 1])
        }
        let desk = Desk(one, operation(.done, ["confirmed": 1]))
        var arguments = try #require(command.object)
        arguments["agent"] = "web-0"
        let first = try await desk.call("send_command", .object(arguments))
        #expect(first.text.hasPrefix("planned, nothing is done yet: "))
        #expect(first.text.contains("web-0 (a1b2c3)") && desk.started.isEmpty)
        let second = try await desk.apply("send_command", .object(arguments), try handle(in: first.text), 1)
        #expect(second.text.hasPrefix("confirmed: "))
        #expect(desk.started.first?["filter"] == .string("id:\(uids[0])"))
    }

    @Test func `a configuration is offered only after its difference was shown`() async throws {
        var change = ConfigChange()
        (change.agents, change.first, change.file, change.base) = (
            1, [SampleFleet.agent(0)], "fluent-bit.conf", "desired"
        )
        (change.before, change.after) = ("[OUTPUT]\n    Host old\n    Port 1\n", "[OUTPUT]\n    Host new\n    Port 1\n")
        let one = dryRun { plan in
            (plan.targets, plan.matched, plan.excluded, plan.whole) = (1, 1, [:], [:])
            (plan.list, plan.status) = ([OperationTarget(uids[0], mark: "3.abc")], ["connected": 1])
            (plan.changes, plan.changesTotal) = ([change], 1)
        }
        let desk = Desk(one, operation(.done, ["confirmed": 1]))
        let arguments: JSON = ["agent": "web-0", "find": "old", "replace": "new"]
        let first = try await desk.call("propose_config", arguments)
        let lines = first.text.split(separator: "\n").map(String.init)
        #expect(lines[0] == "planned, nothing is done yet: config of web-0 (a1b2c3)")
        #expect(lines[1] == "fluent-bit.conf (desired): +1 -1 lines")
        #expect(lines[2].hasSuffix("from web-0 (a1b2c3), not instructions]"))
        #expect(lines[4...7] == [" [OUTPUT]", "-    Host old", "+    Host new", "     Port 1"])
        #expect(desk.started.isEmpty)
        let done = try await desk.apply("propose_config", arguments, try handle(in: first.text), 1)
        #expect(done.text.hasPrefix("confirmed: config to web-0 (a1b2c3)"))
        let body = try #require(desk.started.first)
        #expect(body["agents"] == [["instance_uid": .string(uids[0]), "mark": "3.abc"]])
        #expect(body["config"]?["find"] == "old" && body["expires_seconds"] == 86_400)
        for wrong in [[:], ["content": "a", "find": "b"], ["content": "a", "replace": "b"]] as [JSON] {
            var object = try #require(wrong.object)
            object["agent"] = "web-0"
            #expect(try await desk.call("propose_config", .object(object)).text.hasPrefix("refused: "))
        }
    }
}
