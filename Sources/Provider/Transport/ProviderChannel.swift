import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOSSL
import OpAMP

/// One accepted connection: HTTP, or after an upgrade of its first request the WebSocket of an agent.
struct ProviderChannel: ServerChildChannel, HTTPChannelHandler {
    typealias HTTPChannel = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    enum Kind: Sendable {
        case http(HTTPChannel, Peer)
        case webSocket
    }

    struct Value: ServerChildChannelValue {
        let channel: any Channel
        /// Known with the first request.
        let kind: EventLoopFuture<Kind>
    }

    /// How long a connection may be without a request after its first one: well above the intervals at which agents poll.
    static let idleTimeout = TimeAmount.minutes(10)
    /// How long a connection may take from its begin, or a request from its first byte, until the head is there.
    static let headTime = TimeAmount.seconds(30)
    /// The same for a connection that will be turned away.
    private static let crowdedTimeout = TimeAmount.seconds(5)

    let responder: Responder
    let reception: Reception
    let limits: PeerLimits
    let sockets: OpenSockets

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let connections = reception.connections
        let room = room(for: PeerNetwork(channel.remoteAddress), logger)
        channel.closeFuture.whenComplete { _ in connections.closed() }
        guard room != .none else {
            channel.close(promise: nil)
            let kind = channel.eventLoop.makeFailedFuture(ChannelError.alreadyClosed) as EventLoopFuture<Kind>
            return channel.eventLoop.makeSucceededFuture(Value(channel: channel, kind: kind))
        }
        return channel.eventLoop.makeCompletedFuture {
            try ReadBuffers.use(on: channel)
            let session = reception.tls?.session
            if let session {
                try channel.pipeline.syncOperations.addHandlers([
                    PlainRequestHandler(), NIOSSLServerHandler(context: session.material.context),
                ])
            }
            var configuration = NIOUpgradableHTTPServerPipelineConfiguration(
                upgradeConfiguration: NIOTypedHTTPServerUpgradeConfiguration(
                    upgraders: [AgentUpgrader { try makeSocketHandler($0, Peer(of: $1, over: session)) }],
                    notUpgradingCompletionHandler: { Self.continueWithHTTP($0, over: session, logger) }
                )
            )
            // Requests are taken one at a time anyway, names and values are checked by their types, and errors are
            // answered by the first handler and by the HTTP loop.
            configuration.enablePipelining = false
            configuration.enableResponseHeaderValidation = false
            configuration.enableErrorHandling = false
            let pipeline = channel.pipeline.syncOperations
            let kind = try pipeline.configureUpgradableHTTPServerPipeline(configuration: configuration)
            let upgrade = try pipeline.handler(type: NIOTypedHTTPServerUpgradeHandler<Kind>.self)
            let first = FirstRequestHandler(reception, over: session, isCrowded: room == .scarce)
            try pipeline.addHandler(first, position: .before(upgrade))
            let time = room == .scarce ? Self.crowdedTimeout : Self.headTime
            let timeout = channel.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
            kind.whenComplete { _ in timeout.cancel() }
            return Value(channel: channel, kind: kind)
        }
    }

    /// Returns at the end of an HTTP connection, and at once for a WebSocket: its handler needs no task.
    func handle(value: Value, logger: Logger) async {
        do {
            guard case .http(let channel, let peer) = try await value.kind.get() else { return }
            await Peer.$current.withValue(peer) { await handleHTTP(asyncChannel: channel, logger: logger) }
        } catch {
            logger.trace("a connection ended without a request", metadata: ["error": "\(error)"])
        }
    }

    /// Counts a connection, and says what it may expect.
    private func room(for peer: PeerNetwork?, _ logger: Logger) -> OpenConnections.Room {
        let room = reception.connections.opened()
        if room == .none { logger.warning("a connection was closed at once: too many open files") }
        // A handshake costs more than anything that could be answered then.
        guard room == .enough, limits.connection(of: peer) != nil else { return room }
        reception.fleet.metrics.throttled.connections.add(1)
        logger.debug("a connection of an address with too many was turned away")
        return reception.tls == nil ? .scarce : .none
    }

    private func makeSocketHandler(_ head: HTTPRequestHead, _ peer: Peer) -> AgentSocketHandler {
        let fleet = reception.fleet
        let uid = head.headers.first(name: AgentRequestHead.instanceUIDField).flatMap { InstanceUID($0) }
        // What was let in a moment ago may be so no more: then nothing that is said counts.
        let pass = reception.gate.pass(head.headers["Authorization"], peer.certificate) ?? .void
        return AgentSocketHandler(
            fleet: fleet, sockets: sockets, limits: reception.limits, inFlight: reception.inFlight,
            isAdmitted: uid.map { fleet.isAdmitted($0) } ?? false, pass: pass, logger: reception.logger)
    }

    private static func continueWithHTTP(
        _ channel: any Channel, over session: TLSContexts.Session?, _ logger: Logger
    ) -> EventLoopFuture<Kind> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let arrivals = ArrivalHandler()
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(arrivals, position: .before(decoder))
            try pipeline.addHandler(ConnectionTimeHandler())
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
            try pipeline.addHandler(
                HTTPConnectionStateHandler(idleTimeout: .init(idleTimeout), logger: logger)
            )
            try pipeline.addHandler(HTTPEndHandler(arrivals))
            let http = try NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
            return .http(http, try Peer(of: channel, over: session))
        }
    }
}
