import Logging
import NIOCore
import NIOHTTP1
import OpAMP

/// Carries out what one `SimulatedAgent` decides, over one of the transports.
///
/// Everything happens on the one event loop given to it; it must not be touched from elsewhere.
protocol Runner: AnyObject {
    /// Begins to speak to the server after that long, and does so again whenever that has ended.
    func start(after delay: Duration)

    /// Says goodbye and ends. The future succeeds when that is done, or cannot be done in time; there is no way back.
    func stop() -> EventLoopFuture<Void>
}

/// What the runners of a fleet have in common.
struct RunnerContext {
    let loop: any EventLoop
    let timers: Timers
    let statistics: Statistics
    let journal: Journal?
    let logger: Logger
    /// Called once, when every agent has been answered.
    let allAnswered: @Sendable () -> Void

    func after(_ delay: Duration, _ work: @escaping () -> Void) {
        timers.after(delay, work)
    }

    func saw(_ command: ReceivedCommand) {
        statistics.saw(command)
        journal?.append(command, at: .now, logger: logger)
    }

    func answeredFirstTime() {
        if statistics.answeredFirstTime() { allAnswered() }
    }

    func failedToConnect(_ error: any Error) {
        let level: Logger.Level = statistics.failedToConnect() ? .warning : .debug
        logger.log(level: level, "no connection, trying again", metadata: ["error": "\(error)"])
    }

    func refused(_ status: HTTPResponseStatus) {
        statistics.refused("\(status)")
        let level: Logger.Level = statistics.failedToConnect() ? .warning : .debug
        logger.log(level: level, "the server refuses a request", metadata: ["status": "\(status)"])
    }

    func receivedMalformed(_ error: OpAMPError) {
        statistics.malformed()
        logger.warning("a message of the server is malformed", metadata: ["error": "\(error)"])
    }
}
