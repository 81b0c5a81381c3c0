import Glibc
import JSON
import Synchronization

@testable import MCP

/// A client of a server that runs in the same process, over real descriptors.
final class Conversation: Sendable {
    struct Ended: Error {}

    private let answers: AsyncStream<JSON>
    private let input = Mutex<Int32>(-1)
    /// What was written to the server's output that is not one JSON value a line.
    private let garbage = Mutex<[String]>([])

    var unreadable: [String] { garbage.withLock { $0 } }

    /// Lets `server` serve while `body` talks to it, then ends the input and waits for the server to return.
    ///
    /// - Returns: what was answered that `body` did not take.
    @discardableResult
    static func with<Context>(
        _ server: Server<Context>, stop: StopSignal = StopSignal(), grace: Duration = .milliseconds(1500),
        answerTime: Duration = .seconds(3600), _ body: (Conversation) async throws -> Void
    ) async throws -> [JSON] {
        // A packet is read as it was written, so that one byte written is one byte read.
        var packets: [Int32] = [-1, -1]
        var output: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &packets) == 0, pipe(&output) == 0 else {
            throw Ended()
        }
        let (serverInput, serverOutput) = (packets[0], output[1])
        let conversation = Conversation(input: packets[1], output: output[0])
        async let served: Void = withCheckedContinuation { hasEnded in
            startThread {
                server.run(input: serverInput, output: serverOutput, stop: stop, grace: grace, answerTime: answerTime)
                close(serverInput)
                close(serverOutput)
                hasEnded.resume()
            }
        }
        do {
            try await body(conversation)
        } catch {
            conversation.endInput()
            await served
            throw error
        }
        conversation.endInput()
        await served
        var rest: [JSON] = []
        for await answer in conversation.answers { rest.append(answer) }
        return rest
    }

    private init(input: Int32, output: Int32) {
        self.input.withLock { $0 = input }
        let (answers, continuation) = AsyncStream<JSON>.makeStream()
        self.answers = answers
        startThread { [self] in
            var splitter = LineSplitter(limit: 64 << 20)
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            while case let count = read(output, &buffer, buffer.count), count > 0 {
                for case .whole(let line) in splitter.append(buffer[..<count]) {
                    if let value = try? JSON(parsing: line) {
                        continuation.yield(value)
                    } else {
                        garbage.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
                    }
                }
            }
            if splitter.finish() != nil { garbage.withLock { $0.append("a line without an end") } }
            close(output)
            continuation.finish()
        }
    }

    /// Sends bytes in packets of `chunk`, each of which the server reads by itself; done when all are sent.
    func send(_ text: String, chunk: Int = 4096) async {
        let input = input.withLock { $0 }
        await withCheckedContinuation { sent in
            startThread {
                var rest = Array(text.utf8)[...]
                while !rest.isEmpty {
                    let count = rest.prefix(chunk).withUnsafeBytes {
                        Glibc.send(input, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                    }
                    guard count > 0 else { break }
                    rest = rest.dropFirst(count)
                }
                sent.resume()
            }
        }
    }

    func send(_ message: JSON) async {
        await send(message.text + "\n")
    }

    func endInput() {
        input.withLock { input in
            if input >= 0 { close(input) }
            input = -1
        }
    }

    /// The next answer, in the order they were written.
    func next() async throws -> JSON {
        for await answer in answers { return answer }
        throw Ended()
    }
}
