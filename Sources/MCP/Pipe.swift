import Glibc

/// A pipe that stays inside the process, for waking a thread that waits in `poll`.
final class Pipe: Sendable {
    /// Readable while bytes are left in the pipe.
    let readEnd: Int32
    /// Never blocks its writer once thousands of bytes are left in the pipe: what is one too many is dropped.
    let writeEnd: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        let failed = pipe(&ends)
        precondition(failed == 0, "no pipe could be opened: error \(errno)")
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    func putByte() {
        var byte: UInt8 = 0
        while write(writeEnd, &byte, 1) < 0, errno == EINTR {}
    }

    func takeByte() {
        var byte: UInt8 = 0
        while read(readEnd, &byte, 1) < 0, errno == EINTR {}
    }
}
