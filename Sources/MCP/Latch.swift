import Synchronization

/// A gate that opens once and stays open.
final class Latch: Sendable {
    private struct State {
        var isOpen = false
        var nextWaiter = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    var isOpen: Bool { state.withLock { $0.isOpen } }

    /// - Returns: false when it was open already.
    @discardableResult
    func open() -> Bool {
        let (isFirst, waiters) = state.withLock { state in
            defer {
                state.isOpen = true
                state.waiters = [:]
            }
            return (!state.isOpen, Array(state.waiters.values))
        }
        for waiter in waiters { waiter.resume() }
        return isFirst
    }

    /// Returns when the gate is open or the task is cancelled.
    func wait() async {
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let passes = state.withLock { state in
                    if state.isOpen || Task.isCancelled { return true }
                    state.waiters[waiter] = continuation
                    return false
                }
                if passes { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: waiter) }?.resume()
        }
    }

    /// - Returns: whether the gate is open; false once the time is over or the task is cancelled.
    func wait(atMost limit: Duration) async -> Bool {
        await withTaskGroup { group in
            group.addTask { await self.wait() }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
        return isOpen
    }
}
