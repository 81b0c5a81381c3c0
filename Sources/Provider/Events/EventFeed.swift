import FleetAPI
import Synchronization

/// The newest events, handed on once they are written, to as many readers as want them.
///
/// A reader has no buffer of its own: it asks for what came after the last event it has, from here or, when it has
/// fallen behind, from the store. It is only told that there may be more.
final class EventFeed: Sendable {
    /// How many of the newest events are in memory.
    static let size = 2048
    /// The most readers at one time.
    static let readerLimit = 100

    private struct State {
        /// Numbered without a gap up to `last`.
        var events: [FleetEvent] = []
        var last = 0
        var counts: [String: Int] = [:]
        var wakers: [Int: AsyncStream<Void>.Continuation] = [:]
        var nextReader = 0
    }

    private let state = Mutex(State())

    /// The number of the newest event.
    var last: Int { state.withLock { $0.last } }

    /// How many events of each kind were written since the start.
    var counts: [String: Int] { state.withLock { $0.counts } }

    /// How many readers there are.
    var readers: Int { state.withLock { $0.wakers.count } }

    /// - Parameter number: of the last event that was written before.
    func begin(after number: Int) { state.withLock { $0.last = number } }

    /// Takes events that have just been written, in their order.
    func publish(_ events: [FleetEvent]) {
        guard let last = events.last else { return }
        state.withLock { state in
            if events[0].number != state.last + 1 { state.events = [] }
            state.events += events
            // Only now and then, so that not every event moves the others.
            if state.events.count > 2 * Self.size { state.events.removeFirst(state.events.count - Self.size) }
            state.last = last.number
            for event in events { state.counts[event.kind, default: 0] += 1 }
        }
        wake()
    }

    /// The events after a number, at most `limit`; nil when they are no longer in memory.
    func events(after number: Int, limit: Int) -> [FleetEvent]? {
        state.withLock { state in
            guard number < state.last else { return [] }
            guard let first = state.events.first?.number, number >= first - 1 else { return nil }
            return Array(state.events[(number - first + 1)...].prefix(limit))
        }
    }

    /// Lets every reader look whether there is something to do; called once a second too.
    func wake() {
        for waker in state.withLock({ Array($0.wakers.values) }) { waker.yield() }
    }

    /// A place among the readers, given back with the last reference to it.
    final class Place: Sendable {
        /// One element when there may be more events, and once a second; never more than one waits. For one loop.
        let signals: AsyncStream<Void>
        private let number: Int
        private let feed: EventFeed

        fileprivate init(_ number: Int, _ signals: AsyncStream<Void>, _ feed: EventFeed) {
            (self.number, self.signals, self.feed) = (number, signals, feed)
        }

        deinit { end() }

        /// Ends the signals.
        func end() { feed.state.withLock { $0.wakers.removeValue(forKey: number) }?.finish() }
    }

    /// - Parameter isLimited: whether it counts as one of the readers that come from outside.
    /// - Returns: nil when there are as many readers as there may be.
    func join(isLimited: Bool = true) -> Place? {
        let (signals, waker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        waker.yield()
        return state.withLock { state in
            guard !isLimited || state.wakers.count < Self.readerLimit else { return nil }
            state.nextReader += 1
            state.wakers[state.nextReader] = waker
            return Place(state.nextReader, signals, self)
        }
    }
}
