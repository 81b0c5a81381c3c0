import Glibc

/// Runs a program and waits for what it says, at most five seconds.
///
/// - Returns: the first line of both its outputs; nil when it said nothing.
func firstLine(of command: [String]) -> String? {
    let (limit, timeLimit) = (64 << 10, Duration.seconds(5))
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO)
    var arguments = command.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var process = pid_t()
    let failed = posix_spawn(&process, command[0], &actions, nil, &arguments, environ)
    close(ends[1])
    guard failed == 0 else { return String(cString: strerror(failed)) }
    defer {
        kill(process, SIGKILL)
        while waitpid(process, nil, 0) < 0, errno == EINTR {}
    }
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    let end = ContinuousClock.now + timeLimit
    while !text.contains(.newline), text.count < limit {
        let left = (end - ContinuousClock.now) / .milliseconds(1)
        var ready = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
        guard left > 0, poll(&ready, 1, Int32(left.rounded(.up))) > 0 else { break }
        let count = read(ends[0], &buffer, buffer.count)
        guard count > 0 else { break }
        text += buffer[..<count]
    }
    let line = text.prefix { $0 != .newline && $0 != 0x0D }
    return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
}

/// Seconds since 1970.
func wallSeconds() -> Int64 { Int64(time(nil)) }
