import JSON
import Testing

@testable import MCP

/// Asking a person before something is done: what the session says and takes, in both eras.
@Suite struct QuestionTests {
    private static let canAsk: JSON = ["elicitation": [:]]
    private static let form: JSON = ["type": "object", "properties": [:]]

    // By a request of ours

    @Test(arguments: [
        ("2024-11-05", #"{"elicitation":{}}"#, false), ("2025-03-26", #"{"elicitation":{}}"#, false),
        ("2025-06-18", #"{"elicitation":{}}"#, true), ("2025-11-25", #"{"elicitation":{}}"#, true),
        ("2025-11-25", #"{"elicitation":{"form":{}}}"#, true),
        ("2025-11-25", #"{"elicitation":{"form":{},"url":{}}}"#, true),
        ("2025-11-25", #"{"elicitation":{"url":{}}}"#, false), ("2025-11-25", #"{"sampling":{}}"#, false),
        ("2025-11-25", #"{"elicitation":true}"#, false),
    ])
    func `only clients that say so are asked`(version: String, capabilities: String, canAsk: Bool) throws {
        var session = initialized(version, capabilities: try JSON(parsing: capabilities))
        #expect(try session.start(call(1, "remove")).canAsk == canAsk)
    }

    @Test(arguments: [
        (#"{"result":{"action":"accept","content":{}}}"#, Consent.accepted),
        (#"{"result":{"action":"accept"}}"#, .accepted), (#"{"result":{"action":"decline"}}"#, .declined),
        (#"{"result":{"action":"cancel"}}"#, .cancelled),
        (#"{"error":{"code":-32601,"message":"no"}}"#, .failed(#""no""#)),
        (#"{"error":{}}"#, .failed("an error without a message")),
        (#"{"result":{"action":"yes"}}"#, .failed("an answer without accept, decline or cancel")),
        (#"{"result":[]}"#, .failed("an answer without accept, decline or cancel")),
    ])
    func `what the client answers is told to the call that asked`(answer: String, consent: Consent) throws {
        var session = initialized(capabilities: Self.canAsk)
        let call = try session.start(call("a", "remove"))
        #expect(
            session.ask("Sure?", for: call) == [
                "jsonrpc": "2.0", "id": 1, "method": "elicitation/create",
                "params": ["message": "Sure?", "requestedSchema": Self.form],
            ])
        var message = try #require(try JSON(parsing: answer).object)
        message["id"] = 1
        message["jsonrpc"] = "2.0"
        #expect(session.step(.object(message)) == .confirm(call, consent))
        #expect(session.step(.object(message)) == nil)
        #expect(session.withdrawQuestion(of: call) == nil)
    }

    @Test func `answers to nothing that was asked are ignored`() throws {
        var session = initialized(capabilities: Self.canAsk)
        let call = try session.start(call("a", "remove"))
        _ = session.ask("Sure?", for: call)
        for id: JSON in [2, "1", nil, 1.5] {
            #expect(session.steps(["jsonrpc": "2.0", "id": id, "result": ["action": "accept"]]) == [])
        }
    }

    @Test func `a question that nobody waits for any more is withdrawn, and its answer ignored`() throws {
        var session = initialized(capabilities: Self.canAsk)
        let call = try session.start(call("a", "remove"))
        _ = session.ask("Sure?", for: call)
        #expect(
            session.withdrawQuestion(of: call) == [
                "jsonrpc": "2.0", "method": "notifications/cancelled", "params": ["requestId": 1],
            ])
        #expect(session.steps(["jsonrpc": "2.0", "id": 1, "result": ["action": "accept"]]) == [])
    }

    @Test func `a cancelled call asks nothing`() throws {
        var session = initialized(capabilities: Self.canAsk)
        let call = try session.start(call("a", "remove"))
        _ = session.step(notification("notifications/cancelled", ["requestId": "a"]))
        #expect(session.ask("Sure?", for: call) == nil)
    }

    // By a result that asks for input

    @Test func `a modern call ends with the question, and goes on when it is repeated with the answer`() throws {
        let answers: [(JSON, Consent)] = [("accept", .accepted), ("decline", .declined), ("cancel", .cancelled)]
        for (action, consent) in answers {
            var session = fresh()
            let call = try session.start(remove(1))
            #expect(call.canAsk)
            let result = session.finish(call, with: asking, handle: "h")?["result"]
            #expect(
                result == [
                    "resultType": "input_required", "requestState": "h",
                    "inputRequests": [
                        "confirm": [
                            "method": "elicitation/create",
                            "params": ["message": "Sure?", "requestedSchema": Self.form],
                        ]
                    ],
                    "_meta": ["io.modelcontextprotocol/serverInfo": ["name": "sample", "version": "1.2.3"]],
                ])
            let again = try session.start(remove(2, "h", answer: ["action": action]))
            #expect(again.answer == Session.Answer(question: Question(message: "Sure?"), consent: consent))
            #expect(session.finish(again, with: ToolResult("x"))?["result"]?["resultType"] == "complete")
        }
    }

    @Test func `a state opens one question once, for the same call`() throws {
        var session = fresh()
        let accept: JSON = ["action": "accept"]
        let first = try session.start(remove(1))
        _ = session.finish(first, with: asking, handle: "h")
        #expect(session.code(remove(2, "h", things: 4, answer: accept)) == -32602)
        #expect(session.code(remove(2, "i", answer: accept)) == -32602)
        #expect(session.code(remove(2, .integer(1), answer: accept)) == -32602)
        for wrong: JSON in ["accept", [:], ["action": "yes"], ["action": true]] {
            #expect(session.code(remove(2, "h", answer: wrong)) == -32602, "\(wrong.text)")
        }
        let again = try session.start(remove(2, "h", answer: accept))
        _ = session.finish(again, with: ToolResult("x"))
        #expect(session.code(remove(3, "h", answer: accept)) == -32602)
    }

    @Test func `without the answer that was asked for it is asked again`() throws {
        for params: [(key: String, value: JSON)] in [
            [("requestState", "h")], [("requestState", "h"), ("inputResponses", ["other": ["action": "accept"]])],
            [("inputResponses", ["confirm": ["action": "accept"]])],
        ] {
            var session = fresh()
            let first = try session.start(remove(1))
            _ = session.finish(first, with: asking, handle: "h")
            var again = JSON.Object([("name", "remove"), ("arguments", ["things": 3])])
            for (key, value) in params { again[key] = value }
            let second = try session.start(modern(2, "tools/call", again, capabilities: Self.canAsk))
            #expect(second.answer == nil)
        }
    }

    @Test func `a yes that comes too late is none`() throws {
        var session = fresh()
        let start = ContinuousClock.now
        let first = try session.start(remove(1), at: start)
        _ = session.finish(first, with: asking, at: start, handle: "h")
        let late = start.advanced(by: PendingQuestions.life + .seconds(1))
        let again = try session.start(remove(2, "h", answer: ["action": "accept"]), at: late)
        #expect(again.answer?.consent == .timedOut)
    }

    @Test func `of many questions that nobody comes back for the oldest are forgotten`() throws {
        var session = fresh()
        for number in 0...PendingQuestions.limit {
            let call = try session.start(remove(.integer(number)))
            _ = session.finish(call, with: asking, handle: "\(number)")
        }
        #expect(session.pendingQuestions.count == PendingQuestions.limit)
        #expect(session.code(remove("a", "0", answer: ["action": "accept"])) == -32602)
        #expect(try session.start(remove("a", "1", answer: ["action": "accept"])).answer?.consent == .accepted)
    }

    @Test func `handles are long and differ`() {
        let handles = (0..<1000).map { _ in randomHandle() }
        #expect(Set(handles).count == 1000)
        #expect(handles.allSatisfy { $0.utf8.count == 32 })
    }

    private let asking = ToolResult("Sure?", isError: true, obstacle: .question(Question(message: "Sure?")))

    private func remove(_ id: JSON, _ state: JSON? = nil, things: Int = 3, answer: JSON? = nil) -> JSON {
        var params = JSON.Object([("name", "remove"), ("arguments", ["things": .integer(things)])])
        params["requestState"] = state
        params["inputResponses"] = answer.map { ["confirm": $0] }
        return modern(id, "tools/call", params, capabilities: Self.canAsk)
    }
}
