import NIOCore
import NIOHTTP1
import OpAMP

/// An agent that asks over HTTP: one request at a time, the next one after the answer.
///
/// A request without an answer, or with one that says "later", is sent again as it was. A heartbeat that falls due
/// meanwhile is left out.
final class PollingRunner: Runner {
    /// Goodbyes that have not been answered by then are given up.
    private static let goodbyeTimeout = Duration.seconds(10)

    private enum State {
        /// Not started, or waiting to begin anew.
        case away
        case open
        /// The first message waits to be sent again.
        case pausing
        /// Only the messages that are left go out.
        case leaving
        case gone
    }

    private var agent: SimulatedAgent
    private let context: RunnerContext
    private let requests: RequestPool
    private var backoff: Backoff
    /// What it shows with each request.
    private var token: BearerToken?
    private var state = State.away
    /// Whether the first message of the outbox is under way.
    private var isBusy = false
    private var outbox: [AgentToServer] = []
    /// Goes up when the agent begins anew; timers of earlier times are ignored.
    private var session = 0
    private var wasAnswered = false
    private var isConnected = false
    private var stopped: EventLoopPromise<Void>?

    init(_ agent: SimulatedAgent, seed: UInt64, _ context: RunnerContext, _ requests: RequestPool) {
        self.agent = agent
        self.context = context
        self.requests = requests
        token = requests.token
        backoff = Backoff(seed: seed)
    }

    func start(after delay: Duration) {
        context.after(delay) { self.begin() }
    }

    func stop() -> EventLoopFuture<Void> {
        let promise = context.loop.makePromise(of: Void.self)
        stopped = promise
        switch state {
        case .away, .pausing, .gone:
            end()
            return promise.futureResult
        case .leaving: break
        case .open: perform(agent.goodbye(at: .now))
        }
        context.after(Self.goodbyeTimeout) { self.end() }
        return promise.futureResult
    }

    private func begin() {
        guard case .away = state else { return }
        state = .open
        session += 1
        perform(agent.connected(at: .now))
    }

    private func perform(_ actions: [SimulatedAgent.Action]) {
        for action in actions {
            guard case .open = state else { return }
            switch action {
            case .send(let message):
                outbox.append(message)
                sendNext()
            case .wait(let timer, let delay): wait(for: timer, delay)
            case .saw(let command): context.saw(command)
            case .leave:
                state = .leaving
                sendNext()
            case .show(let token): self.token = token
            case .comeBack(let delay): beginAgain(after: delay)
            }
        }
    }

    private func wait(for timer: SimulatedAgent.Timer, _ delay: Duration) {
        let session = session
        context.after(delay) {
            guard session == self.session else { return }
            switch (self.state, timer) {
            case (.pausing, _),
                (.open, .heartbeat) where !self.outbox.isEmpty:
                self.wait(for: timer, delay)
            case (.open, _): self.perform(self.agent.fired(timer, at: .now))
            default: break
            }
        }
    }
}

// MARK: - Requests

extension PollingRunner {
    private func sendNext() {
        switch state {
        case .open, .leaving: break
        case .away, .pausing, .gone: return
        }
        if isBusy { return }
        guard let message = outbox.first, let bytes = try? message.body() else {
            if case .leaving = state { end() }
            return
        }
        isBusy = true
        context.statistics.sent()
        // The uid of this message, which may be older than the agent's present one.
        let uid = InstanceUID(bytes: message.instanceUid) ?? agent.profile.uid
        requests.post(ByteBuffer(bytes: bytes), from: uid, showing: token) { self.finished($0) }
    }

    private func finished(_ result: Result<RequestPool.Answer, any Error>) {
        if case .gone = state { return }
        if agent.isSilent(at: .now) {
            isBusy = false
            return outbox.removeAll()
        }
        switch result {
        case .failure(let error):
            context.failedToConnect(error)
            sendAgain(after: backoff.next())
        case .success(let answer):
            switch answer.status {
            case 200:
                outbox.removeFirst()
                answered(answer.body)
            case 408, 429, 500...: sendAgain(after: max(answer.retryAfter ?? .zero, backoff.next()))
            case 401, 403:
                context.refused(HTTPResponseStatus(statusCode: answer.status))
                beginAgain(after: .zero)
            default:
                // Not to be sent again as it is.
                context.refused(HTTPResponseStatus(statusCode: answer.status))
                outbox.removeFirst()
            }
        }
        isBusy = false
        sendNext()
    }

    private func answered(_ body: ByteBuffer) {
        if !isConnected {
            isConnected = true
            context.statistics.opened(again: wasAnswered)
        }
        context.statistics.received()
        if !wasAnswered {
            wasAnswered = true
            context.answeredFirstTime()
        }
        do {
            let message = try ServerToAgent(body: body.readableBytesView)
            if !message.hasErrorResponse { backoff.reset() }
            perform(agent.received(message, at: .now))
        } catch {
            context.receivedMalformed(error)
        }
    }

    private func sendAgain(after delay: Duration) {
        if case .leaving = state { return end() }
        disconnected()
        state = .pausing
        context.after(min(delay, SimulatedAgent.longestWait)) {
            guard case .pausing = self.state else { return }
            self.state = .open
            self.sendNext()
        }
    }

    private func beginAgain(after delay: Duration) {
        if case .leaving = state { return end() }
        disconnected()
        state = .away
        outbox.removeAll()
        session += 1
        context.after(max(delay, backoff.next())) { self.begin() }
    }

    private func disconnected() {
        if isConnected { context.statistics.closed() }
        isConnected = false
    }

    private func end() {
        if case .gone = state {} else { disconnected() }
        state = .gone
        outbox.removeAll()
        stopped?.succeed()
    }
}
