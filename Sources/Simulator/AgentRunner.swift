import Logging
import NIOCore
import NIOPosix
import NIOWebSocket
import OpAMP

/// Carries out what one `SimulatedAgent` decides: its connection, its timers, its reconnects.
///
/// Everything happens on the one event loop given to it; it must not be touched from elsewhere.
final class AgentRunner {
    /// The server's Close is waited for that long.
    private static let closeTimeout = TimeAmount.seconds(1)

    private enum Link {
        case away
        case connecting
        case open(any Channel)
        /// Our Close is on its way.
        case closing(any Channel)
    }

    private var agent: SimulatedAgent
    private let loop: any EventLoop
    private let connector: Connector
    private let statistics: Statistics
    private let journal: Journal?
    private let allAnswered: @Sendable () -> Void
    private let logger: Logger
    private var backoff: Backoff
    private var link = Link.away
    /// Goes up with each connection; timers of an earlier one are ignored.
    private var connection = 0
    private var wasAnswered = false
    private var staysAway = false
    /// What the server asked to wait before the next connection.
    private var pause = Duration.zero
    private var stopped: EventLoopPromise<Void>?

    init(
        _ agent: SimulatedAgent, seed: UInt64, on loop: any EventLoop, connector: Connector, statistics: Statistics,
        journal: Journal?, logger: Logger, allAnswered: @escaping @Sendable () -> Void
    ) {
        self.agent = agent
        self.loop = loop
        self.connector = connector
        self.statistics = statistics
        self.journal = journal
        self.logger = logger
        self.allAnswered = allAnswered
        backoff = Backoff(seed: seed)
    }

    /// Connects after that long, and again whenever the connection is lost.
    func start(after delay: Duration) {
        after(delay) { runner in runner.connect() }
    }

    /// Says goodbye and closes the connection. The future succeeds when it is closed, a second later at most; there is
    /// no way back.
    func stop() -> EventLoopFuture<Void> {
        staysAway = true
        let promise = loop.makePromise(of: Void.self)
        switch link {
        case .away, .connecting: promise.succeed()
        case .closing: stopped = promise
        case .open:
            stopped = promise
            perform(agent.goodbye(at: .now))
        }
        return promise.futureResult
    }

    private func connect() {
        guard case .away = link, !staysAway else { return }
        link = .connecting
        connector.connect(self, on: loop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): self.opened(channel)
            case .failure(let error):
                let level: Logger.Level = self.statistics.failedToConnect() ? .warning : .debug
                self.logger.log(level: level, "no connection, trying again", metadata: ["error": "\(error)"])
                self.closed()
            }
        }
    }

    private func opened(_ channel: any Channel) {
        // It may have ended already, or the fleet is stopping.
        guard case .connecting = link, channel.isActive, !staysAway else { return channel.close(promise: nil) }
        link = .open(channel)
        connection += 1
        statistics.opened(again: connection > 1)
        perform(agent.connected(at: .now))
    }

    private func after(_ delay: Duration, _ work: @escaping (AgentRunner) -> Void) {
        loop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) { work(self) }
    }
}

// MARK: - What the channel tells

extension AgentRunner {
    func received(_ message: ServerToAgent) {
        statistics.received()
        backoff.reset()
        if !wasAnswered {
            wasAnswered = true
            if statistics.answeredFirstTime() { allAnswered() }
        }
        guard case .open = link else { return }
        perform(agent.received(message, at: .now))
    }

    /// The server closes the connection, after our Close or before.
    func receivedClose(_ channel: any Channel) {
        if case .open = link { sendClose(on: channel) }
        channel.close(promise: nil)
    }

    func receivedMalformed(_ error: OpAMPError) {
        statistics.malformed()
        logger.warning("a message of the server is malformed", metadata: ["error": "\(error)"])
    }

    func answersPings() -> Bool {
        !agent.isSilent(at: .now)
    }

    /// The connection has ended, or never came to be.
    func closed() {
        switch link {
        case .away: return
        case .connecting: break
        case .open, .closing: statistics.closed()
        }
        link = .away
        if let stopped { return stopped.succeed() }
        if staysAway || agent.isSilent(at: .now) { return }
        let delay = max(pause, backoff.next())
        pause = .zero
        after(delay) { runner in runner.connect() }
    }
}

// MARK: - What the agent decides

extension AgentRunner {
    private func perform(_ actions: [SimulatedAgent.Action]) {
        for action in actions {
            guard case .open(let channel) = link else { return }
            switch action {
            case .send(let message): send(message, on: channel)
            case .wait(let timer, let delay):
                let connection = connection
                after(delay) { runner in
                    if connection == runner.connection { runner.perform(runner.agent.fired(timer, at: .now)) }
                }
            case .saw(let command):
                statistics.saw(command)
                journal?.append(command, at: .now, logger: logger)
            case .leave:
                staysAway = true
                close(channel)
            case .comeBack(let delay):
                pause = delay
                close(channel)
            }
        }
    }

    private func send(_ message: AgentToServer, on channel: any Channel) {
        // A server that does not read must not make our memory grow.
        guard channel.isWritable, let bytes = try? message.frame() else { return channel.close(promise: nil) }
        statistics.sent()
        write(.binary, ByteBuffer(bytes: bytes), on: channel)
    }

    private func close(_ channel: any Channel) {
        link = .closing(channel)
        sendClose(on: channel)
        loop.assumeIsolated().scheduleTask(in: Self.closeTimeout) { channel.close(promise: nil) }
    }

    private func sendClose(on channel: any Channel) {
        var data = ByteBuffer()
        data.write(webSocketErrorCode: .normalClosure)
        write(.connectionClose, data, on: channel)
    }

    private func write(_ opcode: WebSocketOpcode, _ data: ByteBuffer, on channel: any Channel) {
        channel.writeAndFlush(WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: data), promise: nil)
    }
}
