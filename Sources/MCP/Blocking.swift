import Synchronization

/// Waits on this thread for what `body` gives, for a main that is not asynchronous: one that is starts the threads
/// that run tasks, which costs a server that is only asked what it is a millisecond and two megabytes.
package func blocking<T: Sendable>(_ body: @escaping @Sendable () async -> T) -> T {
    let result = Box<T>()
    Task.detached {
        let value = await body()
        result.value.withLock { $0 = value }
        result.isThere.putByte()
    }
    result.isThere.takeByte()
    guard let value = result.value.withLock({ $0 }) else { preconditionFailure("woken without a result") }
    return value
}

private final class Box<T: Sendable>: Sendable {
    let value = Mutex<T?>(nil)
    let isThere = Pipe()
}
