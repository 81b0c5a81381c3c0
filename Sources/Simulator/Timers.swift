import NIOCore

/// Runs work later, within a step of the time asked for, on one event loop.
///
/// For the many waits of a fleet: the loop's own timers take time in proportion to how many there are whenever one is
/// cancelled, as that of each connection is. These cannot be cancelled.
final class Timers {
    private static let step = TimeAmount.milliseconds(10)

    private var work: [Int64: [() -> Void]] = [:]
    /// The first step whose work has not been run.
    private var next: Int64
    private let loop: NIOIsolatedEventLoop
    private var isStopped = false

    /// Must be called on the loop.
    init(on loop: any EventLoop) {
        self.loop = loop.assumeIsolated()
        next = Self.step(at: .now())
        waitForTick()
    }

    func after(_ delay: Duration, _ body: @escaping () -> Void) {
        let step = Self.step(at: .now() + TimeAmount(delay)) + 1
        work[max(step, next), default: []].append(body)
    }

    /// Drops what has not been run.
    func stop() {
        isStopped = true
        work = [:]
    }

    private func waitForTick() {
        loop.scheduleTask(in: Self.step) { [weak self] in self?.tick() }
    }

    private func tick() {
        if isStopped { return }
        defer { waitForTick() }
        let now = Self.step(at: .now())
        while next <= now {
            // What is added meanwhile comes later.
            next += 1
            for body in work.removeValue(forKey: next - 1) ?? [] { body() }
        }
    }

    private static func step(at time: NIODeadline) -> Int64 {
        Int64(time.uptimeNanoseconds) / step.nanoseconds
    }
}
