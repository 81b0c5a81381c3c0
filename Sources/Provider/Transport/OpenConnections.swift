import Synchronization

/// Counts the connections of a program, to know how near it is to its limit of open files.
package final class OpenConnections: Sendable {
    /// What is left for one more connection.
    package enum Room: Sendable, Equatable {
        case enough
        /// It is answered that it should come again later.
        case scarce
        /// Not even that: it is closed.
        case none
    }

    /// Files that are no connections: the store, the event loops, listening sockets, standard streams.
    package static let reserve = 64

    private let limit: Int
    private let count = Atomic(0)

    /// - Parameter openFiles: how many files the program may have open.
    package init(openFiles: Int) {
        limit = openFiles - Self.reserve
    }

    /// How many there are.
    var number: Int { count.load(ordering: .relaxed) }

    /// Counts a new connection, and says what it may expect.
    package func opened() -> Room {
        let left = limit - count.wrappingAdd(1, ordering: .relaxed).newValue
        let margin = max(32, limit / 50)
        return left >= margin ? .enough : left >= margin / 4 ? .scarce : .none
    }

    package func closed() {
        count.wrappingSubtract(1, ordering: .relaxed)
    }
}
