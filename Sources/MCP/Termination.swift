import Glibc

/// Written to by the signal handler, which may do little else.
private let signals = Pipe()

/// Calls `body` on a thread of its own each time the process is asked to end (SIGTERM, SIGINT). To be called once.
package func onTermination(_ body: @escaping @Sendable () -> Void) {
    startThread {
        while true {
            signals.takeByte()
            body()
        }
    }
    // The thread above has made the pipe, or this does; the handler only finds it.
    _ = signals.readEnd
    for number in [SIGTERM, SIGINT] {
        signal(number) { _ in
            let kept = errno
            signals.putByte()
            errno = kept
        }
    }
}
