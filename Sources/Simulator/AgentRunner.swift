import NIOCore
import NIOPosix
import NIOWebSocket
import OpAMP

/// An agent with a WebSocket: its connection, its timers, its reconnects.
final class AgentRunner: Runner {
    /// The server's Close is waited for that long.
    private static let closeTimeout = Duration.seconds(1)

    private static let tryAgainLater = WebSocketErrorCode(codeNumber: 1013)

    private enum Link {
        case away
        case connecting
        case open(any Channel)
        /// Our Close is on its way.
        case closing(any Channel)
    }

    private var agent: SimulatedAgent
    private let context: RunnerContext
    private let connector: Connector
    private var backoff: Backoff
    private var link = Link.away
    /// Goes up with each connection; timers of an earlier one are ignored.
    private var connection = 0
    private var wasAnswered = false
    /// Whether the server took the last message, and has not closed the connection for a reason that will last.
    private var isWelcome = false
    private var staysAway = false
    /// What it shows when it connects.
    private var token: BearerToken?
    /// What the server asked to wait before the next connection.
    private var pause = Duration.zero
    private var stopped: EventLoopPromise<Void>?

    init(_ agent: SimulatedAgent, seed: UInt64, _ context: RunnerContext, _ connector: Connector) {
        self.agent = agent
        self.context = context
        self.connector = connector
        token = connector.token
        backoff = Backoff(seed: seed)
    }

    /// Connects after that long.
    func start(after delay: Duration) {
        context.after(delay) { self.connect() }
    }

    func stop() -> EventLoopFuture<Void> {
        staysAway = true
        let promise = context.loop.makePromise(of: Void.self)
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
        connector.connect(self, showing: token, on: context.loop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): self.opened(channel)
            case .failure(let error):
                if let status = (error as? Connector.Refused)?.status {
                    self.context.refused(status)
                } else {
                    self.context.failedToConnect(error)
                }
                self.closed()
            }
        }
    }

    private func opened(_ channel: any Channel) {
        // The fleet is stopping, or another attempt has begun.
        guard case .connecting = link, !staysAway else { return channel.close(promise: nil) }
        // It has ended already: nobody will tell.
        guard channel.isActive else { return closed() }
        link = .open(channel)
        connection += 1
        context.statistics.opened(again: connection > 1)
        perform(agent.connected(at: .now))
    }
}

// MARK: - What the channel tells

extension AgentRunner {
    func received(_ message: ServerToAgent) {
        context.statistics.received()
        isWelcome = !message.hasErrorResponse
        if !wasAnswered {
            wasAnswered = true
            context.answeredFirstTime()
        }
        guard case .open = link else { return }
        perform(agent.received(message, at: .now))
    }

    /// The server closes the connection, after our Close or before.
    func receivedClose(_ channel: any Channel, _ code: WebSocketErrorCode?) {
        if code == .policyViolation || code == Self.tryAgainLater { isWelcome = false }
        if case .open = link { sendClose(on: channel) }
        channel.close(promise: nil)
    }

    func receivedMalformed(_ error: OpAMPError) {
        context.receivedMalformed(error)
    }

    func answersPings() -> Bool {
        !agent.isSilent(at: .now)
    }

    /// The connection has ended, or never came to be.
    func closed() {
        switch link {
        case .away: return
        case .connecting: break
        case .open, .closing: context.statistics.closed()
        }
        link = .away
        if let stopped { return stopped.succeed() }
        if staysAway || agent.isSilent(at: .now) { return }
        // Otherwise each attempt waits longer than the one before, although it was a connection.
        if isWelcome { backoff.reset() }
        isWelcome = false
        let delay = max(pause, backoff.next())
        pause = .zero
        context.after(delay) { self.connect() }
    }
}

// MARK: - What the agent decides

extension AgentRunner {
    private func perform(_ actions: [SimulatedAgent.Action]) {
        for action in actions {
            // The agent has it from now on, also where the connection has just ended.
            if case .show(let token) = action { self.token = token }
            guard case .open(let channel) = link else { continue }
            switch action {
            case .send(let message): send(message, on: channel)
            case .wait(let timer, let delay):
                let connection = connection
                context.after(delay) {
                    if connection == self.connection { self.perform(self.agent.fired(timer, at: .now)) }
                }
            case .saw(let command): context.saw(command)
            case .leave:
                staysAway = true
                close(channel)
            case .show: close(channel)
            case .comeBack(let delay):
                pause = delay
                close(channel)
            }
        }
    }

    private func send(_ message: AgentToServer, on channel: any Channel) {
        // A server that does not read must not make our memory grow.
        guard channel.isWritable, let bytes = try? message.frame() else { return channel.close(promise: nil) }
        context.statistics.sent()
        write(.binary, ByteBuffer(bytes: bytes), on: channel)
    }

    private func close(_ channel: any Channel) {
        link = .closing(channel)
        sendClose(on: channel)
        context.after(Self.closeTimeout) { channel.close(promise: nil) }
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
