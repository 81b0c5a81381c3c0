import NIOCore
import NIOHTTP1
import NIOWebSocket

/// The upgrade of an agent's connection: the handshake is NIO's, the frames are read by our own handler, which refuses
/// and counts them while they come. No extension is negotiated, so permessage-deflate is declined.
struct AgentUpgrader: NIOTypedHTTPServerProtocolUpgrader {
    typealias UpgradeResult = ProviderChannel.Kind

    let supportedProtocol = "websocket"
    let requiredUpgradeHeaders: [String] = []

    private let handshake = NIOTypedWebSocketServerUpgrader<UpgradeResult>(
        shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
        upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededFuture(.webSocket) })
    private let makeSocketHandler: @Sendable (HTTPRequestHead, any Channel) throws -> AgentSocketHandler

    init(_ makeSocketHandler: @escaping @Sendable (HTTPRequestHead, any Channel) throws -> AgentSocketHandler) {
        self.makeSocketHandler = makeSocketHandler
    }

    func buildUpgradeResponse(
        channel: any Channel, upgradeRequest: HTTPRequestHead, initialResponseHeaders: HTTPHeaders
    ) -> EventLoopFuture<HTTPHeaders> {
        handshake.buildUpgradeResponse(
            channel: channel, upgradeRequest: upgradeRequest, initialResponseHeaders: initialResponseHeaders)
    }

    func upgrade(channel: any Channel, upgradeRequest: HTTPRequestHead) -> EventLoopFuture<UpgradeResult> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(makeSocketHandler(upgradeRequest, channel))
            return .webSocket
        }
    }
}
