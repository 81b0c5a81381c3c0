import Synchronization

/// Callers that wait for a command to change.
final class CommandWaits: Sendable {
    private struct Waiting: Sendable {
        var continuations: [String: [UInt64: CheckedContinuation<Void, Never>]] = [:]
        /// Waits that were given up before they began.
        var abandoned: Set<UInt64> = []
        var next: UInt64 = 0
    }

    private let waiting = Mutex(Waiting())

    /// Returns when one of the ids is woken, or when the task is cancelled.
    ///
    /// - Parameter isDone: asked once the wait is registered: a change just before is not missed.
    func wait(for id: String, unless isDone: () -> Bool) async {
        let ticket = waiting.withLock { waiting in
            waiting.next += 1
            return waiting.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isAbandoned = waiting.withLock { waiting in
                    if waiting.abandoned.remove(ticket) != nil { return true }
                    waiting.continuations[id, default: [:]][ticket] = continuation
                    return false
                }
                if isAbandoned { return continuation.resume() }
                if isDone() { give(up: ticket, on: id) }
            }
        } onCancel: {
            give(up: ticket, on: id)
        }
        _ = waiting.withLock { $0.abandoned.remove(ticket) }
    }

    func wake(_ ids: [String]) {
        for id in ids {
            let woken = waiting.withLock { $0.continuations.removeValue(forKey: id) }
            for continuation in (woken ?? [:]).values { continuation.resume() }
        }
    }

    private func give(up ticket: UInt64, on id: String) {
        let continuation = waiting.withLock { waiting -> CheckedContinuation<Void, Never>? in
            guard let found = waiting.continuations[id]?.removeValue(forKey: ticket) else {
                waiting.abandoned.insert(ticket)
                return nil
            }
            if waiting.continuations[id]?.isEmpty == true { waiting.continuations[id] = nil }
            return found
        }
        continuation?.resume()
    }
}
