import Glibc

/// Asks a running server to end: once, from any thread or by a signal.
package final class StopSignal: Sendable {
    /// Open once somebody has seen that the end was asked for.
    let latch = Latch()
    /// Readable from then on, for threads, which wait for it beside their own descriptor.
    private let pipe = Pipe()

    package init() {}

    package func request() {
        if latch.open() { pipe.putByte() }
    }

    /// Takes SIGTERM and SIGINT for the request from now on. To be called for one stop signal of the process.
    package func listenToSignals() {
        signalEnd = pipe.writeEnd
        for number in [SIGTERM, SIGINT] {
            signal(number) { _ in
                let kept = errno
                var byte: UInt8 = 0
                // Nothing is lost where the pipe is full: it is readable then.
                _ = send(&byte)
                errno = kept
            }
        }
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
        if descriptors[1].revents != 0 { latch.open() }
        return descriptors[0].revents != 0
    }
}

/// Where the signal handler writes, which may do little else.
nonisolated(unsafe) private var signalEnd: Int32 = -1

private func send(_ byte: UnsafeMutablePointer<UInt8>) -> Int {
    write(signalEnd, byte, 1)
}
