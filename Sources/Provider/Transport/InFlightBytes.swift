import Synchronization

/// Counts the bytes of messages that are being collected or decoded, over all connections.
package final class InFlightBytes: Sendable {
    /// The first bytes of a message are not counted: when large messages have used everything up, a heartbeat is still
    /// taken.
    package static let uncounted = 4 << 10

    private let limit: Int
    private let taken = Atomic(0)

    package init(limit: Int) {
        self.limit = limit
    }

    /// How many bytes are counted now.
    package var bytes: Int { taken.load(ordering: .relaxed) }

    /// Changes the count by a difference, or not at all.
    ///
    /// - Returns: whether the limit allows it; less is always allowed.
    fileprivate func change(by difference: Int) -> Bool {
        guard difference > 0 else {
            taken.wrappingAdd(difference, ordering: .relaxed)
            return true
        }
        var before = taken.load(ordering: .relaxed)
        while difference <= limit - before {
            let (isExchanged, now) = taken.weakCompareExchange(
                expected: before, desired: before + difference, ordering: .relaxed)
            if isExchanged { return true }
            before = now
        }
        return false
    }

    /// What one message holds of the count; given back at its end.
    package struct Share: ~Copyable {
        private let whole: InFlightBytes
        private var counted = 0

        package init(of whole: InFlightBytes) {
            self.whole = whole
        }

        deinit { _ = whole.change(by: -counted) }

        /// Counts so many bytes from now on instead of those before.
        ///
        /// - Returns: false when the limit does not allow it: then nothing has changed.
        package mutating func hold(_ bytes: Int) -> Bool {
            let wanted = max(0, bytes - InFlightBytes.uncounted)
            if wanted == counted { return true }
            guard whole.change(by: wanted - counted) else { return false }
            counted = wanted
            return true
        }
    }
}
