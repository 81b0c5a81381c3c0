import Glibc

/// A number of places that one thread takes, waiting for a free one, and others give back.
final class Slots: Sendable {
    /// Holds one byte for each free place.
    private let free = Pipe()

    /// - Parameter count: at most 4096, so that giving back never blocks.
    init(_ count: Int) {
        for _ in 0..<count { free.putByte() }
    }

    /// Takes a place; returns without one when the server is asked to stop.
    func take(orStop stop: StopSignal) {
        if stop.awaitReady(free.readEnd, POLLIN) { free.takeByte() }
    }

    func release() {
        free.putByte()
    }
}
