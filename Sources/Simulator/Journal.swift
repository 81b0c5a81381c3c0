import FoundationEssentials
import Glibc
import JSON
package import Logging
import OpAMP
import Synchronization

/// A file with one JSON line for each command that an agent receives, written before the agent acts on it:
/// `{"at":TIME,"done":BOOLEAN,"hash"?:HEX,"id"?:TEXT,"kind":KIND,"repeated":BOOLEAN,"uid":HEX}`.
///
/// A line is appended by one write, so that the end of the process, whatever way, leaves whole lines. What does not
/// fit on the disk is lost and logged once.
package final class Journal: Sendable {
    private let descriptor: Int32
    private let hasFailed = Atomic(false)

    /// Opens the file for appending, and makes it if it is not there, readable for its owner only.
    package init(path: String) throws(JournalError) {
        descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw JournalError(path: path, reason: String(cString: strerror(errno))) }
    }

    deinit {
        close(descriptor)
    }

    package func append(_ command: ReceivedCommand, at now: UnixTime, logger: Logger) {
        let line = Array((Self.line(for: command, at: now).text + "\n").utf8)
        let written = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if written == line.count || hasFailed.exchange(true, ordering: .relaxed) { return }
        logger.error("the journal is not complete", metadata: ["wrote": "\(written)", "errno": "\(errno)"])
    }

    static func line(for command: ReceivedCommand, at now: UnixTime) -> JSON {
        var line: [(key: String, value: JSON)] = [("at", .string(now.text))]
        line.append(("done", .bool(command.isDone)))
        if let hash = command.hash { line.append(("hash", .string(hash))) }
        if let id = command.id { line.append(("id", .string(id))) }
        line.append(("kind", .string(command.kind.rawValue)))
        line.append(("repeated", .bool(command.isRepeated)))
        line.append(("uid", .string("\(command.uid)")))
        return .object(.init(line))
    }
}

package struct JournalError: Error, CustomStringConvertible {
    package let path: String
    package let reason: String

    package var description: String { "--journal \(path): it cannot be opened: \(reason)" }
}

extension UnixTime {
    /// RFC 3339 in UTC, with milliseconds.
    var text: String {
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let time = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601).dropLast()
        // 1123 without its first digit is 123, and 1007 is 007.
        return "\(time).\(String(1000 + rest / 1_000_000).dropFirst())Z"
    }
}
