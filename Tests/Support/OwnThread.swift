import Glibc

/// Runs `body` on a thread of its own, for test code that blocks: tasks share few threads.
package func onOwnThread(_ body: @escaping @Sendable () -> Void) {
    final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
    var thread = pthread_t()
    let failed = pthread_create(
        &thread, nil,
        { body in
            if let body { Unmanaged<Body>.fromOpaque(body).takeRetainedValue().run() }
            return nil
        },
        Unmanaged.passRetained(Body(body)).toOpaque()
    )
    precondition(failed == 0, "no thread could be started: error \(failed)")
    pthread_detach(thread)
}
