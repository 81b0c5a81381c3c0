import Glibc
package import JSON
import Synchronization

private let lock = Mutex(())

/// Writes a text and a newline as one whole line, whatever thread it comes from.
///
/// What can no longer be written, because the reader has gone, is dropped.
package func printLine(_ text: String, to descriptor: Int32) {
    let line = Array((text + "\n").utf8)
    lock.withLock { _ in
        var rest = line[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            if written <= 0 { return }
            rest = rest.dropFirst(written)
        }
    }
}

/// Writes a value as one line of JSON.
package func printLine(_ value: JSON, to descriptor: Int32) {
    printLine(value.text, to: descriptor)
}
