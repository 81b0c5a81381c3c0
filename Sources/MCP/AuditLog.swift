import Glibc
import JSON

/// A file of one JSON object a line, each on disk before `append` returns.
///
/// Opened for each line, so that it may be moved away, and written under a lock, so that several servers may share it.
package struct AuditLog: Sendable {
    /// Why there is no line.
    package struct Failure: Error, CustomStringConvertible {
        let path: String
        let error: Int32

        package var description: String {
            "the audit log \(path) cannot be written: \(String(cString: strerror(error)))"
        }
    }

    private let path: String

    /// Creates no file yet.
    ///
    /// - Throws: where a line could not be written now.
    package init(path: String) throws(Failure) {
        self.path = path
        let isThere = access(path, F_OK) == 0
        guard access(isThere ? path : Self.folder(of: path), W_OK) == 0 else {
            throw Failure(path: path, error: errno)
        }
        var status = stat()
        if isThere, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            throw Failure(path: path, error: EISDIR)
        }
    }

    /// Adds a line and waits until it is on disk. A file that is not there is created for its owner alone.
    func append(_ line: JSON) throws(Failure) {
        let descriptor = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(path: path, error: errno) }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw Failure(path: path, error: errno) }
        }
        guard var bytes = try? line.bytes(.ordered) else { preconditionFailure("an audit line that is not JSON") }
        bytes.append(UInt8(ascii: "\n"))
        let end = lseek(descriptor, 0, SEEK_END)
        var last: UInt8 = 0
        // A line that did not find room whole is not continued.
        if end > 0, pread(descriptor, &last, 1, end - 1) == 1, last != UInt8(ascii: "\n") {
            bytes.insert(UInt8(ascii: "\n"), at: 0)
        }
        try writeAll(bytes, to: descriptor)
        // What is no file of a disk has nothing to wait for.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw Failure(path: path, error: errno) }
        if end == 0 { syncFolder() }
    }

    private func writeAll(_ bytes: [UInt8], to descriptor: Int32) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw Failure(path: path, error: errno)
            }
        }
    }

    /// Without it a loss of power could lose the name of a new file.
    private func syncFolder() {
        let descriptor = open(Self.folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

/// The time as RFC 3339 in UTC, with milliseconds.
func wallClock() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var parts = tm()
    gmtime_r(&now.tv_sec, &parts)
    func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(width - digits.count, 0)) + digits
    }
    let date = [Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday)].map { padded($0, 2) }
    let time = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { padded(Int($0), 2) }
    return "\(date.joined(separator: "-"))T\(time.joined(separator: ":")).\(padded(now.tv_nsec / 1_000_000, 3))Z"
}
