import FleetAPI
import JSON
import MCP
import Testing

@testable import FleetTools

@Suite(.timeLimit(.minutes(5))) struct EventListTests {
    private static let path = "GET /api/v1/events"

    private func page(_ count: Int, counts: [String: Int]? = nil, next: String? = nil) -> EventPage {
        var page = EventPage()
        (page.asOf, page.counts, page.next) = (SampleFleet.now, counts, next)
        page.events = (0..<count).map { number in
            let agent = SampleFleet.agent(number)
            var event = FleetEvent()
            (event.instanceUID, event.shortID, event.host) = (agent.instanceUID, agent.shortID, agent.host)
            event.kind = number % 2 == 0 ? "restarted" : "unhealthy"
            event.text = number % 2 == 0 ? nil : "output.es.0: broken connection"
            event.at = SampleFleet.now + .seconds(-30 * number)
            return event
        }
        return page
    }

    @Test func `events are counted by kind, then told as rows, newest first`() async {
        var found = page(3, counts: ["restarted": 2, "unhealthy": 60, "stale": 0], next: "k3")
        found.events[2].host = nil
        found.events[2].shortID = nil
        let provider = SampleProvider(replies: [Self.path: .json(found)])
        #expect(
            await provider.call("list_events", ["filter": "type:fluentd", "kind": "restarted|Unhealthy", "limit": 3])
                == ToolResult(
                    """
                    62 events of agents with type:fluentd since 1h: 60 unhealthy, 2 restarted; 2026-11-23T10:00:40Z
                    ago\tid\thost\tevent\tdetail
                    0s\ta1b2c3\tweb-0\trestarted\t-
                    30s\t3fea3c\tdb-1\tunhealthy\toutput.es.0: broken connection
                    60s\t019c2f7a0b1c7d3e8f90112233de21b5\t-\trestarted\t-
                    … 3 of 62 rows; next page: cursor=k3 with the same arguments
                    """))
        #expect(
            provider.paths == [
                "\(Self.path)?filter=type%3Afluentd&kind=restarted%2Cunhealthy&since=1h&counts=true&limit=3"
            ])
    }

    @Test func `of one agent the rows do not repeat whose they are, and a later page has no counts`() async {
        let provider = SampleProvider(replies: [Self.path: .json(page(2))])
        #expect(
            await provider.call("list_events", ["agent": "web-0", "since": "2d", "cursor": "k3"]).text == """
                more events of web-0; 2026-11-23T10:00:40Z
                ago\tevent\tdetail
                0s\trestarted\t-
                30s\tunhealthy\toutput.es.0: broken connection
                """)
        #expect(provider.paths == ["\(Self.path)?agent=web-0&since=2d&limit=20&cursor=k3"])
    }

    @Test func `where nothing happened it is said what was searched`() async {
        let provider = SampleProvider(replies: [Self.path: .json(page(0, counts: [:]))])
        #expect(
            await provider.call("list_events").text
                == "no events since 1h; 2026-11-23T10:00:40Z; ask for a longer time, such as since=7d")
        #expect(
            await provider.call("list_events", ["agent": "web-0", "kind": "stale"]).text
                == "no events of web-0 of kind stale since 1h; 2026-11-23T10:00:40Z; ask for a longer time, such as "
                + "since=7d, or leave out kind and filter")
    }

    @Test func `a kind that does not exist is refused with those that do`() async {
        let provider = SampleProvider()
        let result = await provider.call("list_events", ["kind": "restart"])
        #expect(result.isError)
        #expect(result.text.hasPrefix("list_events: there is no kind restart; use one or more of: approved|blocked|"))
        #expect(provider.paths.isEmpty)
    }
}
