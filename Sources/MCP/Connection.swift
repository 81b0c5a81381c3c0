import Glibc
import Synchronization

/// One client's session while it runs: the thread that reads and answers, and what the running calls report to.
///
/// Whatever needs no tool is answered on the reading thread; calls are handed on, at most `callLimit` at a time:
/// beyond that reading pauses.
final class Connection: Sendable {
    /// The most bytes in one line.
    static let lineLimit = 4 << 20
    /// The most calls at work at one time.
    static let callLimit = 64

    struct RunningCall: Sendable {
        let call: Session.Call
        /// Opens when the call is to end.
        let end: Latch
    }

    private struct State {
        var session: Session
        var running: [Int: Latch] = [:]
    }

    /// Accepted calls; ends with the input.
    let calls: AsyncStream<RunningCall>

    /// Opens once the input has ended and every call is answered.
    private let isDone = Latch()
    private let handOn: AsyncStream<RunningCall>.Continuation
    private let state: Mutex<State>
    private let input: Int32
    private let stop: StopSignal
    private let writer: LineWriter
    private let slots = Slots(Connection.callLimit)
    private let inputEnded = Latch()

    init(_ session: Session, input: Int32, output: Int32, stop: StopSignal) {
        state = Mutex(State(session: session))
        self.input = input
        self.stop = stop
        writer = LineWriter(output, stop: stop)
        // What waits here is bounded by the slots.
        (calls, handOn) = AsyncStream.makeStream(bufferingPolicy: .unbounded)
    }

    /// Reads until the end of the input, or until the server is asked to stop. Blocks.
    func read() {
        var splitter = LineSplitter(limit: Self.lineLimit)
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while stop.awaitReady(input, POLLIN), !stop.latch.isOpen {
            let count = Glibc.read(input, &buffer, buffer.count)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { break }
            for line in splitter.append(buffer[..<count]) { receive(line) }
        }
        if !stop.latch.isOpen, let line = splitter.finish() { receive(line) }
        inputEnded.open()
        state.withLock { if $0.running.isEmpty { isDone.open() } }
        handOn.finish()
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
        if let answer = state.withLock({ $0.session.finish(call, with: result) }) { writer.write(answer) }
        state.withLock { state in
            state.running[call.serial] = nil
            if state.running.isEmpty, inputEnded.isOpen { isDone.open() }
        }
        slots.release()
    }

    private func receive(_ line: LineSplitter.Line) {
        let step = state.withLock { state in
            switch line {
            case .whole(let bytes): state.session.receive(bytes)
            case .tooLong(let beginning, let end):
                state.session.refuseLine(beginning: beginning, end: end, limit: Self.lineLimit)
            }
        }
        switch step {
        case .nothing: break
        case .answer(let message): writer.write(message)
        case .cancel(let call): state.withLock { $0.running[call.serial] }?.open()
        case .start(let call):
            let end = Latch()
            state.withLock { $0.running[call.serial] = end }
            slots.take(orStop: stop)
            handOn.yield(RunningCall(call: call, end: end))
        }
    }
}
