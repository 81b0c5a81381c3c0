package import Logging
import Synchronization

/// What the listeners of one provider share: who is let in, over which TLS, and how much of everything.
package struct Reception: Sendable {
    let fleet: Fleet
    let doorkeeper: Doorkeeper
    let limits: TransportLimits
    let gate: AgentGate
    /// nil: connections are plain.
    let tls: TLSContexts?
    let rules: AccessRules
    /// Whether who does not say who they are may come from other machines and through proxies, too.
    let isOpen: Bool
    let connections: OpenConnections
    let inFlight: InFlightBytes
    let logger: Logger

    /// - Parameters:
    ///   - doorkeeper: who may use the API.
    ///   - gate: who may speak as an agent.
    ///   - tls: nil: connections are plain.
    ///   - publicHosts: names that requests may give this provider, beside its addresses.
    ///   - isOpen: whether who does not say who they are may come from other machines and through proxies, too.
    package init(
        fleet: Fleet, doorkeeper: Doorkeeper, gate: AgentGate, limits: TransportLimits = TransportLimits(),
        tls: TLSContexts? = nil,
        publicHosts: [Authority] = [], isOpen: Bool = false, logger: Logger
    ) {
        (self.fleet, self.doorkeeper, self.gate, self.limits) = (fleet, doorkeeper, gate, limits)
        (self.tls, self.isOpen, self.logger) = (tls, isOpen, logger)
        rules = AccessRules(publicHosts: publicHosts)
        connections = OpenConnections(openFiles: limits.openFiles)
        inFlight = InFlightBytes(limit: limits.inFlightBytes)
        fleet.metrics.tls.withLock { $0 = tls }
    }
}
