import FleetAPI
import JSON
import MCP
import Testing

@testable import FleetTools

/// What is told where a filter matches nothing.
@Suite(.timeLimit(.minutes(5))) struct EmptyAnswerTests {
    private let fleet = "GET /api/v1/fleet"
    private let empty = "GET /api/v1/agents"
    private let end = "change or drop a term, or see fleet_summary group_by for the values there are"

    private func counts(_ matched: Int) -> FleetSummary {
        var summary = SampleFleet.summary([], total: 50)
        summary.matched = matched
        return summary
    }

    @Test func `of several terms it is said without which agents would match`() async {
        let provider = SampleProvider(replies: [
            fleet: .json(counts(0)), empty: .json(SampleFleet.page([], total: 50)),
            "\(fleet)?filter=type%3Afluentd%20host%3A%22a%20b%22": .json(counts(4)),
            "\(fleet)?filter=version%3C1%20host%3A%22a%20b%22": .json(counts(2)),
        ])
        let filter: JSON = ["filter": "type:fluentd version<1 host:\"a b\""]
        let text =
            "none of 50 agents matches the filter type:fluentd version<1 host:\"a b\"; 2026-11-23T10:00:40Z; "
            + "2 without type:fluentd, 4 without version<1 would match; \(end)"
        #expect(await provider.call("list_agents", filter) == ToolResult(text))
        #expect(await provider.call("fleet_summary", filter) == ToolResult(text))
    }

    @Test func `of one term the values there are, or the nearest hosts, are told`() async {
        var match = AgentMatches.Match()
        (match.agent, match.field, match.quality) = (SampleFleet.agent(3), "host", "near")
        var matches = AgentMatches()
        (matches.matches, matches.matched, matches.total) = ([match], 1, 50)
        let provider = SampleProvider(replies: [
            "\(fleet)?filter=type%3Afluent&group_by=type": .json(counts(0)),
            "\(fleet)?filter=host%3Awbe-3": .json(counts(0)),
            "\(fleet)?filter=config%3Adrift": .json(counts(0)), "GET /api/v1/agents/find": .json(matches),
            empty: .json(SampleFleet.page([], total: 50)),
        ])
        #expect(
            await provider.call("fleet_summary", ["filter": "type:fluent"]).text
                == "none of 50 agents matches the filter type:fluent; 2026-11-23T10:00:40Z; "
                + "values of type: fluent-bit (34), fluentd (16); \(end)")
        #expect(
            await provider.call("list_agents", ["filter": "host:wbe-3"]).text
                == "none of 50 agents matches the filter host:wbe-3; 2026-11-23T10:00:40Z; nearest: web-3 (7c592e); \(end)"
        )
        #expect(provider.paths.last == "GET /api/v1/agents/find?q=wbe-3&limit=3")
        #expect(
            await provider.call("list_agents", ["filter": "config:drift"]).text
                == "none of 50 agents matches the filter config:drift; 2026-11-23T10:00:40Z; \(end)")
    }

    @Test func `an empty fleet, and the end of a list, are told as such`() async {
        let provider = SampleProvider([], replies: [:])
        let text =
            "the fleet is empty: no agent has reported to this provider yet; 2026-11-23T10:00:40Z; "
            + "agents connect to its /v1/opamp"
        for filter in [[:], ["filter": "type:x"]] as [JSON] {
            #expect(await provider.call("fleet_summary", filter).text == text)
            #expect(await provider.call("list_agents", filter).text == text)
        }
        let left = SampleProvider(replies: [empty: .json(SampleFleet.page([], total: 50))])
        #expect(
            await left.call("list_agents", ["cursor": "k"]).text
                == "no agents are left of 50; begin again without cursor")
    }
}
