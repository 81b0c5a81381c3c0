import Glibc

/// Runs `body` on a thread of its own, for what blocks: it must not keep one of the few threads that run tasks.
///
/// Signals are delivered to other threads.
func startThread(_ body: @escaping @Sendable () -> Void) {
    final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    let argument = Unmanaged.passRetained(Body(body))
    var thread = pthread_t()
    let failed = pthread_create(
        &thread, nil,
        { argument in
            if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
            return nil
        },
        argument.toOpaque()
    )
    precondition(failed == 0, "no thread could be started: error \(failed)")
    pthread_detach(thread)
}
