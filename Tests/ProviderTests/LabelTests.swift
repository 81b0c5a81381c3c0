import FleetAPI
import JSON
import Logging
import OpAMP
import Testing

@testable import Provider

@Suite struct LabelTests {
    private static let operators = Caller(name: "ann", address: "127.0.0.1")

    @Test func `labels are replaced as a whole, or changed one by one`() throws {
        let present = ["env": "prod", "team": "a"]
        #expect(try request(#"{"labels":{"x/y":""}}"#).applied(to: present) == ["x/y": ""])
        #expect(try request(#"{"labels":{}}"#).applied(to: present) == [:])
        let changed = try request(#"{"set":{"env":"test","n":"1"},"remove":["team","gone"]}"#).applied(to: present)
        #expect(changed == ["env": "test", "n": "1"])
    }

    @Test(arguments: [
        ("{}", "labels"), (#"{"labels":{},"set":{}}"#, "labels"), (#"{"set":{"a":"1"},"remove":["a"]}"#, "remove"),
        (#"{"labels":{"":"x"}}"#, "labels."), (#"{"set":{"a b":"x"}}"#, "set.a b"),
        (#"{"labels":{"é":"x"}}"#, "labels.é"), (#"{"labels":{"a":"one\ntwo"}}"#, "labels.a"),
        (#"{"labels":{"\#(String(repeating: "n", count: 64))":""}}"#, "labels." + String(repeating: "n", count: 64)),
        (#"{"set":{"a":"\#(String(repeating: "v", count: 257))"}}"#, "set.a"),
        ("{\"labels\":{" + (0..<65).map { "\"l\($0)\":\"\"" }.joined(separator: ",") + "}}", "labels"),
    ])
    func `labels that cannot be are refused by name`(body: String, field: String) throws {
        let problem = try #require(throws: Problem.self) { try request(body).applied(to: [:]) }
        #expect(problem.status == 400 && problem.field == field)
    }

    @Test func `agents are filtered, grouped and found by their labels`() async throws {
        let fleet = try Fleet(dataDirectory: nil, version: "1", logger: Logger(label: "test"))
        for number in 0..<3 {
            var agent = Reporter(UInt64(number))
            agent.host = "web-\(number)"
            fleet.receive(agent.full(), over: webSocket()) { _ in }
        }
        let agent = try await fleet.label("web-1", request(#"{"set":{"env":"Prod"}}"#), caller: Self.operators)
        #expect(agent.labels == ["env": "Prod"] && agent.host == "web-1")
        let page = try fleet.agents(AgentQuery(filter: Filter("label.env:prod")))
        #expect(page.agents.map(\.host) == ["web-1"])
        let summary = try fleet.summary(Filter(), groupBy: ["label.env"])
        #expect(summary.groups.map(\.values) == [["-"], ["Prod"]] && summary.groups.map(\.count) == [2, 1])
        for text in ["prod", "env=prod"] {
            let match = fleet.find(text, limit: 5).matches
            #expect(match.map(\.agent.host) == ["web-1"] && match.first?.field == "label")
        }
        let detail = try await fleet.detail("web-1", include: [.events])
        #expect(detail.events?.first { $0.kind == "labelled" }?.text == "by ann from 127.0.0.1: env=Prod")
    }

    private func request(_ body: String) throws -> LabelsRequest {
        try LabelsRequest(json: JSON(parsing: body))
    }
}
