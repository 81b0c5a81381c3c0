import JSON

extension Session {
    /// What a person said in the round before.
    struct Answer: Sendable, Equatable {
        let question: Question
        let consent: Consent
    }

    /// Asks a person with a request of ours, which the handshake's revisions from 2025-06-18 have.
    ///
    /// - Returns: the request; nil when the call was cancelled.
    mutating func ask(_ message: String, for call: Call) -> JSON? {
        guard inFlight[call.id]?.call.serial == call.serial else { return nil }
        lastAsked += 1
        asked[lastAsked] = call
        return .object(
            JSON.Object([
                ("id", .integer(lastAsked)), ("jsonrpc", "2.0"), ("method", .string(Question.method)),
                ("params", Question(message: message).params),
            ]))
    }

    /// Gives up waiting for the answer to what `call` asked.
    ///
    /// - Returns: what tells the client; nil when it has answered.
    mutating func withdrawQuestion(of call: Call) -> JSON? {
        guard let id = asked.first(where: { $0.value.serial == call.serial })?.key else { return nil }
        asked[id] = nil
        return notification("notifications/cancelled", JSON.Object([("requestId", .integer(id))]))
    }

    /// An answer of the client's: to a question of ours, or stray.
    mutating func consent(from object: JSON.Object) -> [Step] {
        guard let id = object["id"]?.integer, let call = asked.removeValue(forKey: id) else { return [] }
        if let error = object["error"] {
            return [.confirm(call, .failed(error["message"]?.string.map(excerpt) ?? "an error without a message"))]
        }
        let consent = Consent(result: object["result"])
        return [.confirm(call, consent ?? .failed("an answer without accept, decline or cancel"))]
    }
}

/// Questions that calls of the modern revision have ended with, until a client comes back with the answer.
///
/// What it gives back is the handle alone, which opens one question once: nothing in it can be forged. Clients may
/// never come back, so the oldest of many are forgotten.
/// Spec: MCP 2026-07-28, basic "Multi round-trip requests".
struct PendingQuestions: Sendable {
    static let limit = 64
    /// How long a person may take. No call waits meanwhile.
    static let life = Duration.seconds(300)
    /// The name of the one input that is asked for.
    private static let key = "confirm"

    private struct Pending {
        let handle: String
        let question: Question
        let tool: String
        let arguments: JSON.Object
        let end: ContinuousClock.Instant
    }

    private var pending: [Pending] = []

    var count: Int { pending.count }

    mutating func add(_ question: Question, from call: Session.Call, handle: String, at now: ContinuousClock.Instant) {
        if pending.count == Self.limit { pending.removeFirst() }
        let end = now.advanced(by: Self.life)
        pending.append(
            Pending(handle: handle, question: question, tool: call.tool, arguments: call.arguments, end: end))
    }

    static func members(for question: Question, handle: String) -> JSON.Object {
        let request: JSON = ["method": .string(Question.method), "params": question.params]
        return JSON.Object([
            ("inputRequests", .object(JSON.Object([(key, request)]))), ("requestState", .string(handle)),
        ])
    }

    /// Takes the question that a repeated call answers; its handle is used up then.
    ///
    /// - Returns: nil for a call that brings no answer: its handler asks again.
    /// - Throws: for a handle that is unknown, was used or belongs to another call, and for what is no answer.
    mutating func redeem(
        _ params: JSON, tool: String, _ arguments: JSON.Object, at now: ContinuousClock.Instant
    ) throws(RPCError) -> Session.Answer? {
        guard let state = params["requestState"], state != .null else { return nil }
        let responses = params["inputResponses"] ?? .null
        guard responses == .null || responses.object != nil else {
            throw .invalidParams("inputResponses must be an object, got \(responses.kind)")
        }
        guard let index = pending.firstIndex(where: { .string($0.handle) == state }) else {
            throw .invalidParams(
                "requestState is unknown, was used or is too old; nothing was done; repeat the call without it")
        }
        guard pending[index].tool == tool, pending[index].arguments == arguments else {
            throw .invalidParams("requestState belongs to another call; nothing was done; repeat that call unchanged")
        }
        guard let response = responses[Self.key] else {
            pending.remove(at: index)
            return nil
        }
        guard let consent = Consent(result: response) else {
            throw .invalidParams("inputResponses.\(Self.key) needs an action: accept, decline or cancel")
        }
        let asked = pending.remove(at: index)
        return Session.Answer(
            question: asked.question, consent: consent == .accepted && now > asked.end ? .timedOut : consent)
    }
}

/// 32 random digits that nobody can guess.
func randomHandle() -> String {
    var random = SystemRandomNumberGenerator()
    return (0..<2).map { _ in
        let digits = String(random.next() as UInt64, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
}
