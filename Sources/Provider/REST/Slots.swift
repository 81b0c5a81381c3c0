import Synchronization

/// So many at one time and no more.
final class Slots: Sendable {
    private let free: Mutex<Int>

    init(_ count: Int) { free = Mutex(count) }

    /// One of them, given back with the last reference to it.
    final class Slot: Sendable {
        private let slots: Slots

        fileprivate init(_ slots: Slots) { self.slots = slots }

        deinit { slots.free.withLock { $0 += 1 } }
    }

    /// - Returns: nil when all are taken.
    func take() -> Slot? {
        free.withLock { free in
            guard free > 0 else { return nil }
            free -= 1
            return Slot(self)
        }
    }
}
