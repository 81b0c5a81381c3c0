import Glibc
import JSON

/// Writes whole lines to a descriptor, one after the other.
///
/// Blocks until a line is written, but no longer than until the server is asked to stop: a client that reads nothing
/// cannot keep it alive. A broken output asks the server to stop.
struct LineWriter {
    /// A pipe that is ready takes this much without blocking.
    private static let chunkBytes = 4096

    private let descriptor: Int32
    private let stop: StopSignal
    private var isBroken = false

    init(_ descriptor: Int32, stop: StopSignal) {
        self.descriptor = descriptor
        self.stop = stop
    }

    mutating func write(_ message: JSON) {
        guard var line = try? message.bytes(.ordered) else {
            preconditionFailure("an answer that is not JSON")
        }
        line.append(UInt8(ascii: "\n"))
        guard !isBroken else { return }
        isBroken = !writeAll(line)
        if isBroken { stop.request() }
    }

    private func writeAll(_ line: [UInt8]) -> Bool {
        line.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                guard stop.awaitReady(descriptor, POLLOUT) else { return false }
                let count = Glibc.write(
                    descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress,
                    min(rest.count, Self.chunkBytes))
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if errno != EINTR, errno != EAGAIN {
                    return false
                }
            }
            return true
        }
    }
}
