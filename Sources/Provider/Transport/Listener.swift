import FleetAPI
import Glibc
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import NIOHTTP1
import OpAMP
import ServiceLifecycle

/// One address that agents, tools and people connect to.
///
/// Runs until the service is stopped: then agents are sent away with close code 1001, requests on their way are
/// answered, and every connection is closed.
package struct Listener: Service {
    /// Connections that wait to be accepted: a fleet that comes back all at once must not be refused.
    static let backlog = 4096

    private let address: Authority
    private let fleet: Fleet
    private let doorkeeper: Doorkeeper
    private let limits: TransportLimits
    private let gate: AgentGate
    private let logger: Logger
    private let onListening: @Sendable (String) -> Void

    /// - Parameters:
    ///   - address: port 0, or none, is any free port.
    ///   - doorkeeper: who may use the API.
    ///   - gate: who may speak as an agent.
    ///   - onListening: called once with the URL of the address, for example `http://127.0.0.1:41234`.
    package init(
        on address: Authority, fleet: Fleet, doorkeeper: Doorkeeper, gate: AgentGate,
        limits: TransportLimits = TransportLimits(), logger: Logger, onListening: @escaping @Sendable (String) -> Void
    ) {
        self.doorkeeper = doorkeeper
        (self.address, self.fleet, self.limits, self.gate) = (address, fleet, limits, gate)
        (self.logger, self.onListening) = (logger, onListening)
    }

    /// - Throws: `CannotListen`.
    package func run() async throws {
        let (fleet, limits, gate, logger, onListening) = (fleet, limits, gate, logger, onListening)
        let api = API(
            fleet: fleet, doorkeeper: doorkeeper, allowsAnonymous: address.isLoopback, logger: logger)
        let sockets = OpenSockets()
        let inFlight = InFlightBytes(limit: limits.inFlightBytes)
        let connections = OpenConnections(openFiles: limits.openFiles)
        let (listeners, name) = (fleet.metrics.listeners, "\(address)")
        listeners.begins(name, .init(connections: connections, sockets: sockets, inFlight: inFlight))
        defer { listeners.ended(name) }
        let exchange = AgentExchange(fleet: fleet, limits: limits, inFlight: inFlight, gate: gate, logger: logger)
        let application = Application(
            responder: ProviderResponder(
                exchange: exchange, enrolment: EnrolExchange(fleet: fleet, gate: gate), api: api),
            server: HTTPServerBuilder { responder in
                ProviderChannel(responder: responder, connections: connections, gate: gate) { head in
                    let uid = head.headers.first(name: AgentRequestHead.instanceUIDField).flatMap { InstanceUID($0) }
                    return AgentSocketHandler(
                        fleet: fleet, sockets: sockets, limits: limits, inFlight: inFlight,
                        isAdmitted: uid.map { fleet.isAdmitted($0) } ?? false,
                        // What was let in a moment ago may be so no more: then nothing that is said counts.
                        pass: gate.pass(head.headers["Authorization"]) ?? .void, logger: logger)
                }
            },
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port ?? 0), backlog: Self.backlog),
            onServerRunning: { channel in
                listeners.listens(name)
                if let address = channel.localAddress?.hostAndPort { onListening("http://\(address)") }
            },
            logger: logger
        )
        do {
            try await withGracefulShutdownHandler {
                try await application.run()
            } onGracefulShutdown: {
                listeners.stop()
            }
            await sockets.untilNone()
        } catch let error as IOError {
            throw CannotListen(address: address, reason: String(cString: strerror(error.errnoCode)))
        }
    }
}

/// An address that is in use, or not of this machine.
package struct CannotListen: Error, CustomStringConvertible {
    let address: Authority
    let reason: String

    package var description: String { "cannot listen on \(address): \(reason)" }
}
