import Synchronization

/// What the listeners hold at present, and whether they take connections.
final class ListenerMetrics: Sendable {
    /// What one listener counts.
    struct Holdings: Sendable {
        let connections: OpenConnections
        let sockets: OpenSockets
        let inFlight: InFlightBytes
    }

    private struct State {
        var listeners: [String: (holdings: Holdings, isListening: Bool)] = [:]
        var isStopping = false
    }

    private let state = Mutex(State())

    /// A listener is about to open its address.
    func begins(_ address: String, _ holdings: Holdings) {
        state.withLock { $0.listeners[address] = (holdings, false) }
    }

    /// It takes connections now.
    func listens(_ address: String) { state.withLock { state -> Void in state.listeners[address]?.isListening = true } }

    func ended(_ address: String) { state.withLock { $0.listeners[address] = nil } }

    /// The provider was asked to end.
    func stop() { state.withLock { $0.isStopping = true } }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// The addresses that were to be opened and are not open yet.
    var missing: [String] {
        state.withLock { state in state.listeners.filter { !$0.value.isListening }.keys.sorted() }
    }

    /// Connections, WebSockets among them, and bytes of messages in flight.
    var held: (connections: Int, webSockets: Int, inFlightBytes: Int) {
        let all = state.withLock { $0.listeners.values.map(\.holdings) }
        // The listeners of a provider share the counts of everything but their WebSockets.
        return (
            all.first?.connections.number ?? 0, all.reduce(0) { $0 + $1.sockets.number },
            all.first?.inFlight.bytes ?? 0
        )
    }
}
