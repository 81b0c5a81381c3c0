import FleetAPI
import Glibc
import Hummingbird
import HummingbirdCore
import NIOCore
import NIOHTTP1
import OpAMP
import ServiceLifecycle

/// One address that agents, tools and people connect to.
///
/// Runs until the service is stopped: then agents are sent away with close code 1001, requests on their way are
/// answered, and every connection is closed.
package struct Listener: Service {
    /// Who an address is for.
    package enum Audience: Sendable {
        /// The API and the agents' path.
        case everybody
        /// The agents' path and nothing else.
        case agents
    }

    /// Connections that wait to be accepted: a fleet that comes back all at once must not be refused.
    static let backlog = 4096

    private let address: Authority
    private let audience: Audience
    private let reception: Reception
    private let onListening: @Sendable (String) -> Void

    /// - Parameters:
    ///   - address: port 0, or none, is any free port.
    ///   - onListening: called once with the URL of the address, for example `http://127.0.0.1:41234`.
    package init(
        on address: Authority, for audience: Audience = .everybody, _ reception: Reception,
        onListening: @escaping @Sendable (String) -> Void
    ) {
        (self.address, self.audience, self.reception) = (address, audience, reception)
        self.onListening = onListening
    }

    /// - Throws: `CannotListen`.
    package func run() async throws {
        let (reception, onListening) = (reception, onListening)
        let sockets = OpenSockets()
        let listeners = reception.fleet.metrics.listeners
        let name = audience == .agents ? "\(address), for agents" : "\(address)"
        listeners.begins(
            name, .init(connections: reception.connections, sockets: sockets, inFlight: reception.inFlight))
        defer { listeners.ended(name) }
        let limits = PeerLimits(reception.limits.rates)
        let application = Application(
            responder: responder(limits),
            server: HTTPServerBuilder { responder in
                ProviderChannel(responder: responder, reception: reception, limits: limits, sockets: sockets)
            },
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port ?? 0), backlog: Self.backlog),
            onServerRunning: { channel in
                listeners.listens(name)
                let scheme = reception.tls == nil ? "http" : "https"
                if let address = channel.localAddress?.hostAndPort { onListening("\(scheme)://\(address)") }
            },
            logger: reception.logger
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
        } catch let error as SocketAddressError {
            throw CannotListen(address: address, reason: "\(error)")
        }
    }

    private func responder(_ limits: PeerLimits) -> ProviderResponder {
        let exchange = AgentExchange(
            fleet: reception.fleet, limits: reception.limits, inFlight: reception.inFlight, gate: reception.gate,
            logger: reception.logger)
        let api = API(
            fleet: reception.fleet, doorkeeper: reception.doorkeeper,
            allowsAnonymous: address.isLoopback || reception.isOpen, isSecure: reception.tls != nil,
            logger: reception.logger)
        return ProviderResponder(
            exchange: exchange, enrolment: EnrolExchange(fleet: reception.fleet, gate: reception.gate),
            api: audience == .everybody ? api : nil, reception: reception, limits: limits)
    }
}

/// An address that is in use, or not of this machine.
package struct CannotListen: Error, CustomStringConvertible {
    let address: Authority
    let reason: String

    package var description: String { "cannot listen on \(address): \(reason)" }
}
