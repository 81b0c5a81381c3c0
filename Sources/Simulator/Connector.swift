import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import OpAMP

/// Opens WebSocket connections to the server.
struct Connector: Sendable {
    struct Refused: Error, CustomStringConvertible {
        /// nil when there was no answer.
        let status: HTTPResponseStatus?

        var description: String { "the server did not accept the WebSocket upgrade" }
    }

    let endpoint: Endpoint
    let address: SocketAddress
    /// What agents show at first.
    let token: BearerToken?
    /// nil: without.
    let tls: ClientTLS?
    /// For the connection and again for the handshake.
    let timeout = TimeAmount.seconds(10)

    init(to endpoint: Endpoint, at address: SocketAddress, token: BearerToken?, tls: ClientTLS?) {
        (self.endpoint, self.address, self.token, self.tls) = (endpoint, address, token, tls)
    }

    /// Connects and upgrades. The runner is told of every frame, and of the end of a connection that was upgraded.
    ///
    /// The future fails when there was no connection or no upgrade. What is written before it succeeds is lost.
    func connect(
        _ runner: AgentRunner, showing token: BearerToken?, on loop: any EventLoop
    ) -> EventLoopFuture<any Channel> {
        let runner = NIOLoopBound(runner, eventLoop: loop)
        let upgraded = loop.makePromise(of: (any Channel).self)
        ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try tls?.add(to: channel)
                    try upgrade(channel, for: runner, showing: token).cascade(to: upgraded)
                    let deadline = channel.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
                    upgraded.futureResult.whenComplete { _ in deadline.cancel() }
                    // A connection that ends in the middle of the handshake.
                    channel.closeFuture.whenComplete { _ in upgraded.fail(Refused(status: nil)) }
                }
            }
            .connect(to: address)
            .cascadeFailure(to: upgraded)
        return upgraded.futureResult
    }

    private func upgrade(
        _ channel: any Channel, for runner: NIOLoopBound<AgentRunner>, showing token: BearerToken?
    ) throws -> EventLoopFuture<any Channel> {
        let upgrader = NIOTypedWebSocketClientUpgrader<any Channel>(maxFrameSize: defaultMessageLimit) { channel, _ in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandlers([
                    NIOWebSocketFrameAggregator(
                        minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 1024,
                        maxAccumulatedFrameSize: defaultMessageLimit
                    ),
                    AgentHandler(runner.value),
                ])
                return channel
            }
        }
        var headers: HTTPHeaders = ["Host": endpoint.authority, "User-Agent": "opamp-sim"]
        if let token { headers.add(name: "Authorization", value: token.authorization) }
        let head = NIOLoopBound(ResponseHead(), eventLoop: channel.eventLoop)
        var configuration = NIOUpgradableHTTPClientPipelineConfiguration(
            upgradeConfiguration: NIOTypedHTTPClientUpgradeConfiguration<any Channel>(
                upgradeRequestHead: HTTPRequestHead(
                    version: .http1_1, method: .GET, uri: endpoint.path, headers: headers
                ),
                upgraders: [upgrader],
                notUpgradingCompletionHandler: { channel in
                    channel.close(promise: nil)
                    return channel.eventLoop.makeFailedFuture(Refused(status: head.value.status))
                }
            )
        )
        configuration.leftOverBytesStrategy = .forwardBytes
        let pipeline = channel.pipeline.syncOperations
        let upgraded = try pipeline.configureUpgradableHTTPClientPipeline(configuration: configuration)
        let upgrade = try pipeline.handler(type: NIOTypedHTTPClientUpgradeHandler<any Channel>.self)
        try pipeline.addHandler(head.value, position: .before(upgrade))
        return upgraded
    }
}

/// Keeps the status that an upgrade was answered with; what follows is none of its business.
private final class ResponseHead: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private(set) var status: HTTPResponseStatus?

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if status == nil, case .head(let head) = unwrapInboundIn(data) { status = head.status }
        context.fireChannelRead(data)
    }
}
