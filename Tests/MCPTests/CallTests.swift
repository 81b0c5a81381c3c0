import JSON
import Testing

@testable import MCP

/// What else a session says of calls: progress, limits, subscriptions, whose trace they belong to.
@Suite struct CallTests {
    // Progress

    @Test func `progress is told under the token, always rising and not too often`() throws {
        var session = initialized()
        let start = ContinuousClock.now
        let call = try session.start(watched(1, token: "t"))
        func after(_ milliseconds: Int) -> ContinuousClock.Instant { start.advanced(by: .milliseconds(milliseconds)) }
        #expect(
            session.progress(call, 0, of: 20, "waits", at: after(0)) == [
                "jsonrpc": "2.0", "method": "notifications/progress",
                "params": ["progressToken": "t", "progress": 0, "total": 20, "message": "waits"],
            ])
        #expect(session.progress(call, 1, of: 20, nil, at: after(499)) == nil)
        #expect(session.progress(call, 0, of: 20, nil, at: after(500)) == nil)
        let next = session.progress(call, 0.5, of: nil, nil, at: after(500))
        #expect(next?["params"] == ["progressToken": "t", "progress": 0.5])
        #expect(session.progress(call, .infinity, of: nil, nil, at: after(5000)) == nil)
        #expect(session.progress(call, .nan, of: nil, nil, at: after(5000)) == nil)
    }

    @Test func `nothing is told without a token, after the answer, or after a cancellation`() throws {
        var session = initialized()
        let silent = try session.start(call(1, "count"))
        #expect(session.progress(silent, 1, of: nil, nil) == nil)
        for token: JSON in [1.5, [], nil] {
            let odd = try session.start(watched(2, token: token))
            #expect(session.progress(odd, 1, of: nil, nil) == nil)
            _ = session.finish(odd, with: ToolResult(""))
        }
        let answered = try session.start(watched(3, token: 7))
        _ = session.finish(answered, with: ToolResult(""))
        #expect(session.progress(answered, 1, of: nil, nil) == nil)
        let cancelled = try session.start(watched(3, token: 7))
        _ = session.steps(notification("notifications/cancelled", ["requestId": 3]))
        #expect(session.progress(cancelled, 1, of: nil, nil) == nil)
    }

    @Test func `the first revision has no message with progress`() throws {
        var session = initialized("2024-11-05")
        let call = try session.start(watched(1, token: 7))
        #expect(session.progress(call, 1, of: nil, "m")?["params"] == ["progressToken": 7, "progress": 1])
    }

    @Test func `a modern call is told of progress, too`() throws {
        var session = fresh()
        let call = try session.start(
            modern(1, "tools/call", .init([("name", "count")]), meta: [("progressToken", "m")]))
        #expect(session.progress(call, 1, of: nil, "m")?["params"]?["message"] == "m")
    }

    // Limits

    @Test func `a call over the limit is refused with a result, in both eras`() throws {
        var session = fresh(callLimit: 1)
        _ = session.answer(initialize())
        let first = try session.start(call(1, "count"))
        let text = "error: count: 1 calls are at work, and no more are taken; wait 1 s, then repeat"
        let legacy = session.answer(call(2, "count"))
        #expect(legacy.flatMap(MCPTests.text) == text)
        let answer = session.answer(modern(2, "tools/call", .init([("name", "count")])))
        #expect(answer.flatMap(MCPTests.text) == text)
        #expect(answer?["result"]?["resultType"] == "complete")
        #expect(session.code(call(2, "nothing")) == -32602)
        _ = session.finish(first, with: ToolResult(""))
        _ = try session.start(call(2, "count"))
    }

    @Test func `a modern client that cannot ask is told which capability is missing`() throws {
        var session = initialized()
        let refusal = ToolResult("refused", isError: true, obstacle: .cannotAsk)
        let call = try session.start(modern(1, "tools/call", .init([("name", "remove")])))
        let error = session.finish(call, with: refusal)?["error"]
        #expect(error?["code"] == -32021)
        #expect(error?["data"] == ["requiredCapabilities": ["elicitation": [:]]])
        let legacy = try session.start(MCPTests.call(2, "remove"))
        #expect(session.finish(legacy, with: refusal).flatMap(text) == "error: refused")
    }

    // Subscriptions

    @Test func `a subscription is acknowledged with nothing, and ends with the server`() {
        var session = fresh()
        let filter: JSON = ["toolsListChanged": true, "resourceSubscriptions": ["x://y"]]
        #expect(
            session.answer(modern("s", "subscriptions/listen", .init([("notifications", filter)]))) == [
                "jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
                "params": ["_meta": ["io.modelcontextprotocol/subscriptionId": "s"], "notifications": [:]],
            ])
        #expect(session.code(modern("s", "tools/list")) == -32600)
        #expect(
            session.endSubscriptions() == [
                [
                    "jsonrpc": "2.0", "method": "notifications/cancelled",
                    "params": ["_meta": ["io.modelcontextprotocol/subscriptionId": "s"], "requestId": "s"],
                ],
                [
                    "jsonrpc": "2.0", "id": "s",
                    "result": [
                        "resultType": "complete",
                        "_meta": [
                            "io.modelcontextprotocol/subscriptionId": "s",
                            "io.modelcontextprotocol/serverInfo": ["name": "sample", "version": "1.2.3"],
                        ],
                    ],
                ],
            ])
        #expect(session.endSubscriptions() == [])
    }

    @Test func `a subscription that the client ends is said no more of`() {
        var session = fresh()
        let listen = modern(4, "subscriptions/listen", .init([("notifications", [:])]))
        #expect(session.answer(listen)?["method"] == "notifications/subscriptions/acknowledged")
        #expect(session.steps(notification("notifications/cancelled", ["requestId": 4])) == [])
        #expect(session.endSubscriptions() == [])
        #expect(session.answer(listen)?["method"] == "notifications/subscriptions/acknowledged")
    }

    @Test func `a subscription needs a filter, and there are only so many`() {
        var session = initialized()
        #expect(session.code(modern(1, "subscriptions/listen")) == -32602)
        let wrong: JSON = ["toolsListChanged": 1]
        #expect(session.code(modern(1, "subscriptions/listen", .init([("notifications", wrong)]))) == -32602)
        #expect(session.code(request(1, "subscriptions/listen", ["notifications": [:]])) == -32601)
        for id in 1...Session.subscriptionLimit {
            _ = session.answer(modern(.integer(id), "subscriptions/listen", .init([("notifications", [:])])))
        }
        #expect(session.code(modern("x", "subscriptions/listen", .init([("notifications", [:])]))) == -32603)
    }

    // Traces

    @Test(
        arguments: [
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
            ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-will-be-like", true),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x", false),
            ("00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
            ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false),
            ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
            ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", false),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nX: y", false), ("", false),
        ])
    func `only a trace context that is one is passed on`(parent: String, isPassedOn: Bool) throws {
        var session = initialized()
        let meta: JSON = ["traceparent": .string(parent), "tracestate": "a=1"]
        let call = try session.start(request(1, "tools/call", ["name": "count", "_meta": meta]))
        #expect(call.meta.trace?.parent == (isPassedOn ? parent : nil))
        #expect(call.meta.trace?.headers.map(\.name) == (isPassedOn ? ["traceparent", "tracestate"] : nil))
    }

    @Test func `a state of a trace that a header cannot carry is left out`() throws {
        let parent: JSON = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        for state: JSON in ["", "a=1\r\nX: y", "é", 1, .string(String(repeating: "x", count: 513))] {
            var session = fresh()
            let call = try session.start(
                modern(
                    1, "tools/call", .init([("name", "count")]), meta: [("traceparent", parent), ("tracestate", state)])
            )
            #expect(call.meta.trace?.headers.map(\.name) == ["traceparent"])
        }
    }

    @Test func `who calls is what the handshake said, or the modern request`() throws {
        var session = initialized()
        #expect(try session.start(call(1, "count")).client?.text == "t 1")
        let info: JSON = ["name": "modern", "version": .string(String(repeating: "9", count: 200))]
        let modernCall = try session.start(
            modern(
                2, "tools/call", .init([("name", "count")]), meta: [("io.modelcontextprotocol/clientInfo", info)]))
        #expect(modernCall.client?.text == "modern " + String(repeating: "9", count: 80))
        #expect(try session.start(modern(3, "tools/call", .init([("name", "count")]))).client == nil)
    }

    private func watched(_ id: JSON, token: JSON) -> JSON {
        request(id, "tools/call", ["name": "count", "_meta": ["progressToken": token]])
    }
}
