import Glibc

/// Asks a running server to end: once, from any thread.
package final class StopSignal: Sendable {
    /// Open once the end was asked for.
    let latch = Latch()
    /// The same for threads, which wait for it beside their own descriptor.
    private let pipe = Pipe()

    package init() {}

    package func request() {
        if latch.open() { pipe.putByte() }
    }

    /// Blocks until `descriptor` is ready for `events` (POLLIN or POLLOUT), or the end was asked for.
    ///
    /// - Returns: whether `descriptor` is ready; it can be although the end was asked for.
    func awaitReady(_ descriptor: Int32, _ events: Int32) -> Bool {
        var descriptors = [
            pollfd(fd: descriptor, events: Int16(events), revents: 0),
            pollfd(fd: pipe.readEnd, events: Int16(POLLIN), revents: 0),
        ]
        while poll(&descriptors, 2, -1) < 0 {
            guard errno == EINTR else { return false }
        }
        return descriptors[0].revents != 0
    }
}
