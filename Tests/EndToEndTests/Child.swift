import Glibc
import Synchronization
import TestSupport

/// A program that runs beside the test: its input, its output line by line, its log in a file, its end.
final class Child: Sendable {
    struct NotStarted: Error {
        let command: [String]
    }

    /// The program wrote no further line.
    struct Ended: Error, CustomStringConvertible {
        let description: String
    }

    let name: String
    private let process: pid_t
    private let input = Mutex<Int32>(-1)
    private let logPath: String
    private let lines: AsyncStream<String>
    private let ended: AsyncStream<Void>
    /// Nil while it runs.
    private let status = Mutex<Int32?>(nil)

    /// - Parameters:
    ///   - environment: on top of the test's own.
    ///   - logPath: where its standard error goes.
    init(_ command: [String], environment: [String: String] = [:], logPath: String) throws {
        name = String(command[0].split(separator: "/").last ?? "")
        self.logPath = logPath
        // Sockets, because only they are born without being inherited. A packet is read as it was written, so that one
        // byte written is one byte read.
        let (input, output) = (try pair(SOCK_SEQPACKET), try pair(SOCK_STREAM))
        process = try spawn(command, environment, input: input[1], output: output[1], logPath: logPath)
        close(input[1])
        close(output[1])
        self.input.withLock { $0 = input[0] }
        let (lines, lineWritten) = AsyncStream<String>.makeStream()
        let (ended, hasEnded) = AsyncStream<Void>.makeStream()
        (self.lines, self.ended) = (lines, ended)
        onOwnThread {
            readLines(of: output[0]) { lineWritten.yield($0) }
            lineWritten.finish()
        }
        onOwnThread { [self] in
            reap()
            hasEnded.finish()
        }
    }

    /// The next line of its output without the newline.
    func line() async throws -> String {
        for await line in lines { return line }
        throw Ended(description: "\(name) wrote no more; its log:\n\(log)")
    }

    /// All lines up to the end of its output.
    func remainingLines() async -> [String] {
        var rest: [String] = []
        for await line in lines { rest.append(line) }
        return rest
    }

    /// Writes to its input in pieces of `chunk` bytes, each of which it reads by itself; done when all is written.
    func send(_ bytes: [UInt8], chunk: Int = 4096) async {
        let input = input.withLock { $0 }
        await withCheckedContinuation { sent in
            onOwnThread {
                var rest = bytes[...]
                while !rest.isEmpty {
                    let piece = rest.prefix(chunk)
                    let count = piece.withUnsafeBytes {
                        Glibc.send(input, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                    }
                    guard count > 0 else { break }
                    rest = rest.dropFirst(count)
                }
                sent.resume()
            }
        }
    }

    func send(_ text: String, chunk: Int = 4096) async {
        await send(Array(text.utf8), chunk: chunk)
    }

    func endInput() {
        input.withLock { input in
            if input >= 0 { close(input) }
            input = -1
        }
    }

    /// What it wrote to standard error.
    var log: String { (try? contents(of: logPath)) ?? "" }

    /// Waits until it has ended.
    ///
    /// - Returns: its exit code, or the negative number of the signal that ended it.
    func exitCode() async -> Int32? {
        for await _ in ended {}
        return status.withLock { $0 }
    }

    /// Does nothing once it has ended.
    func signal(_ number: Int32) {
        status.withLock { if $0 == nil { kill(process, number) } }
    }

    /// Ends it, and everything that is read from it.
    func end() async {
        signal(SIGKILL)
        endInput()
        _ = await exitCode()
    }

    private func reap() {
        var information = siginfo_t()
        // The process stays a zombie until the lock is held, so that no signal can meet another process of its number.
        while waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        self.status.withLock { result in
            var status: Int32 = 0
            waitpid(process, &status, 0)
            result = status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f)
        }
    }
}

private func pair(_ type: __socket_type) throws -> [Int32] {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw Child.NotStarted(command: ["socketpair"]) }
    return ends
}

private func spawn(
    _ command: [String], _ variables: [String: String], input: Int32, output: Int32, logPath: String
) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, logPath, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    // Descriptors of other tests of this process would keep their connections open.
    for descriptor in Int32(3)..<1024 { posix_spawn_file_actions_addclose(&actions, descriptor) }
    var arguments = command.map { strdup($0) } + [nil]
    var environment = inherited(but: variables.keys) + variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in arguments + environment { free(text) } }
    var process = pid_t()
    guard posix_spawnp(&process, command[0], &actions, nil, &arguments, &environment) == 0 else {
        throw Child.NotStarted(command: command)
    }
    return process
}

/// The test's own environment, without the variables that decide what our programs do.
private func inherited(but names: some Collection<String>) -> [UnsafeMutablePointer<CChar>?] {
    var kept: [UnsafeMutablePointer<CChar>?] = []
    var next = environ
    while let entry = next.pointee {
        let name = String(cString: entry).prefix { $0 != "=" }
        if !name.hasPrefix("OPAMP_"), !names.contains(String(name)) { kept.append(strdup(entry)) }
        next += 1
    }
    return kept
}

/// Reads until the end; a last line without its newline counts too. Blocks, and closes the descriptor.
private func readLines(of descriptor: Int32, _ take: (String) -> Void) {
    var line: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while case let count = read(descriptor, &buffer, buffer.count), count > 0 {
        for byte in buffer[..<count] {
            if byte == UInt8(ascii: "\n") {
                take(String(decoding: line, as: UTF8.self))
                line = []
            } else {
                line.append(byte)
            }
        }
    }
    if !line.isEmpty { take(String(decoding: line, as: UTF8.self)) }
    close(descriptor)
}
