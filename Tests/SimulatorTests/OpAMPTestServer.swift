import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import OpAMP

/// An OpAMP server on a free port of the loopback address, for both transports: it hands over what agents send, and
/// answers only what it is told to.
struct OpAMPTestServer: Sendable {
    struct Connection: Sendable {
        let channel: any Channel
        /// Of the request that an answer is for; nil for a WebSocket.
        let request: HTTPRequestHead?

        /// Over HTTP this is the answer.
        func send(_ message: ServerToAgent) throws {
            if request != nil { return answer(.ok, body: try message.body()) }
            channel.writeAndFlush(frame(.binary, ByteBuffer(bytes: try message.frame())), promise: nil)
        }

        func answer(_ status: HTTPResponseStatus, _ headers: HTTPHeaders = [:], body: [UInt8] = []) {
            var head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
            head.headers.add(name: "Content-Length", value: "\(body.count)")
            channel.write(HTTPServerResponsePart.head(head), promise: nil)
            channel.write(HTTPServerResponsePart.body(.byteBuffer(.init(bytes: body))), promise: nil)
            channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
        }

        /// Says why, and closes the WebSocket.
        func close(_ code: WebSocketErrorCode) {
            var data = ByteBuffer()
            data.write(webSocketErrorCode: code)
            channel.writeAndFlush(frame(.connectionClose, data), promise: nil)
        }

        func sendPing(_ text: String) {
            channel.writeAndFlush(frame(.ping, ByteBuffer(string: text)), promise: nil)
        }

        /// Without a Close frame.
        func cut() {
            channel.close(promise: nil)
        }

        private func frame(_ opcode: WebSocketOpcode, _ data: ByteBuffer) -> WebSocketFrame {
            WebSocketFrame(fin: true, opcode: opcode, data: data)
        }
    }

    enum Event: Sendable {
        case message(AgentToServer, Connection)
        case pong(String)
        case closeFrame(WebSocketErrorCode?)
    }

    private let events: AsyncStream<Event>
    let url: String
    private let channel: any Channel

    static func start() async throws -> OpAMPTestServer {
        let (events, continuation) = AsyncStream.makeStream(of: Event.self)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let upgrader = NIOTypedWebSocketServerUpgrader<Void>(
                        shouldUpgrade: { channel, head in
                            channel.eventLoop.makeSucceededFuture(head.uri == "/v1/opamp" ? [:] : nil)
                        },
                        upgradePipelineHandler: { channel, _ in
                            channel.eventLoop.makeCompletedFuture {
                                try channel.pipeline.syncOperations.addHandler(Handler(continuation))
                            }
                        }
                    )
                    _ = try channel.pipeline.syncOperations.configureUpgradableHTTPServerPipeline(
                        configuration: NIOUpgradableHTTPServerPipelineConfiguration(
                            upgradeConfiguration: NIOTypedHTTPServerUpgradeConfiguration<Void>(
                                upgraders: [upgrader],
                                notUpgradingCompletionHandler: { channel in
                                    channel.eventLoop.makeCompletedFuture {
                                        try channel.pipeline.syncOperations.addHandler(Requests(continuation))
                                    }
                                }
                            )
                        )
                    )
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = channel.localAddress?.port ?? 0
        return OpAMPTestServer(events: events, url: "ws://127.0.0.1:\(port)/v1/opamp", channel: channel)
    }

    /// Where agents that poll go.
    var pollURL: String { "http" + url.dropFirst(2) }

    func nextEvent() async -> Event? {
        await events.first { _ in true }
    }

    func stop() async throws {
        try await channel.close()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = WebSocketFrame
        typealias OutboundOut = WebSocketFrame

        private let events: AsyncStream<Event>.Continuation

        init(_ events: AsyncStream<Event>.Continuation) {
            self.events = events
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let frame = unwrapInboundIn(data)
            var bytes = frame.unmaskedData
            switch frame.opcode {
            case .binary:
                guard let message = try? AgentToServer(frame: bytes.readableBytesView) else {
                    return context.close(promise: nil)
                }
                events.yield(.message(message, Connection(channel: context.channel, request: nil)))
            case .pong: events.yield(.pong(String(buffer: bytes)))
            case .connectionClose:
                let echo = WebSocketFrame(fin: true, opcode: .connectionClose, data: bytes)
                events.yield(.closeFrame(bytes.readWebSocketErrorCode()))
                context.writeAndFlush(wrapOutboundOut(echo)).assumeIsolated().whenComplete { _ in
                    context.close(promise: nil)
                }
            default: break
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }

    private final class Requests: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart

        private let events: AsyncStream<Event>.Continuation
        private var head: HTTPRequestHead?
        private var body = ByteBuffer()

        init(_ events: AsyncStream<Event>.Continuation) {
            self.events = events
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): self.head = head
            case .body(var bytes): body.writeBuffer(&bytes)
            case .end:
                guard let head, let message = try? AgentToServer(body: body.readableBytesView) else {
                    return context.close(promise: nil)
                }
                body = ByteBuffer()
                events.yield(.message(message, Connection(channel: context.channel, request: head)))
            }
        }
    }
}
