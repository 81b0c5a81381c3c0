/// One call of a tool while it runs.
package struct ToolCall: Sendable {
    /// Asks a person through the client.
    typealias Ask = @Sendable (_ message: String) async throws -> Consent
    /// Tells the client of progress, if it wants to know.
    typealias Report = @Sendable (_ value: Double, _ total: Double?, _ message: String?) -> Void

    /// How long a person may take to answer a question that a call waits for.
    static let answerTime = Duration.seconds(45)

    private let start = ContinuousClock.now
    private let tool: String
    /// What the client calls itself, for logs; nil where it says nothing, or there is no client.
    private let client: String?
    package let trace: TraceContext?
    /// Which actions need a person's confirmation.
    package let policy: ConfirmationPolicy
    private let lastMoment: Latch
    private let desk: ActionDesk
    private let ask: Ask
    private let report: Report

    /// - Parameter lastMoment: opens when an answer must be given soon or not at all.
    init(
        tool: String, client: String?, trace: TraceContext?, policy: ConfirmationPolicy, lastMoment: Latch,
        desk: ActionDesk, ask: @escaping Ask, report: @escaping Report
    ) {
        self.tool = tool
        self.client = client
        self.trace = trace
        self.policy = policy
        self.lastMoment = lastMoment
        self.desk = desk
        self.ask = ask
        self.report = report
    }

    /// A call without a client, which nothing but its own time limits ends.
    ///
    /// - Parameter ask: whoever answers for a person.
    package init(
        of tool: String = "tool", safeguards: Safeguards = .none,
        ask: @escaping @Sendable (_ message: String) async throws -> Consent = { _ in .unsupported }
    ) {
        self.init(
            tool: tool, client: nil, trace: nil, policy: safeguards.confirmation, lastMoment: Latch(),
            desk: ActionDesk(safeguards), ask: ask, report: { _, _, _ in })
    }

    /// Asks a person whether to go on; to be called before anything is done.
    ///
    /// In the modern revision this ends the call: what it throws must leave the handler, which runs from its start
    /// again with the answer to the same message. So a handler may ask once. In the other revisions it waits for the
    /// answer, at most 45 seconds.
    /// - Throws: what ends the call; `CancellationError` when the call is cancelled.
    package func confirm(_ message: String) async throws -> Consent {
        // In the modern revision there is no wait to tell of.
        try await telling("waits for a person's confirmation", from: .seconds(1), atMost: Self.answerTime) { [ask] in
            try await ask(message)
        }
    }

    /// Does what changes something. Refused where the limit of actions is reached, or the audit log cannot be written.
    ///
    /// To be called once in a call, after a person was asked.
    /// - Parameters:
    ///   - targets: whom it is done to, by ids that stay.
    ///   - change: gives the text for the model, whose first line is the outcome in the audit log.
    package func act(on targets: [String], _ change: () async throws -> String) async throws -> String {
        let id = String(randomHandle().prefix(12))
        let entry = AuditEntry(id: id, client: client, tool: tool, targets: targets, trace: trace)
        return try await desk.perform(entry, change)
    }

    /// Tells the client how far the call is: not too often, and only more than before. The rest is dropped.
    package func progress(_ value: Double, of total: Double? = nil, _ message: String? = nil) {
        report(value, total, message)
    }

    /// Waits for what `operation` gives, so that the handler can answer with the state known when it takes too long.
    ///
    /// - Parameter message: what is waited for; the client is told of the seconds that pass then.
    /// - Returns: nil when `limit` is over, or when the input has ended and there is just time left for an answer;
    ///   `operation` is cancelled then, and must end soon.
    /// - Throws: what `operation` throws; `CancellationError` when the call is cancelled.
    package func waiting<T: Sendable>(
        atMost limit: Duration, telling message: String? = nil, _ operation: @escaping @Sendable () async throws -> T
    ) async throws -> T? {
        guard limit > .zero, !lastMoment.isOpen else { return nil }
        return try await telling(message, atMost: limit) { [lastMoment] in
            try await withThrowingTaskGroup(of: T?.self) { group in
                group.addTask { try await operation() }
                group.addTask {
                    _ = await lastMoment.wait(atMost: limit)
                    try Task.checkCancellation()
                    return nil
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
        }
    }

    /// Tells the client each second, while `operation` is at work, how long the call has taken: that keeps patient those
    /// who end calls that say nothing.
    private func telling<T: Sendable>(
        _ message: String?, from delay: Duration = .zero, atMost limit: Duration,
        _ operation: @escaping @Sendable () async throws -> T
    ) async throws -> T {
        guard let message else { return try await operation() }
        let end = (ContinuousClock.now - start + limit).components.seconds
        return try await withThrowingTaskGroup(of: T?.self) { group in
            group.addTask { try await operation() }
            group.addTask { [self] in
                try? await Task.sleep(for: delay)
                while !Task.isCancelled {
                    let passed = (ContinuousClock.now - start).components.seconds
                    progress(Double(passed), of: Double(max(end, passed)), message)
                    try? await Task.sleep(for: .seconds(1))
                }
                return nil
            }
            defer { group.cancelAll() }
            // The other task ends only when this one is cancelled.
            guard let value = try await group.next() ?? nil else { throw CancellationError() }
            return value
        }
    }
}
