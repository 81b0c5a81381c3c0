import FleetAPI
import Testing

@testable import FleetTools

@Suite struct AnswerTests {
    private let fleet = SampleFleet.agents(50)

    @Test func `a summary tells the totals, then what is wrong, then groups`() {
        let unhealthy = fleet.filter { $0.health == .unhealthy }
        let errors = SampleFleet.summary(unhealthy, total: 50, groupBy: ["error"])
        let text = SampleFleet.summary(fleet, groupBy: ["type"]).text(groupLimit: 5, errors: errors)
        #expect(
            text == """
                50 agents: 45 healthy, 3 unhealthy, 2 stale; 2026-11-23T10:00:40Z
                error\tagents
                input.tail.1: cannot open /var/log/nginx/access.log: permission denied\t2
                output.es.0: [http_client] broken connection to es-1.logs.example:9200, retry 3…\t1
                type\tagents\tproblems
                fluent-bit\t34\t3
                fluentd\t16\t2
                """)
    }

    @Test func `the first line counts every state, and says how many a filter left out`() {
        var summary = SampleFleet.summary(Array(fleet.prefix(4)), total: 50)
        summary.status = ["connected": 2, "disconnected": 1, "stale": 1]
        summary.health = ["healthy": 1, "unhealthy": 0, "unknown": 3]
        (summary.configFailed, summary.pending) = (2, 1)
        #expect(
            summary.headline == "4 of 50 agents: 1 healthy, 1 connected without health, 1 stale, 1 disconnected, "
                + "2 with a failed config, 1 pending approval")
    }

    @Test func `groups beyond the limit are counted`() {
        var summary = SampleFleet.summary(fleet, groupBy: ["host"])
        summary.groupsTotal = 700
        let lines = summary.groupLines(atMost: 2)
        #expect(
            lines == ["host\tagents\tproblems", "db-1\t1\t0", "db-10\t1\t0", "… 698 more groups; narrow with filter="])
    }

    @Test func `a list shows what differs in rows, what is the same once, and how to go on`() {
        var sick = (0..<3).map { SampleFleet.agent(3 + 34 * $0) }
        sick[1].host = nil
        let text = SampleFleet.page(sick, matched: 7, total: 50, next: "eyJwIjoyMH0").text(summary: nil)
        #expect(
            text == """
                7 of 50 agents; 2026-11-23T10:00:40Z
                all: state=unhealthy error=input.tail.1: cannot open /var/log/ngin…
                id\thost\ttype\tversion\tseen
                7c592e\tweb-3\tfluent-bit\t5.1.0\t21s
                7fb740\t-\tfluent-bit\t5.1.0\t19s
                831552\tedge-71\tfluentd\t1.19.1\t17s
                … 3 rows of 7; next page: cursor=eyJwIjoyMH0
                """)
    }

    @Test func `the columns asked for are shown, the id first`() {
        let page = SampleFleet.page(Array(fleet.prefix(2)))
        #expect(
            page.text(columns: AgentColumn.named(["error", "labels", "id", "config_hash"]), summary: nil)
                == """
                2 agents; 2026-11-23T10:00:40Z
                id\terror\tlabels\tconfig_hash
                a1b2c3\t-\tenv=prod zone=eu-1\t3f9a3f9a
                3fea3c\t-\tenv=staging zone=eu-1\t3f9a3f9a
                """)
    }

    @Test func `every column has a value`() {
        let agent = SampleFleet.agent(3)
        for column in AgentColumn.all {
            #expect(column.value(agent, SampleFleet.now)?.isEmpty == false, "\(column.name)")
        }
    }

    @Test(arguments: [
        ("host", "host"), ("-seen", "-last_seen"), ("last_seen", "last_seen"), ("-nonsense", "-nonsense"),
    ])
    func `a sort names columns or members`(given: String, sent: String) {
        #expect(AgentColumn.sortKey(given) == sent)
    }

    @Test func `one word tells status, health and admission`() {
        var agent = SampleFleet.agent(0)
        #expect(agent.state == "healthy")
        agent.problems = ["config_failed"]
        #expect(agent.state == "healthy+config_failed")
        agent.health = .unknown
        #expect(agent.state == "connected+config_failed")
        (agent.status, agent.problems) = (.stale, [])
        #expect(agent.state == "stale")
        agent.admission = .pending
        #expect(agent.state == "pending")
    }

    @Test(arguments: [
        ("pipeline/output:es.0", "output es.0: refused", "output es.0: refused"),
        ("es.0", "refused", "es.0: refused"), ("", "refused", "refused"),
    ])
    func `an error tells its component once`(component: String, error: String, text: String) {
        var agent = SampleFleet.agent(3)
        (agent.error, agent.errorComponent) = (error, component.isEmpty ? nil : component)
        #expect(agent.errorText == text)
    }

    @Test func `what was found says how it matched`() {
        var found = matches([(0, "host", "exact")])
        #expect(
            found.text(query: "web-0") == """
                1 of 50 agents matches "web-0" (host exact); 2026-11-23T10:00:40Z
                id\thost\ttype\tversion\tstate\tseen
                a1b2c3\tweb-0\tfluent-bit\t5.0.2\thealthy\t0s
                """)
        found = matches([(0, "host", "exact"), (1, "host", "prefix"), (2, "label", "part")])
        found.matched = 12
        #expect(
            found.text(query: "web-0") == """
                1 of 50 agents matches "web-0" (host exact); 2026-11-23T10:00:40Z
                id\thost\ttype\tversion\tstate\tseen
                a1b2c3\tweb-0\tfluent-bit\t5.0.2\thealthy\t0s
                … 11 more match in part: list_agents filter=web-0
                """)
        found = matches([(0, "host", "near"), (1, "label", "near")])
        found.matched = 9
        #expect(
            found.text(query: "wbe") == """
                nothing matches "wbe" exactly; nearest; 2026-11-23T10:00:40Z
                id\thost\ttype\tversion\tstate\tseen\tmatch
                a1b2c3\tweb-0\tfluent-bit\t5.0.2\thealthy\t0s\thost near
                3fea3c\tdb-1\tfluent-bit\t5.1.0\thealthy\t7s\tlabel near
                … 7 more; raise limit, or list_agents
                """)
        #expect(
            matches([]).text(query: "nobody") == "no agent of 50 matches \"nobody\" by id, service instance id, host, "
                + "ip, type or label; try a shorter part, or list_agents")
    }

    private func matches(_ found: [(number: Int, field: String, quality: String)]) -> AgentMatches {
        var matches = AgentMatches()
        (matches.matched, matches.total, matches.asOf) = (found.count, 50, SampleFleet.now)
        matches.matches = found.map {
            var match = AgentMatches.Match()
            (match.agent, match.field, match.quality) = (fleet[$0.number], $0.field, $0.quality)
            return match
        }
        return matches
    }
}
