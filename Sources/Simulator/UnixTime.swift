import Glibc

/// A wall-clock time as OpAMP writes it: nanoseconds since 1970.
package struct UnixTime: Sendable, Hashable, Comparable {
    package let nanoseconds: UInt64

    package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    package static var now: UnixTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UnixTime(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }

    package static func + (time: UnixTime, duration: Duration) -> UnixTime {
        UnixTime(nanoseconds: time.nanoseconds &+ UInt64(bitPattern: duration.wholeNanoseconds))
    }

    package static func - (time: UnixTime, duration: Duration) -> UnixTime {
        UnixTime(nanoseconds: time.nanoseconds &- UInt64(bitPattern: duration.wholeNanoseconds))
    }

    package static func < (left: UnixTime, right: UnixTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}

extension Duration {
    /// Exact up to 292 years.
    var wholeNanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}
