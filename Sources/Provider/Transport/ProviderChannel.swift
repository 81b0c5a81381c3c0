import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// One accepted connection: HTTP, or after an upgrade of its first request the WebSocket of an agent.
struct ProviderChannel: ServerChildChannel, HTTPChannelHandler {
    typealias HTTPChannel = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    enum Kind: Sendable {
        case http(HTTPChannel)
        case webSocket
    }

    struct Value: ServerChildChannelValue {
        let channel: any Channel
        /// Known with the first request.
        let kind: EventLoopFuture<Kind>
    }

    /// How long a connection may be without a request: well above the intervals at which agents poll.
    static let idleTimeout = TimeAmount.minutes(10)
    /// The same for a connection that will be turned away.
    private static let crowdedTimeout = TimeAmount.seconds(5)

    let responder: Responder
    let connections: OpenConnections
    let gate: AgentGate
    let makeSocketHandler: @Sendable (HTTPRequestHead) -> AgentSocketHandler

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let room = connections.opened()
        channel.closeFuture.whenComplete { [connections] _ in connections.closed() }
        guard room != .none else {
            logger.warning("a connection was closed at once: too many open files")
            channel.close(promise: nil)
            let kind = channel.eventLoop.makeFailedFuture(ChannelError.alreadyClosed) as EventLoopFuture<Kind>
            return channel.eventLoop.makeSucceededFuture(Value(channel: channel, kind: kind))
        }
        return channel.eventLoop.makeCompletedFuture {
            try ReadBuffers.use(on: channel)
            var configuration = NIOUpgradableHTTPServerPipelineConfiguration(
                upgradeConfiguration: NIOTypedHTTPServerUpgradeConfiguration(
                    upgraders: [AgentUpgrader(makeSocketHandler)],
                    notUpgradingCompletionHandler: { Self.continueWithHTTP($0, logger) }
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
            let first = FirstRequestHandler(gate: gate, isCrowded: room == .scarce)
            try pipeline.addHandler(first, position: .before(upgrade))
            let time = room == .scarce ? Self.crowdedTimeout : Self.idleTimeout
            let timeout = channel.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
            kind.whenComplete { _ in timeout.cancel() }
            return Value(channel: channel, kind: kind)
        }
    }

    /// Returns at the end of an HTTP connection, and at once for a WebSocket: its handler needs no task.
    func handle(value: Value, logger: Logger) async {
        do {
            guard case .http(let channel) = try await value.kind.get() else { return }
            await handleHTTP(asyncChannel: channel, logger: logger)
        } catch {
            logger.trace("a connection ended without a request", metadata: ["error": "\(error)"])
        }
    }

    private static func continueWithHTTP(_ channel: any Channel, _ logger: Logger) -> EventLoopFuture<Kind> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(ConnectionTimeHandler())
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
            try pipeline.addHandler(
                HTTPConnectionStateHandler(idleTimeout: .init(idleTimeout), logger: logger)
            )
            try pipeline.addHandler(HTTPEndHandler())
            return .http(
                try NIOAsyncChannel(
                    wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true)
                )
            )
        }
    }
}
