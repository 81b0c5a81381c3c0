import JSON
import MCP
import Testing

@Suite struct ToolTests {
    @Test func `a tool is listed with the least that says everything`() throws {
        #expect(
            String(decoding: try sampleTools[0].listing.bytes(.ordered), as: UTF8.self) == """
                {"name":"restart","description":"Restart one thing.","inputSchema":{"type":"object","properties":{\
                "agent":{"type":"string","description":"which one"},\
                "wait_seconds":{"type":"integer","description":"0 returns at once","minimum":0,"maximum":45,"default":20},\
                "labels":{"type":"array","items":{"type":"string","enum":["a","b"]},"maxItems":2},\
                "parameters":{"type":"object","description":"free form"}},\
                "additionalProperties":false,"required":["agent"]},\
                "annotations":{"destructiveHint":true,"idempotentHint":false,"openWorldHint":false,"readOnlyHint":false}}
                """)
    }

    @Test func `what is optional is not required, and defaults are told`() throws {
        let schema = try #require(sampleTools[1].listing["inputSchema"])
        #expect(schema["required"] == nil)
        #expect(schema["properties"]?["sort"] == ["type": "string", "default": "name"])
        #expect(schema["properties"]?["view"] == ["type": "string", "enum": ["short", "long"], "default": "short"])
        #expect(schema["properties"]?["kind"] == ["type": "string", "enum": ["x", "y"]])
        #expect(schema["properties"]?["limit"] == ["type": "integer", "minimum": 1, "maximum": 200])
        #expect(schema["properties"]?["all"] == ["type": "boolean", "default": false])
        #expect(schema["properties"]?["old"] == ["type": "boolean"])
        #expect(
            sampleTools[5].listing["inputSchema"]
                == ["type": "object", "properties": [:], "additionalProperties": false])
    }

    @Test(arguments: sampleTools.map(\.listing))
    func `every tool has all four annotations`(listing: JSON) {
        let hints = listing["annotations"]?.object?.members.filter { $0.value.bool != nil }.map(\.key)
        #expect(hints == ["destructiveHint", "idempotentHint", "openWorldHint", "readOnlyHint"])
    }

    @Test(arguments: [
        (#"{"agent":"a"}"#, "a 20  -"),
        (#"{"agent":"a","wait_seconds":null,"labels":null,"parameters":null}"#, "a 20  -"),
        (#"{"agent":"12","wait_seconds":"45"}"#, "12 45  -"), (#"{"agent":"a","wait_seconds":7.0}"#, "a 7  -"),
        (#"{"agent":"a","labels":"b"}"#, "a 20 b -"), (#"{"agent":"a","labels":["b","a"]}"#, "a 20 b+a -"),
        (#"{"agent":"a","labels":"b,A"}"#, "a 20 b+a -"), (#"{"agent":"a","labels":"[\"b\"]"}"#, "a 20 b -"),
        (#"{"agent":"a","labels":[]}"#, "a 20  -"), (#"{"agent":"a","parameters":{"x":1}}"#, #"a 20  {"x":1}"#),
        (#"{"agent":"a","parameters":"{\"x\":1}"}"#, #"a 20  {"x":1}"#), (#"{"agent":"a, b"}"#, "a, b 20  -"),
    ])
    func `a changing tool takes its arguments`(arguments: String, text: String) async throws {
        #expect(await restart(arguments) == ToolResult(text))
    }

    @Test(arguments: [
        (#"{}"#, "restart needs agent; agent is which one"),
        (#"{"agent":null}"#, "restart needs agent; agent is which one"),
        (#"{"agent":""}"#, "restart: agent is empty; give a value or leave it out"),
        (#"{"agent":123456}"#, #"restart: agent must be a string, got the number 123456; quote it: "123456""#),
        (#"{"agent":12e45}"#, "restart: agent must be a string, got a number with a fraction or an exponent; quote it"),
        (#"{"agent":true}"#, "restart: agent must be a string, got true"),
        (#"{"agent":["a"]}"#, "restart: agent must be a string, got an array"),
        (
            #"{"agent":"a","wait_seconds":46}"#,
            "restart: wait_seconds must be a whole number from 0 to 45, got the number 46; for example 20"
        ),
        (
            #"{"agent":"a","wait_seconds":"soon"}"#,
            #"restart: wait_seconds must be a whole number from 0 to 45, got "soon"; for example 20"#
        ),
        (
            #"{"agent":"a","wait_seconds":1.5}"#,
            "restart: wait_seconds must be a whole number from 0 to 45, got a number with a fraction or an exponent; "
                + "for example 20"
        ),
        (
            #"{"agent":"a","wait_seconds":false}"#,
            "restart: wait_seconds must be a whole number from 0 to 45, got false; for example 20"
        ),
        (#"{"agent":"a","wait_seconds":""}"#, "restart: wait_seconds is empty; give a value or leave it out"),
        (#"{"agent":"a","labels":"a,c"}"#, #"restart: labels must be one of a, b, got "c""#),
        (#"{"agent":"a","labels":["a","c"]}"#, #"restart: labels must be one of a, b, got "c""#),
        (#"{"agent":"a","labels":[1]}"#, #"restart: labels must be one of a, b, got the number 1; quote it: "1""#),
        (#"{"agent":"a","labels":[""]}"#, "restart: labels holds an empty text; leave it out"),
        (#"{"agent":"a","labels":["a","b","a"]}"#, "restart: labels takes at most 2 values, got 3"),
        (
            #"{"agent":"a","parameters":"{x"}"#,
            #"restart: parameters must be an object, got "{x"; for example {"key":"value"}"#
        ),
        (
            #"{"agent":"a","parameters":[]}"#,
            #"restart: parameters must be an object, got an array; for example {"key":"value"}"#
        ),
        (
            #"{"agent":"a","wait":5}"#,
            "restart has no argument wait (did you mean wait_seconds?); use: agent, wait_seconds, labels, parameters"
        ),
        (#"{"zzzzzzzz":5}"#, "restart has no argument zzzzzzzz; use: agent, wait_seconds, labels, parameters"),
    ])
    func `a wrong argument is refused with what was wrong and what is allowed`(arguments: String, text: String)
        async throws
    {
        #expect(await restart(arguments) == ToolResult(text, isError: true))
    }

    @Test(arguments: [
        ("{}", "- name short - - false -"),
        (#"{"query":"","sort":"","view":"","kind":"","limit":"","all":"","old":""}"#, "- name short - - false -"),
        (
            #"{"query":"q","sort":"s","view":"long","kind":"y","limit":"200","all":"true","old":"False"}"#,
            "q s long y 200 true false"
        ),
        (#"{"limit":1,"all":true,"old":true}"#, "- name short - 1 true true"),
    ])
    func `a reading tool takes an empty text for an absent one`(arguments: String, text: String) async throws {
        #expect(await sampleTools[1].result(Gate(), ToolCall(), object(arguments)) == ToolResult(text))
    }

    @Test(arguments: [
        (#"{"view":"shor"}"#, #"look: view must be one of short, long, got "shor"; did you mean short?"#),
        (#"{"all":1}"#, "look: all must be true or false, got the number 1"),
        (#"{"all":"yes"}"#, #"look: all must be true or false, got "yes""#),
        (#"{"limit":0}"#, "look: limit must be a whole number from 1 to 200, got the number 0; for example 20"),
    ])
    func `a reading tool refuses wrong values too`(arguments: String, text: String) async throws {
        #expect(await sampleTools[1].result(Gate(), ToolCall(), object(arguments)) == ToolResult(text, isError: true))
    }

    @Test func `a tool without fields refuses any argument`() async {
        let result = await sampleTools[5].result(Gate(), ToolCall(), JSON.Object([("x", 1)]))
        #expect(result == ToolResult("count takes no arguments, got x", isError: true))
    }

    @Test func `a wait gives what it waited for, nothing in time, or what went wrong`() async throws {
        let call = ToolCall()
        #expect(try await call.waiting(atMost: .seconds(60)) { 1 } == 1)
        #expect(try await call.waiting(atMost: .zero) { 1 } == nil)
        let late: Int? = try await call.waiting(atMost: .milliseconds(1)) {
            try await Task.sleep(for: .seconds(60))
            return 1
        }
        #expect(late == nil)
        await #expect(throws: Unexpected.self) {
            try await call.waiting(atMost: .seconds(60)) { throw Unexpected() }
        }
    }

    private func restart(_ arguments: String) async -> ToolResult {
        await sampleTools[0].result(Gate(), ToolCall(), object(arguments))
    }

    private func object(_ text: String) -> JSON.Object {
        (try? JSON(parsing: text))?.object ?? JSON.Object()
    }
}
