import Glibc
import JSON
import Synchronization

/// Writes JSON values to a descriptor, each as one whole line, whatever thread they come from.
///
/// What can no longer be written, because the reader has gone, is dropped.
final class JSONLines: Sendable {
    private let descriptor: Int32
    private let lock = Mutex(())

    init(to descriptor: Int32) {
        self.descriptor = descriptor
    }

    func print(_ value: JSON) {
        let line = Array((value.text + "\n").utf8)
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
}
