import Glibc
import Synchronization

/// One client's session while it runs: the thread that reads and answers, and what the running calls report to.
///
/// Whatever needs no tool is answered on the reading thread; calls are handed on. Lines are written in the order they
/// were decided, under the same lock, so that nothing of a call can follow its answer.
final class Connection: Sendable {
    /// The most bytes in one line.
    static let lineLimit = 4 << 20

    struct RunningCall: Sendable {
        let call: Session.Call
        /// Opens when the call is to end.
        let end: Latch
    }

    /// What a call has asked a person.
    private struct Asked {
        let isAnswered = Latch()
        var consent: Consent?
    }

    private struct State {
        var session: Session
        var running: [Int: Latch] = [:]
        var asked: [Int: Asked] = [:]
        var writer: LineWriter
    }

    /// Opens once the input has ended and every call is answered.
    private let isDone = Latch()
    private let state: Mutex<State>
    private let input: Int32
    private let stop: StopSignal
    private let answerTime: Duration
    private let inputEnded = Latch()

    /// - Parameter answerTime: how long a person may take to answer a question.
    init(_ session: Session, input: Int32, output: Int32, stop: StopSignal, answerTime: Duration) {
        state = Mutex(State(session: session, writer: LineWriter(output, stop: stop)))
        self.input = input
        self.stop = stop
        self.answerTime = answerTime
    }

    /// Reads until the end of the input, or until the server is asked to stop. Blocks.
    ///
    /// - Parameter start: takes the calls that are accepted, in their order.
    func read(_ start: (RunningCall) -> Void) {
        var splitter = LineSplitter(limit: Self.lineLimit)
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while stop.awaitReady(input, POLLIN), !stop.latch.isOpen {
            let count = Glibc.read(input, &buffer, buffer.count)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { break }
            for line in splitter.append(buffer[..<count]) { receive(line).forEach(start) }
        }
        if !stop.latch.isOpen, let line = splitter.finish() { receive(line).forEach(start) }
        inputEnded.open()
        state.withLock { state in
            if state.running.isEmpty { isDone.open() }
            for asked in state.asked.values { asked.isAnswered.open() }
        }
    }

    /// Waits until every call is answered, but no longer than until the server is asked to stop.
    func settle(atMost limit: Duration) async {
        await withTaskGroup { group in
            group.addTask { _ = await self.isDone.wait(atMost: limit) }
            group.addTask { await self.stop.latch.wait() }
            await group.next()
            group.cancelAll()
        }
    }

    /// Ends what still runs: each such call is answered with what it gives then.
    func cancelAll() {
        for end in state.withLock({ Array($0.running.values) }) { end.open() }
    }

    /// Answers a call, unless the client has cancelled it.
    func finish(_ call: Session.Call, with result: ToolResult) {
        state.withLock { state in
            if let answer = state.session.finish(call, with: result) { state.writer.write(answer) }
            state.running[call.serial] = nil
            if state.running.isEmpty, inputEnded.isOpen { isDone.open() }
        }
    }

    /// Asks a person and waits for the answer.
    ///
    /// - Throws: the question itself in the modern revision, where it ends the call; `CancellationError`.
    func ask(_ message: String, for call: Session.Call) async throws -> Consent {
        guard call.canAsk else { return .unsupported }
        let question = Question(message: message)
        guard !call.meta.isModern else {
            guard let answer = call.answer, answer.question == question else { throw question }
            return answer.consent
        }
        let asked = state.withLock { state -> Asked? in
            guard !inputEnded.isOpen, let request = state.session.ask(message, for: call) else { return nil }
            state.writer.write(request)
            let asked = Asked()
            state.asked[call.serial] = asked
            return asked
        }
        if let asked { _ = await asked.isAnswered.wait(atMost: answerTime) }
        let consent = state.withLock { state in
            if let withdrawal = state.session.withdrawQuestion(of: call), !inputEnded.isOpen {
                state.writer.write(withdrawal)
            }
            return state.asked.removeValue(forKey: call.serial)?.consent
        }
        try Task.checkCancellation()
        return consent ?? (inputEnded.isOpen ? .cancelled : .timedOut)
    }

    func report(_ value: Double, of total: Double?, _ message: String?, for call: Session.Call) {
        guard call.meta.progressToken != nil else { return }
        state.withLock { state in
            if let note = state.session.progress(call, value, of: total, message) { state.writer.write(note) }
        }
    }

    /// Tells the client that nothing follows any more.
    func endSubscriptions() {
        state.withLock { state in
            for message in state.session.endSubscriptions() { state.writer.write(message) }
        }
    }

    /// - Returns: the calls to start.
    private func receive(_ line: LineSplitter.Line) -> [RunningCall] {
        state.withLock { state in
            let steps =
                switch line {
                case .whole(let bytes): state.session.receive(bytes)
                case .tooLong(let beginning, let end):
                    [state.session.refuseLine(beginning: beginning, end: end, limit: Self.lineLimit)]
                }
            return steps.compactMap { take($0, &state) }
        }
    }

    /// - Returns: a call to hand on.
    private func take(_ step: Session.Step, _ state: inout State) -> RunningCall? {
        switch step {
        case .answer(let message): state.writer.write(message)
        case .cancel(let call): state.running[call.serial]?.open()
        case .confirm(let call, let consent):
            state.asked[call.serial]?.consent = consent
            state.asked[call.serial]?.isAnswered.open()
        case .start(let call):
            let end = Latch()
            state.running[call.serial] = end
            return RunningCall(call: call, end: end)
        }
        return nil
    }
}
