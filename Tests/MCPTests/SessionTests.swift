import JSON
import Testing

@testable import MCP

@Suite struct SessionTests {
    // The handshake

    @Test(arguments: ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
    func `a known version is echoed`(version: String) {
        var session = fresh()
        let result = session.answer(initialize(version))?["result"]
        #expect(result?["protocolVersion"] == .string(version))
        #expect(result?["serverInfo"] == ["name": "sample", "version": "1.2.3"])
        #expect(result?["capabilities"] == ["tools": [:]])
        #expect(result?["instructions"] == "Be kind.")
        #expect(result?["resultType"] == nil)
    }

    @Test(arguments: ["2026-07-28", "2023-01-01", "", "x"])
    func `an unknown version is answered with the newest that has a handshake`(version: String) {
        var session = fresh()
        #expect(session.answer(initialize(version))?["result"]?["protocolVersion"] == "2025-11-25")
    }

    @Test func `a second initialize is answered again`() {
        var session = initialized("2024-11-05")
        let again = session.answer(initialize("2025-06-18", id: "again"))
        #expect(again?["result"]?["protocolVersion"] == "2025-06-18")
        #expect(again?["id"] == "again")
    }

    @Test func `before initialize a ping is served and everything else gets an error`() {
        var session = fresh()
        #expect(session.answer(request(1, "ping")) == ["jsonrpc": "2.0", "id": 1, "result": [:]])
        for method in ["tools/list", "tools/call", "server/discover", "nonsense"] {
            #expect(session.code(request(2, method)) == -32602, "\(method)")
        }
        #expect(session.answer(initialize())?["result"] != nil)
    }

    @Test func `a client can probe with a modern request and then shake hands, and go on with both`() {
        var session = fresh()
        #expect(session.answer(modern(1, "server/discover"))?["result"]?["resultType"] == "complete")
        #expect(session.answer(initialize())?["result"]?["protocolVersion"] == "2025-11-25")
        #expect(session.answer(request(2, "tools/list"))?["result"]?["resultType"] == nil)
        #expect(session.answer(modern(3, "tools/list"))?["result"]?["resultType"] == "complete")
        #expect(session.answer(request(4, "ping"))?["result"] == [:])
    }

    @Test func `after the handshake what is not served is an unknown method`() {
        var session = initialized()
        for method in ["server/discover", "resources/list", "prompts/get", "logging/setLevel", "Ping", ""] {
            #expect(session.code(request(1, method)) == -32601, "\(method)")
        }
    }

    @Test func `tools are listed in their order on one page`() {
        var session = initialized()
        for params: JSON? in [nil, .null, [:], ["cursor": nil], ["_meta": ["progressToken": 1]]] {
            let tools = session.answer(request(1, "tools/list", params))?["result"]?["tools"]?.array
            #expect(tools?.map { $0["name"] } == sampleTools.map { .string($0.name) })
        }
        #expect(session.code(request(1, "tools/list", ["cursor": ""])) == -32602)
    }

    // Modern requests

    @Test func `discover says what a modern request may use`() {
        var session = fresh()
        #expect(
            session.answer(modern("d", "server/discover")) == [
                "jsonrpc": "2.0", "id": "d",
                "result": [
                    "supportedVersions": ["2026-07-28"], "capabilities": ["tools": [:]], "instructions": "Be kind.",
                    "resultType": "complete", "ttlMs": 3_600_000, "cacheScope": "public",
                    "_meta": ["io.modelcontextprotocol/serverInfo": ["name": "sample", "version": "1.2.3"]],
                ],
            ])
    }

