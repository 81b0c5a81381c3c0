import JSON

extension Session {
    /// A call until it is answered or cancelled.
    struct RunningCall: Sendable {
        let call: Call
        /// What was told of its progress last, and when.
        var progress: (value: Double, at: ContinuousClock.Instant)?
    }

    /// How often a call may tell of its progress.
    static let progressInterval = Duration.milliseconds(500)

    /// Ends a call. A text over `resultLimit` is replaced by a failure that says so.
    ///
    /// - Parameter handle: what the client gives back with a person's answer, if there is a question; never used before.
    /// - Returns: what to answer; nil when the client cancelled it, or others of its batch are still at work.
    mutating func finish(
        _ call: Call, with result: ToolResult, at now: ContinuousClock.Instant = .now,
        handle: @autoclosure () -> String = randomHandle()
    ) -> JSON? {
        guard inFlight[call.id]?.call.serial == call.serial else { return nil }
        inFlight[call.id] = nil
        let answer: JSON
        switch result.obstacle {
        case .question(let question) where call.meta.isModern:
            let handle = handle()
            pendingQuestions.add(question, from: call, handle: handle, at: now)
            answer = reply(to: call.id, PendingQuestions.members(for: question, handle: handle), type: "input_required")
        case .cannotAsk where call.meta.isModern: answer = reply(to: call.id, .missingElicitation(result.text))
        default: answer = reply(to: call.id, members(of: result), isModern: call.meta.isModern)
        }
        guard let batch = call.batch else { return answer }
        return settle(batch, adding: answer)
    }

    /// Tells of the progress of a call, where the client wants to know: never less than before, and not too often.
    mutating func progress(
        _ call: Call, _ value: Double, of total: Double?, _ message: String?, at now: ContinuousClock.Instant = .now
    ) -> JSON? {
        guard let token = call.meta.progressToken, value.isFinite, inFlight[call.id]?.call.serial == call.serial else {
            return nil
        }
        if let last = inFlight[call.id]?.progress, value <= last.value || now - last.at < Self.progressInterval {
            return nil
        }
        inFlight[call.id]?.progress = (value, now)
        var params = JSON.Object([("progress", number(value)), ("progressToken", token.json)])
        params["total"] = total.map(number)
        // The first revision has no message.
        if call.meta.isModern || revision != .november2024 { params["message"] = message.map { .string($0) } }
        return notification("notifications/progress", params)
    }

    mutating func cancel(_ params: JSON?) -> [Step] {
        guard let id = RequestID(params?["requestId"]) else { return [] }
        subscriptions.removeAll { $0 == id }
        guard let call = inFlight.removeValue(forKey: id)?.call else { return [] }
        return [.cancel(call)] + (call.batch.flatMap { settle($0, adding: nil) }.map { [.answer($0)] } ?? [])
    }

    func members(of result: ToolResult) -> JSON.Object {
        let size = result.text.utf8.count
        let result =
            size <= Self.resultLimit
            ? result
            : ToolResult(
                "the answer has \(size) bytes, at most \(Self.resultLimit) are sent; ask for less", isError: true)
        var members = JSON.Object([("content", [["text": .string(result.text), "type": "text"]])])
        if result.isError { members["isError"] = true }
        return members
    }

    private func number(_ value: Double) -> JSON {
        Int(exactly: value).map { .integer($0) } ?? .number(value)
    }
}
