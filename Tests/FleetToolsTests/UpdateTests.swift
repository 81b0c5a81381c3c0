import FleetAPI
import FleetClient
import JSON
import MCP
import TestSupport
import Testing

@testable import FleetTools

/// What people decide about agents: labels, heartbeats, who is let in.
@Suite(.timeLimit(.minutes(5))) struct UpdateTests {
    /// A provider with six agents of which every third refuses heartbeats.
    private func desk(_ agents: [Agent]? = nil) -> (server: ScriptedServer, session: FleetSession) {
        let fleet = agents ?? SampleFleet.agents(6)
        let server = ScriptedServer { request in
            let path = String(request.path.prefix { $0 != "?" })
            let parts = path.split(separator: "/").map(String.init)
            let agent = parts.count > 3 ? fleet.first { [$0.instanceUID, $0.host].contains(parts[3]) } : nil
            switch (request.method, parts.last ?? "", agent) {
            case ("GET", "agents", _): return .json(SampleFleet.page(fleet, total: 50))
            case ("PUT", "labels", let agent?): return .json(agent)
            case ("PUT", "heartbeat", let agent?):
                if agent.type == "fluentd" {
                    return .json(Problem(409, "Agent cannot do it", detail: "no ReportsHeartbeat"), status: 409)
                }
                return .json(SampleFleet.command(agent.host == "web-0" ? .confirmed : .queued, of: "heartbeat"))
            case ("POST", "approvals", _):
                let decisions = (try? AdmissionRequest(json: JSON(parsing: request.body)))?.decisions ?? []
                var results = AdmissionResults()
                results.results = decisions.map { decision in
                    var result = AdmissionResults.Result()
                    (result.agent, result.admission) = (decision.agent, .blocked)
                    return result
                }
                return .json(results)
            case ("POST", "commands", _): return .json(SampleFleet.command(.queued, of: "resync"), status: 202)
            case ("GET", _, let agent?):
                var detail = AgentDetail()
                detail.agent = agent
                return .json(detail)
            default: return .json(Problem(404, "Not found", detail: path), status: 404)
            }
        }
        return (server, FleetSession(FleetClient(ProviderAddress(url: server.url))))
    }

    private func call(_ session: FleetSession, _ arguments: JSON) async -> ToolResult {
        await fleetServer(fleetTools, session).callTool("update_agents", arguments: arguments)
    }

    private func writes(_ server: ScriptedServer) -> [String] {
        server.requests.filter { $0.method != "GET" }.map { "\($0.method) \($0.path)" }
    }

    @Test func `labels of one agent are changed, and a second time nothing is`() async throws {
        let (server, session) = desk()
        let changed = await call(session, ["agent": "web-0", "labels": ["env": "test", "zone": .null]])
        #expect(changed == ToolResult("confirmed: web-0 (a1b2c3); labels: 1 changed"))
        let request = try #require(server.requests.last)
        #expect(try JSON(parsing: request.body) == ["set": ["env": "test"], "remove": ["zone"]])
        let same = await call(session, ["agent": "web-0", "labels": ["env": "prod", "old": .null]])
        #expect(same == ToolResult("confirmed: web-0 (a1b2c3); labels: 1 already so"))
        #expect(writes(server).count == 1)
    }

    @Test(
        arguments: [
            ([:], "nothing to change is given"), (["labels": [:]], "nothing to change is given"),
            (["labels": ["env": ""]], "label env is empty"),
            (["labels": ["env": 5]], "label env must be a string or null, got 5; nothing was done; quote it: \"5\""),
            (["access": "let_in"], "access must be one of approve, block, unblock"),
            (["heartbeat_seconds": 86_401], "heartbeat_seconds must be a whole number from 0 to 86400"),
            (["labels": ["a": "b"], "plan": "aaaaaaaaaa"], "plan goes with filter"),
        ] as [(JSON, String)])
    func `what cannot be is refused before anything is asked`(arguments: JSON, why: String) async throws {
        let (server, session) = desk()
        var object = try #require(arguments.object)
        object["agent"] = "web-0"
        let result = await call(session, .object(object))
        #expect(result.isError && result.text.contains(why), "\(result.text)")
        #expect(server.requests.isEmpty)
    }

    @Test func `many are planned, then changed, with what was so already and what was refused`() async throws {
        let (server, session) = desk()
        let arguments: JSON = ["filter": "host:*-*", "labels": ["env": "prod"], "heartbeat_seconds": 60]
        let plan = await call(session, arguments)
        #expect(plan.text.hasPrefix("planned, nothing is done yet: labels env=prod, heartbeat 60s of 6 of 50 agents\n"))
        #expect(plan.text.contains("\nlabels: 3 already so\n"))
        #expect(writes(server).isEmpty)
        var again = try #require(arguments.object)
        let handle = try #require(plan.text.split(separator: "plan=\"").last?.prefix { $0 != "\"" })
        (again["plan"], again["expected_count"]) = (.string(String(handle)), 6)
        let done = await call(session, .object(again))
        #expect(
            done.text.hasPrefix(
                "queued: 6 agents; labels: 3 changed, 3 already so; heartbeat 60s: 3 queued, 1 already so, 2 refused\n"
                    + "refused: heartbeat 60s of "))
        #expect(done.text.contains("no ReportsHeartbeat") && !done.isError)
        #expect(writes(server).count == 3 + 6)
        #expect(await call(session, .object(again)).text.contains("was used already"))
    }

    @Test func `more than a tenth of a plan gone is refused, less is skipped`() async throws {
        let all = SampleFleet.agents(20)
        for left in [18, 17] {
            let (server, session) = desk(Array(all.prefix(left)))
            var update = JSON.Object([("filter", "type:x"), ("access", "block")])
            let same = try AgentUpdate(labels: nil, heartbeatSeconds: nil, resync: false, access: "block")
            var plain = JSON.Object([("filter", "type:x")])
            for (name, value) in same.arguments.members { plain[name] = value }
            let handle = session.plans.keep(
                Plan(
                    tool: "update_agents", arguments: plain, targets: all.map { OperationTarget($0.instanceUID) },
                    summary: "block"))
            (update["plan"], update["expected_count"]) = (.string(handle), 20)
            let result = await call(session, .object(update))
            #expect(result.isError == (left == 17))
            let text =
                left == 17
                ? "refused: only 17 of the 20 agents of the plan still match the filter; nothing was done"
                : "confirmed: 18 agents; block: 18 done; 2 skipped: the filter does not match them any more"
            #expect(result.text.hasPrefix(text), "\(result.text)")
            #expect(writes(server).count == (left == 17 ? 0 : 1))
        }
    }

    @Test func `an agent that refuses all of it makes a refusal`() async throws {
        let (_, session) = desk()
        let result = await call(session, ["agent": "edge-2", "heartbeat_seconds": 5])
        #expect(result.isError && result.text.hasPrefix("refused: edge-2 ("))
        #expect(result.text.hasSuffix("): no ReportsHeartbeat"))
        let queued = await call(session, ["agent": "web-0", "resync": true])
        #expect(queued == ToolResult("queued: web-0 (a1b2c3); resync: 1 queued"))
    }
}
