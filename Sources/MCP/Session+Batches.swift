import JSON

extension Session {
    /// What came in one array, until all of it is answered.
    struct Batch: Sendable {
        /// How many calls are at work, and one more while the batch is being read.
        var open = 1
        var answers: [JSON] = []
    }

    /// Reads an array of messages, which one revision alone has.
    ///
    /// Spec: MCP 2025-03-26, basic "Batching"; JSON-RPC 2.0, section 6.
    mutating func receiveBatch(_ elements: [JSON], at now: ContinuousClock.Instant) -> [Step] {
        guard revision == .march2025 else {
            return [.answer(reply(to: nil, .invalidRequest("a message is one object, got an array")))]
        }
        guard !elements.isEmpty else {
            return [.answer(reply(to: nil, .invalidRequest("a batch of no messages")))]
        }
        let batch = nextBatch()
        batches[batch] = Batch()
        var steps: [Step] = []
        for element in elements {
            for step in receive(element, batch: batch, at: now) {
                // An array is the answer to another batch, which a cancellation in this one has completed.
                if case .answer(let answer) = step, answer.array == nil {
                    batches[batch]?.answers.append(answer)
                } else {
                    steps.append(step)
                }
            }
        }
        if let answer = settle(batch, adding: nil) { steps.append(.answer(answer)) }
        return steps
    }

    /// - Parameter answer: nil for what is not answered.
    /// - Returns: the answers to the whole batch, when this was the last and there are any.
    mutating func settle(_ batch: Int, adding answer: JSON?) -> JSON? {
        guard var state = batches[batch] else { return nil }
        state.open -= 1
        if let answer { state.answers.append(answer) }
        guard state.open == 0 else {
            batches[batch] = state
            return nil
        }
        batches[batch] = nil
        return state.answers.isEmpty ? nil : .array(state.answers)
    }
}
