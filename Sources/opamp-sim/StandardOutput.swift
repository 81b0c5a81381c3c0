import Glibc
import JSON
import Synchronization

/// Writes JSON lines, each as a whole, whatever thread they come from.
final class StandardOutput: Sendable {
    private let lock = Mutex(())

    func print(_ value: JSON) {
        let line = Array((value.text + "\n").utf8)
        lock.withLock { _ in
            var rest = line[...]
            while !rest.isEmpty {
                let written = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
                if written < 0 && errno == EINTR { continue }
                if written <= 0 { return }
                rest = rest.dropFirst(written)
            }
        }
    }
}
