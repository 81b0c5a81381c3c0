import JSON
import Synchronization

/// Lets actions pass: so many in any minute, and each only once it is noted.
final class ActionDesk: Sendable {
    private let limiter: Mutex<ActionLimiter>
    private let auditLog: AuditLog?

    init(_ safeguards: Safeguards) {
        limiter = Mutex(ActionLimiter(perMinute: safeguards.actionsPerMinute))
        auditLog = safeguards.auditLog
    }

    /// Does `change` between the two lines of the audit log that tell of it.
    ///
    /// - Throws: a `ToolFailure` that begins with `refused` where nothing was done; what `change` throws.
    func perform(_ action: AuditEntry, _ change: () async throws -> String) async throws -> String {
        if let wait = limiter.withLock({ $0.take(at: .now) }) {
            let limit = limiter.withLock { $0.limit }
            throw ToolFailure(
                "refused: \(limit) actions in a minute are the limit (--max-writes); nothing was done",
                try: "wait \(wait.components.seconds + 1) s, then repeat")
        }
        guard let auditLog else { return try await change() }
        do {
            try auditLog.append(action.beginning)
        } catch {
            throw ToolFailure("refused: \(error); nothing was done", try: "tell the operator of this server")
        }
        do {
            let text = try await change()
            guard let failure = note(action.end(outcome: String(text.prefix { $0 != "\n" })), in: auditLog) else {
                return text
            }
            return "\(text)\nthe audit log lacks this outcome: \(failure)"
        } catch {
            let outcome = error is CancellationError ? "cancelled by the client; may have been done" : "\(error)"
            // The line before it stands, and the failure is told.
            _ = note(action.end(outcome: outcome), in: auditLog)
            throw error
        }
    }

    /// - Returns: why the line is not there.
    private func note(_ line: JSON, in log: AuditLog) -> AuditLog.Failure? {
        do {
            try log.append(line)
            return nil
        } catch {
            return error
        }
    }
}

/// At most so many actions in any minute.
struct ActionLimiter: Sendable {
    private static let window = Duration.seconds(60)

    let limit: Int
    private var taken: [ContinuousClock.Instant] = []

    init(perMinute limit: Int) {
        self.limit = limit
    }

    /// - Returns: nil when one more may be done now, which counts then; else how long to wait.
    mutating func take(at now: ContinuousClock.Instant) -> Duration? {
        taken.removeAll { now - $0 >= Self.window }
        if let oldest = taken.first, taken.count >= limit { return Self.window - (now - oldest) }
        taken.append(now)
        return nil
    }
}

/// What the audit log tells of one action, before it and after.
struct AuditEntry: Sendable {
    let id: String
    let client: String?
    let tool: String
    let targets: [String]
    let trace: TraceContext?

    /// The line that must be there before anything is done. It stands alone: only the outcome is missing.
    var beginning: JSON {
        var members = JSON.Object([("at", .string(wallClock())), ("action", .string(id)), ("state", "begun")])
        members["client"] = client.map { .string($0) }
        members["tool"] = .string(tool)
        members["targets"] = .array(targets.map { .string($0) })
        members["traceparent"] = trace.map { .string($0.parent) }
        return .object(members)
    }

    func end(outcome: String) -> JSON {
        [
            "at": .string(wallClock()), "action": .string(id), "state": "ended", "tool": .string(tool),
            "outcome": .string(outcome),
        ]
    }
}
