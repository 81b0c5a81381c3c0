import JSON
import MCP
import Testing

/// Asking a person, from the handler to the wire and back.
@Suite(.timeLimit(.minutes(5))) struct ConfirmationTests {
    private let gate = Gate()
    private static let canAsk: JSON = ["elicitation": [:]]

    private func server(_ policy: ConfirmationPolicy = .bulk) -> Server<Gate> {
        var safeguards = Safeguards()
        safeguards.confirmation = policy
        return Server(tools: sampleTools, context: gate, info: sampleInfo, safeguards: safeguards)
    }

    @Test(
        arguments: [
            (["result": ["action": "accept", "content": [:]]], "confirmed: removed 3\nfor good"),
            (["result": ["action": "decline"]], "error: refused: declined when the client asked for confirmation"),
            (["result": ["action": "cancel"]], "error: refused: the question for confirmation was dismissed"),
            (
                ["error": ["code": -32601, "message": "no handler"]],
                "error: refused: the client could not ask for confirmation (\"no handler\")"
            ),
        ] as [(JSON, String)])
    func `a person decides by an answer to our request`(answer: JSON, beginning: String) async throws {
        let rest = try await Conversation.with(server()) { client in
            await client.send(initialize("2025-06-18", capabilities: Self.canAsk))
            _ = try await client.next()
            await client.send(call(7, "remove"))
            let question = try await client.next()
            #expect(question["method"] == "elicitation/create")
            #expect(question["params"]?["message"] == "Remove 3 things?")
            await client.send(request("p", "ping"))
            #expect(try await client.next()["id"] == "p")
            var message = try #require(answer.object)
            message["jsonrpc"] = "2.0"
            message["id"] = question["id"]
            await client.send(.object(message))
            let result = try await client.next()
            #expect(result["id"] == 7)
            #expect(text(result)?.hasPrefix(beginning) == true, "\(result.text)")
            if answer["result"]?["action"] != "accept" { #expect(text(result)?.contains("nothing was done") == true) }
        }
        #expect(rest == [])
        await #expect(removals == (answer["result"]?["action"] == "accept" ? 1 : 0))
    }

    @Test func `when nobody answers nothing is done, and the question is withdrawn`() async throws {
        try await Conversation.with(server(), answerTime: .milliseconds(1)) { client in
            await client.send(initialize(capabilities: Self.canAsk))
            _ = try await client.next()
            await client.send(call(7, "remove"))
            let question = try await client.next()
            let withdrawal = try await client.next()
            #expect(withdrawal["method"] == "notifications/cancelled")
            #expect(withdrawal["params"]?["requestId"] == question["id"])
            #expect(text(try await client.next())?.hasPrefix("error: refused: nobody answered") == true)
        }
        await #expect(removals == 0)
    }

    @Test func `a call that is cancelled while a person is asked is answered no more`() async throws {
        let rest = try await Conversation.with(server()) { client in
            await client.send(initialize(capabilities: Self.canAsk))
            _ = try await client.next()
            await client.send(call(7, "remove"))
            let question = try await client.next()
            await client.send(notification("notifications/cancelled", ["requestId": 7]))
            #expect(try await client.next()["params"]?["requestId"] == question["id"])
            await client.send(["jsonrpc": "2.0", "id": question["id"] ?? 0, "result": ["action": "accept"]])
        }
        #expect(rest == [])
        await #expect(removals == 0)
    }

    @Test func `at the end of the input nobody can answer`() async throws {
        let rest = try await Conversation.with(server(), grace: .seconds(60)) { client in
            await client.send(initialize(capabilities: Self.canAsk))
            _ = try await client.next()
            await client.send(call(7, "remove"))
            _ = try await client.next()
        }
        #expect(rest.compactMap(text).map { $0.hasPrefix("error: refused: the question") } == [true])
        await #expect(removals == 0)
    }

    @Test func `a modern client comes back with the answer`() async throws {
        for (action, done) in [("accept", true), ("decline", false), ("cancel", false)] as [(JSON, Bool)] {
            try await Conversation.with(server()) { client in
                let arguments: JSON = ["things": 2]
                let params = JSON.Object([("name", "remove"), ("arguments", arguments)])
                await client.send(modern(1, "tools/call", params, capabilities: Self.canAsk))
                let result = try await client.next()["result"]
                #expect(result?["resultType"] == "input_required")
                let question = result?["inputRequests"]?["confirm"]
                #expect(question?["params"]?["message"] == "Remove 2 things?")
                var again = params
                again["requestState"] = result?["requestState"]
                again["inputResponses"] = ["confirm": ["action": action]]
                await client.send(modern(2, "tools/call", again, capabilities: Self.canAsk))
                let answer = text(try await client.next())
                #expect(
                    answer?.hasPrefix(done ? "confirmed: removed 2" : "error: refused: ") == true, "\(answer ?? "")")
                await client.send(modern(3, "tools/call", again, capabilities: Self.canAsk))
                #expect(try await client.next()["error"]?["code"] == -32602)
            }
        }
        await #expect(removals == 1)
    }

    @Test(arguments: [
        (ConfirmationPolicy.never, true, true), (.never, false, true), (.bulk, true, true), (.bulk, false, true),
        (.always, true, false), (.always, false, false),
    ])
    func `without a client that can ask only the policy always stands in the way`(
        policy: ConfirmationPolicy, isBulk: Bool, isDone: Bool
    ) async throws {
        try await Conversation.with(server(policy)) { client in
            await client.send(initialize())
            _ = try await client.next()
            await client.send(call(1, "remove", ["many": .bool(isBulk)]))
            let answer = text(try await client.next())
            #expect(answer?.hasPrefix(isDone ? "confirmed: " : "error: refused: --confirm always needs") == true)
        }
    }

    @Test(arguments: [
        (ConfirmationPolicy.never, true, false), (.bulk, true, true), (.bulk, false, false), (.always, false, true),
    ])
    func `the policy says what a person is asked about`(policy: ConfirmationPolicy, isBulk: Bool, isAsked: Bool)
        async throws
    {
        try await Conversation.with(server(policy)) { client in
            await client.send(initialize(capabilities: Self.canAsk))
            _ = try await client.next()
            await client.send(call(1, "remove", ["many": .bool(isBulk)]))
            let next = try await client.next()
            #expect((next["method"] == "elicitation/create") == isAsked)
            if !isAsked { #expect(text(next)?.hasPrefix("confirmed: ") == true) }
        }
    }

    @Test func `a script is not asked`() async {
        #expect(await server(.always).callTool("remove").text.hasPrefix("confirmed: "))
    }

    /// How often something was removed.
    private var removals: Int {
        get async {
            gate.ended.continuation.finish()
            var count = 0
            for await end in gate.ended.stream where end == "removed" { count += 1 }
            return count
        }
    }
}
