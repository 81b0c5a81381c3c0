import FleetAPI
import Synchronization

/// How much one address may ask of a listener; agents and everybody else apart.
final class PeerLimits: Sendable {
    private struct State {
        var connections: RateLimiter<PeerNetwork>
        var agents: RateLimiter<PeerNetwork>
        var others: RateLimiter<PeerNetwork>
    }

    private let rates: TransportLimits.Rates
    private let state: Mutex<State>

    init(_ rates: TransportLimits.Rates) {
        self.rates = rates
        state = Mutex(
            State(
                connections: RateLimiter(rates.connections), agents: RateLimiter(rates.agentRequests),
                others: RateLimiter(rates.requests)))
    }

    /// Counts a connection.
    ///
    /// - Returns: how long until there may be another one; nil when this may go on.
    func connection(of peer: PeerNetwork?, at now: Moment = .now()) -> Duration? {
        take(peer, \.connections, now)
    }

    /// Counts a request, as `connection`.
    func request(of peer: PeerNetwork?, isAgent: Bool, at now: Moment = .now()) -> Duration? {
        take(peer, isAgent ? \.agents : \.others, now)
    }

    private func take(
        _ peer: PeerNetwork?, _ limiter: WritableKeyPath<State, RateLimiter<PeerNetwork>>, _ now: Moment
    ) -> Duration? {
        guard let peer, rates.isForLoopback || !peer.isLoopback else { return nil }
        return state.withLock { $0[keyPath: limiter].take(peer, at: now.monotonic) }
    }
}
