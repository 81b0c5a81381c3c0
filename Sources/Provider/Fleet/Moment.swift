import Dispatch
import FleetAPI

import Glibc

/// Now, on both clocks: the wall clock for what is shown and stored, the monotonic one for deciding what is late.
struct Moment: Sendable, Equatable {
    let wall: Timestamp
    /// Nanoseconds of a clock that never jumps; only differences mean anything.
    let monotonic: Int64

    init(wall: Timestamp, monotonic: Int64) {
        (self.wall, self.monotonic) = (wall, monotonic)
    }

    static func now() -> Moment {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Moment(
            wall: Timestamp(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)),
            monotonic: Int64(DispatchTime.now().uptimeNanoseconds)
        )
    }

    /// The same moment later, for tests and time limits.
    static func + (moment: Moment, duration: Duration) -> Moment {
        Moment(wall: moment.wall + duration, monotonic: moment.monotonic + duration.nanoseconds)
    }
}
