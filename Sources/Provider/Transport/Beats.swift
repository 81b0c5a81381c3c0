import NIOCore

/// Gives the WebSockets of one event loop their beats, by one timer for all of them: one each would cost more, in time
/// and memory, than most beats do. Used on its event loop alone.
final class Beats {
    /// How often each has its beat, in seconds.
    static let interval = 30

    private let eventLoop: any EventLoop
    /// Those that have their beat in the same second, which goes round.
    private var rows: [[ObjectIdentifier: AgentSocketHandler]]
    private var second = 0
    private var number = 0
    /// Runs while there are any.
    private var timer: RepeatedTask?

    init(on eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        rows = Array(repeating: [:], count: Self.interval)
    }

    /// The first beat comes after one interval.
    ///
    /// - Returns: the row that it is in, for `remove`.
    func add(_ handler: AgentSocketHandler) -> Int {
        rows[second][ObjectIdentifier(handler)] = handler
        number += 1
        if timer == nil {
            let beats = NIOLoopBound(self, eventLoop: eventLoop)
            timer = eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
                beats.value.pass()
            }
        }
        return second
    }

    func remove(_ handler: AgentSocketHandler, from row: Int) {
        guard rows[row].removeValue(forKey: ObjectIdentifier(handler)) != nil else { return }
        number -= 1
        guard number == 0 else { return }
        timer?.cancel()
        timer = nil
    }

    private func pass() {
        second = (second + 1) % Self.interval
        for handler in rows[second].values { handler.beat() }
    }
}
