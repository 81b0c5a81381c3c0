import Glibc

/// Calls `body` on a thread of its own each time the process is asked to end (SIGTERM, SIGINT).
///
/// To be called once, before other threads exist: they inherit that these signals wait for this one.
package func onTermination(_ body: @escaping @Sendable () -> Void) {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGINT)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    let waited = signals
    startThread {
        var waited = waited
        var signal: Int32 = 0
        while sigwait(&waited, &signal) == 0 { body() }
    }
}
