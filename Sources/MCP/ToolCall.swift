/// One call of a tool while it runs.
package struct ToolCall: Sendable {
    private let lastMoment: Latch

    /// - Parameter lastMoment: opens when an answer must be given soon or not at all.
    init(lastMoment: Latch) {
        self.lastMoment = lastMoment
    }

    /// A call that nothing but its own time limits ends.
    package init() {
        self.init(lastMoment: Latch())
    }

    /// Waits for what `operation` gives, so that the handler can answer with the state known when it takes too long.
    ///
    /// - Returns: nil when `limit` is over, or when the input has ended and there is just time left for an answer;
    ///   `operation` is cancelled then, and must end soon.
    /// - Throws: what `operation` throws; `CancellationError` when the call is cancelled.
    package func waiting<T: Sendable>(
        atMost limit: Duration, _ operation: @escaping @Sendable () async throws -> T
    ) async throws -> T? {
        guard limit > .zero, !lastMoment.isOpen else { return nil }
        return try await withThrowingTaskGroup(of: T?.self) { group in
            group.addTask { try await operation() }
            group.addTask { [lastMoment] in
                _ = await lastMoment.wait(atMost: limit)
                try Task.checkCancellation()
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}