    @Test func `a modern list has its hints, and a modern call its type, without a handshake`() {
        var session = fresh()
        let list = session.answer(modern(1, "tools/list"))?["result"]
        #expect(list?["ttlMs"] == 3_600_000)
        #expect(list?["cacheScope"] == "public")
        #expect(list?["tools"]?.array?.count == sampleTools.count)
        guard case .start(let call)? = session.step(modern(2, "tools/call", .init([("name", "count")]))) else {
            Issue.record("not started")
            return
        }
        #expect(
            session.finish(call, with: ToolResult("x")) == [
                "jsonrpc": "2.0", "id": 2,
                "result": [
                    "content": [["type": "text", "text": "x"]], "resultType": "complete",
                    "_meta": ["io.modelcontextprotocol/serverInfo": ["name": "sample", "version": "1.2.3"]],
                ],
            ])
    }

    @Test(arguments: ["2025-11-25", "2027-01-01", ""])
    func `a version that is not served per request is refused with the one that is`(version: String) {
        var session = fresh()
        let error = session.answer(modern(1, "tools/list", version: .string(version)))?["error"]
        #expect(error?["code"] == -32022)
        #expect(error?["data"] == ["supported": ["2026-07-28"], "requested": .string(version)])
    }

    @Test(arguments: [
        #"{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#,
        #"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":[]}"#,
        #"{"io.modelcontextprotocol/protocolVersion":20260728,"io.modelcontextprotocol/clientCapabilities":{}}"#,
        #"{"io.modelcontextprotocol/clientCapabilities":{}}"#,
    ])
    func `a modern request with incomplete metadata is refused`(meta: String) throws {
        var session = initialized()
        #expect(session.code(request(1, "tools/list", ["_meta": try JSON(parsing: meta)])) == -32602)
    }

    @Test(arguments: ["initialize", "ping", "logging/setLevel", "resources/subscribe", "tasks/list", "nonsense"])
    func `a method that the modern revision has not is unknown there`(method: String) {
        var session = initialized()
        #expect(session.code(modern(1, method)) == -32601)
    }

    // Calls

    @Test func `a call is started and its result answered under its own id`() {
        var session = initialized()
        for id: JSON in ["1", 1, -7, 9_223_372_036_854_775_807, "", "é"] {
            guard case .start(let call)? = session.step(call(id, "look", ["query": "x"])) else {
                Issue.record("not started")
                return
            }
            #expect(call.tool == "look")
            #expect(call.arguments == JSON.Object([("query", "x")]))
            #expect(
                session.finish(call, with: ToolResult("no", isError: true)) == [
                    "jsonrpc": "2.0", "id": id,
                    "result": ["content": [["type": "text", "text": "no"]], "isError": true],
                ])
        }
    }

    @Test(arguments: [
        #"{}"#, #"{"name":1}"#, #"{"name":"loook"}"#, #"{"name":"look","arguments":[]}"#,
        #"{"name":"look","arguments":"{}"}"#,
        #"[]"#, #""look""#, #"{"name":null}"#,
    ])
    func `a malformed call or an unknown tool is an error of the request`(params: String) throws {
        var session = initialized()
        #expect(session.code(request(1, "tools/call", try JSON(parsing: params))) == -32602)
        #expect(session.answer(request(1, "ping"))?["result"] == [:])
    }

    @Test func `an unknown tool is answered with those that exist and the one that was meant`() {
        var session = initialized()
        let message = session.answer(call(1, "restrat"))?["error"]?["message"]?.string
        #expect(
            message
                == #"unknown tool "restrat" (did you mean restart?); tools: restart, look, fail, wait, remove, count"#)
    }

    @Test func `arguments may be absent or null`() {
        var session = initialized()
        for params: JSON in [["name": "count"], ["name": "count", "arguments": nil]] {
            guard case .start(let call)? = session.step(request(1, "tools/call", params)) else {
                Issue.record("not started")
                return
            }
            #expect(call.arguments == JSON.Object())
            _ = session.finish(call, with: ToolResult(""))
        }
    }

    @Test func `an id still in use is refused and the first call goes on`() {
        var session = initialized()
        guard case .start(let first)? = session.step(call(5, "count")) else {
            Issue.record("not started")
            return
        }
        #expect(session.code(call(5, "count")) == -32600)
        #expect(session.code(request(5, "ping")) == -32600)
        guard case .start(let other)? = session.step(call("5", "count")) else {
            Issue.record("the id is another one")
            return
        }
        #expect(session.finish(first, with: ToolResult("1"))?["id"] == 5)
        #expect(session.finish(other, with: ToolResult("2"))?["id"] == "5")
        #expect(session.finish(first, with: ToolResult("3")) == nil)
    }

    @Test func `a cancelled call is answered no more, and its id can be used again`() {
        var session = initialized()
        guard case .start(let first)? = session.step(call(5, "count")) else {
            Issue.record("not started")
            return
        }
        let cancelled = notification("notifications/cancelled", ["requestId": 5])
        #expect(session.step(cancelled) == .cancel(first))
        #expect(session.step(cancelled) == nil)
        guard case .start(let second)? = session.step(call(5, "count")) else {
            Issue.record("not started again")
            return
        }
        #expect(session.finish(first, with: ToolResult("old")) == nil)
        #expect(session.finish(second, with: ToolResult("new")).flatMap(text) == "new")
    }

    @Test(arguments: [#"{"requestId":6}"#, #"{"requestId":"5"}"#, #"{"requestId":null}"#, #"{}"#, #"[5]"#, "5"])
    func `a cancellation that means no running call is ignored`(params: String) throws {
        var session = initialized()
        guard case .start(let running)? = session.step(call(5, "count")) else {
            Issue.record("not started")
            return
        }
        #expect(session.step(notification("notifications/cancelled", try JSON(parsing: params))) == nil)
        #expect(session.finish(running, with: ToolResult("x"))?["id"] == 5)
    }

    // Malformed messages

    @Test(arguments: [
        (#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600),
        (#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
        (#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, -32600),
        (#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32600),
        (#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, -32600), ("[]", -32600), (#"[{"jsonrpc":"2.0"}]"#, -32600),
        ("1", -32600), ("null", -32600), (#""x""#, -32600), ("{}", -32600), ("{", -32700), ("x", -32700),
        (#"{"jsonrpc":"2.0","id":18446744073709551616,"method":"ping"}"#, -32700), ("\u{0}", -32700),
    ])
    func `an error without a readable id has none, or null where the version demands one`(line: String, code: Int) {
        for version in ["2025-11-25", "2025-06-18"] {
            var session = initialized(version)
            let answer = session.answer(line)
            #expect(answer?["error"]?["code"] == .integer(code))
            #expect(answer?["id"] == (version == "2025-06-18" ? .null : nil))
        }
        var session = fresh()
        #expect(session.answer(line)?.object?["id"] == nil)
    }

    @Test(arguments: [
        (#"{"id":7,"method":"ping"}"#, -32600), (#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#, -32600),
        (#"{"jsonrpc":2.0,"id":7,"method":"ping"}"#, -32600), (#"{"jsonrpc":"2.0","id":7,"method":1}"#, -32600),
        (#"{"jsonrpc":"2.0","id":7}"#, -32600),
        (#"{"jsonrpc":"2.0","id":7,"method":"tools/list","params":[]}"#, -32602),
        (#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"a":"\ud800"}}"#, -32700),
        (#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"a":"\u0000"}}"#, -32700),
        (#"{"jsonrpc":"2.0","method":"ping","params":{"id":1,"id":2,"a":[{}]},"id":7}"#, -32700),
        (#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"a":99999999999999999999}}"#, -32700),
        (#"{"jsonrpc":"2.0","id":7,"method":"tools/list""#, -32700),
        (#"{"jsonrpc":"2.0","id":7,"method":"x","params":{"a":"# + String(repeating: "[", count: 99), -32700),
    ])
    func `a refused message is answered with its id where that can be read`(line: String, code: Int) {
        for version in ["2025-11-25", "2024-11-05"] {
            var session = initialized(version)
            let answer = session.answer(line)
            #expect(answer?["error"]?["code"] == .integer(code))
            #expect(answer?["id"] == 7)
        }
    }

    @Test(arguments: [
        #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        #"{"jsonrpc":"2.0","method":"nonsense","params":3}"#,
        #"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"count"}}"#, #"{"method":"x"}"#,
        #"{"jsonrpc":"2.0","id":1,"result":{}}"#, #"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}"#,
        "", " ", "\r", "\t \r", "\u{feff}", "\u{feff}\r",
    ])
    func `notifications, stray answers and blank lines are never answered`(line: String) {
        var session = initialized()
        #expect(session.receive(Array(line.utf8)) == [])
    }

    @Test(arguments: ["\u{feff}", " \t"], ["\r", " \r", ""])
    func `a byte order mark, white space and a carriage return around a message do not matter`(
        before: String, after: String
    ) {
        var session = initialized()
        #expect(session.answer(before + request(1, "ping").text + after)?["result"] == [:])
    }

    @Test(
        arguments: [
            (#"{"id":"x","jsonrpc":"2.0","params":{"a":"#, #"zzz"}}"#, "x"),
            (#"{"jsonrpc":"2.0","params":{"a":"#, #"z"},"id":7}"#, 7),
            (#"{"method":"#, #"}, "id" : "a,}" }"#, "a,}"),
            (#"{"jsonrpc":"2.0","params":{"id":1,"a":"#, #"z","id":7}}"#, nil),
            (#"{"jsonrpc":"2.0","a":"#, #"z\",\"id\":7}"}"#, nil), (#"{"a":"#, #"z","id":7,"b":1}"#, 7),
            (#"{"a":"#, #"[{"b":2,"id":7,"c":1}]}"#, nil),
            ("", "", nil),
            (#"{"a":"#, #"z","id":null}"#, nil),
        ] as [(String, String, JSON?)])
    func `a line that was too long is answered with its id where either end tells it`(
        beginning: String, end: String, id: JSON?
    ) {
        let step = initialized().refuseLine(beginning: Array(beginning.utf8), end: Array(end.utf8), limit: 9)
        guard case .answer(let answer) = step else {
            Issue.record("not answered")
            return
        }
        #expect(answer["error"]?["code"] == -32600)
        #expect(answer["id"] == id)
    }

    @Test func `a text that is too long for a client becomes a failure that says so`() {
        var session = initialized()
        guard case .start(let call)? = session.step(call(1, "count")) else {
            Issue.record("not started")
            return
        }
        let answer = session.finish(call, with: ToolResult(String(repeating: "x", count: Session.resultLimit + 1)))
        #expect(answer.flatMap(text) == "error: the answer has 4194305 bytes, at most 4194304 are sent; ask for less")
    }

}
