import Glibc
import JSON
import Program
import Synchronization

/// The first line on standard output: where the provider listens, once it listens everywhere.
final class Announcement: Sendable {
    private let state: Mutex<(line: JSON.Object, missing: Int)>

    /// - Parameter count: how many listeners there are.
    init(of count: Int) {
        state = Mutex((JSON.Object(), count))
    }

    /// - Parameter name: of the member of the line.
    func listens(_ name: String, at url: String) {
        let line = state.withLock { state -> JSON.Object? in
            state.line[name] = .string(url)
            state.missing -= 1
            return state.missing == 0 ? state.line : nil
        }
        if let line { printLine(JSON.object(line), to: STDOUT_FILENO) }
    }
}
