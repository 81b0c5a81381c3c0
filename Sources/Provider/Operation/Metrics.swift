import FleetAPI
import OpAMP
import Synchronization

/// What the provider counts of itself. Counting is one addition to an atomic number; nothing is allocated.
final class Metrics: Sendable {
    /// Messages and bytes of agents over one transport.
    struct Traffic: ~Copyable, Sendable {
        let messages = Counter()
        let receivedBytes = Counter()
        let sentBytes = Counter()
    }

    let webSocket = Traffic()
    let http = Traffic()
    /// Answers and other messages to agents that tell of an error.
    let badRequests = Counter()
    let unavailable = Counter()
    let otherErrors = Counter()
    /// Agents' requests that were turned away before their message was read: no token, too many connections.
    let refusedAgents = Counter()

    /// What one address asked for too often.
    struct Throttled: ~Copyable, Sendable {
        let connections = Counter()
        let agentRequests = Counter()
        let requests = Counter()
    }

    let throttled = Throttled()
    /// Of the listeners; nil: they speak none.
    let tls = Mutex<TLSContexts?>(nil)

    let requests = RequestMetrics()
    let listeners = ListenerMetrics()
    let startedAt = Moment.now()

    /// A message from an agent.
    func received(over transport: AgentTransport) {
        switch transport {
        case .webSocket: webSocket.messages.add(1)
        case .http: http.messages.add(1)
        }
    }

    /// A message to an agent, of so many bytes as they are on the wire.
    func sent(_ message: ServerToAgent, bytes: Int, over transport: AgentTransport) {
        switch transport {
        case .webSocket: webSocket.sentBytes.add(bytes)
        case .http: http.sentBytes.add(bytes)
        }
        guard message.hasErrorResponse else { return }
        switch message.errorResponse.type {
        case .badRequest: badRequests.add(1)
        case .unavailable: unavailable.add(1)
        default: otherErrors.add(1)
        }
    }
}

/// A number that only grows.
struct Counter: ~Copyable, Sendable {
    private let number = Atomic(0)

    var value: Int { number.load(ordering: .relaxed) }

    func add(_ count: Int) { number.wrappingAdd(count, ordering: .relaxed) }
}
