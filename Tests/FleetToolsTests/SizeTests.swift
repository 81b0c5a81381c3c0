import FleetAPI
import JSON
import MCP
import Testing

@testable import FleetTools

/// Every byte is paid for by each user of a model: sizes are recorded, and grow only on purpose.
@Suite struct SizeTests {
    @Test func `the list of tools stays small`() {
        let list = JSON.object(JSON.Object([("tools", .array(fleetTools.map(\.listing)))]))
        expectSize(list.text, 9_815)
    }

    @Test(arguments: [50, 100_000])
    func `usual answers stay small at any size of the fleet`(count: Int) {
        let fleet = SampleFleet.agents(50)
        var summary = SampleFleet.summary(fleet, groupBy: ["type"])
        summary.total = count
        let errors = SampleFleet.summary(fleet.filter { $0.health == .unhealthy }, groupBy: ["error"])
        expectSize(summary.text(groupLimit: 5, errors: errors), 290)
        let page = SampleFleet.page(Array(fleet.prefix(20)), matched: count, next: "eyJwIjoyMH0")
        expectSize(page.text(summary: summary), 1_040)
    }

    @Test func `a list of agents with long errors stays small`() {
        let sick = (0..<20).map { SampleFleet.agent(3 + 17 * $0) }
        expectSize(SampleFleet.page(sick, next: "eyJwIjoyMH0").text(summary: nil), 1_663)
    }

    @Test func `what is told of one agent or command stays small`() {
        expectSize(SampleFleet.detail.text(), 730)
        expectSize(SampleFleet.command(.confirmed).outcome, 91)
        expectSize(SampleFleet.command(.queued).outcome, 120)
    }

    private func expectSize(_ text: String, _ recorded: Int, sourceLocation: SourceLocation = #_sourceLocation) {
        let size = text.utf8.count
        #expect(size <= recorded * 105 / 100, "over \(recorded) bytes by more than 5 %", sourceLocation: sourceLocation)
        #expect(size >= recorded * 9 / 10, "record the smaller size", sourceLocation: sourceLocation)
    }
}
