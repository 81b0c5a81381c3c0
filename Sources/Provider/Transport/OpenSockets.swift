import NIOCore
import Synchronization

/// Counts the WebSockets of a listener, so that it ends after their Close frames have been written.
///
/// The server waits for its HTTP connections only: WebSockets have no task of their own.
package final class OpenSockets: Sendable {
    private let count = Mutex(0)
    private let beats = Mutex<[ObjectIdentifier: NIOLoopBound<Beats>]>([:])
    private let counts: AsyncStream<Int>
    private let changed: AsyncStream<Int>.Continuation

    package init() {
        (counts, changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        changed.yield(0)
    }

    /// The beats of the WebSockets of an event loop; called on it.
    func beats(on eventLoop: any EventLoop) -> Beats {
        let key = ObjectIdentifier(eventLoop)
        if let known = beats.withLock({ $0[key] }) { return known.value }
        let new = NIOLoopBound(Beats(on: eventLoop), eventLoop: eventLoop)
        beats.withLock { $0[key] = new }
        return new.value
    }

    /// How many there are.
    var number: Int { count.withLock { $0 } }

    package func opened() { add(1) }

    package func closed() { add(-1) }

    /// Returns once there are none, or when the task is cancelled. For one caller, once.
    package func untilNone() async {
        for await count in counts where count == 0 { return }
    }

    private func add(_ difference: Int) {
        count.withLock { count in
            count += difference
            changed.yield(count)
        }
    }
}
