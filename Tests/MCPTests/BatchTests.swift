import JSON
import Testing

@testable import MCP

/// Arrays of messages, which only sessions of 2025-03-26 may send.
@Suite struct BatchTests {
    @Test(arguments: ["2024-11-05", "2025-06-18", "2025-11-25"])
    func `other revisions refuse a batch`(version: String) {
        var session = initialized(version)
        #expect(session.code([request(1, "ping")]) == -32600)
        var before = fresh()
        #expect(before.code([request(1, "ping"), initialize("2025-03-26")]) == -32600)
    }

    @Test func `what needs no tool is answered at once, in one array`() {
        var session = initialized("2025-03-26")
        let batch: JSON = [
            request(1, "ping"), notification("notifications/initialized"), request("b", "nonsense"), 5,
            ["jsonrpc": "2.0", "id": nil, "method": "ping"], initialize("2025-06-18", id: 9), call(10, "nothing"), [[]],
        ]
        let answers = session.answer(batch)?.array
        #expect(answers?.map { $0["id"] } == [1, "b", .null, .null, 9, 10, .null])
        #expect(
            answers?.map { $0["error"]?["code"] } == [nil, -32601, -32600, -32600, -32600, -32602, -32600])
        #expect(session.revision == .march2025)
    }

    @Test func `an empty batch is refused, and one of notifications is not answered`() {
        var session = initialized("2025-03-26")
        #expect(session.code([]) == -32600)
        #expect(session.steps([notification("notifications/initialized"), notification("x")]) == [])
    }

    @Test func `the array is complete when its last call is answered`() throws {
        var session = initialized("2025-03-26")
        let steps = session.steps([call(1, "count"), request(2, "ping"), call(3, "count")])
        let calls = started(steps)
        try #require(calls.count == 2)
        #expect(steps.count == 2)
        #expect(session.answer(request(4, "ping"))?["id"] == 4)
        #expect(session.finish(calls[1], with: ToolResult("b")) == nil)
        let array = session.finish(calls[0], with: ToolResult("a"))?.array
        #expect(array?.map { $0["id"] } == [2, 3, 1])
        #expect(session.finish(calls[0], with: ToolResult("a")) == nil)
    }

    @Test func `cancelled calls of a batch are left out, and the others are not held up`() throws {
        var session = initialized("2025-03-26")
        let calls = started(session.steps([call(1, "count"), call(2, "count")]))
        try #require(calls.count == 2)
        #expect(session.finish(calls[0], with: ToolResult("a")) == nil)
        let cancelled = session.steps(notification("notifications/cancelled", ["requestId": 2]))
        guard cancelled.count == 2, case .cancel(calls[1]) = cancelled[0], case .answer(let array) = cancelled[1] else {
            Issue.record("\(cancelled)")
            return
        }
        #expect(array.array?.map { $0["id"] } == [1])

        let alone = session.steps([call(5, "count"), notification("notifications/cancelled", ["requestId": 5])])
        #expect(alone.count == 2)
        guard case .start(let call)? = alone.first, alone.last == .cancel(call) else {
            Issue.record("\(alone)")
            return
        }
        #expect(session.batches.isEmpty)
    }

    @Test func `a batch that another one completes is answered by itself`() throws {
        var session = initialized("2025-03-26")
        let calls = started(session.steps([call(1, "count"), request(2, "ping")]))
        let steps = session.steps([notification("notifications/cancelled", ["requestId": 1]), request(3, "ping")])
        let arrays = steps.compactMap { if case .answer(let answer) = $0 { answer.array } else { nil } }
        #expect(arrays.map { $0.map { $0["id"] } } == [[2], [3]])
        #expect(steps.first == calls.first.map { .cancel($0) })
    }

    private func started(_ steps: [Session.Step]) -> [Session.Call] {
        steps.compactMap { if case .start(let call) = $0 { call } else { nil } }
    }
}
