import Glibc
import Synchronization

/// A command that runs beside the test, with its standard output to be read; standard error goes to the test's.
package final class Spawned: Sendable {
    package struct NotStarted: Error {
        package let command: [String]
    }

    private let process: pid_t
    private let output: Int32
    private let isReaped = Mutex(false)

    /// - Parameters:
    ///   - command: looked up on the PATH.
    ///   - isQuiet: whether its standard error is thrown away.
    package init(_ command: [String], isQuiet: Bool = false) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw NotStarted(command: command) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        if isQuiet { posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) }
        defer { posix_spawn_file_actions_destroy(&actions) }
        var arguments = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process = pid_t()
        let failed = posix_spawnp(&process, command[0], &actions, nil, &arguments, environ)
        close(ends[1])
        guard failed == 0 else {
            close(ends[0])
            throw NotStarted(command: command)
        }
        self.process = process
        output = ends[0]
    }

    deinit {
        end()
        close(output)
    }

    /// The next line of the output without its newline; nil at the end. Blocks.
    package func line() -> String? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while read(output, &byte, 1) == 1 {
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
    }

    /// Waits for the command to end by itself.
    ///
    /// - Returns: its exit code; nil when a signal ended it.
    package func exitCode() -> Int32? {
        isReaped.withLock { isReaped in
            var status: Int32 = 0
            guard !isReaped, waitpid(process, &status, 0) == process else { return nil }
            isReaped = true
            return status & 0x7f == 0 ? (status >> 8) & 0xff : nil
        }
    }

    /// Kills the command if it still runs.
    package func end() {
        isReaped.withLock { isReaped in
            guard !isReaped else { return }
            kill(process, SIGKILL)
            waitpid(process, nil, 0)
            isReaped = true
        }
    }
}
