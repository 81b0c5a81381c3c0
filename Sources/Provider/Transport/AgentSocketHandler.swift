import FleetAPI
import Logging
import NIOCore
import NIOWebSocket
import OpAMP

/// One agent's WebSocket: carries out what its `AgentConversation` decides, on the connection's event loop.
final class AgentSocketHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame

    private static let pingInterval = TimeAmount.seconds(30)
    /// How long the agent may take to answer our Close frame.
    private static let closeTimeout = TimeAmount.seconds(2)

    private let fleet: Fleet
    private let sockets: OpenSockets
    private let logger: Logger
    private let limit: Int
    private var conversation: AgentConversation
    private var link: Link?
    private var pings: RepeatedTask?

    init(fleet: Fleet, sockets: OpenSockets, limit: Int, logger: Logger) {
        (self.fleet, self.sockets, self.limit, self.logger) = (fleet, sockets, limit, logger)
        conversation = AgentConversation(limit: limit)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        sockets.opened()
        let channel = context.channel
        let loop = channel.eventLoop
        let handler = NIOLoopBound(self, eventLoop: loop)
        let onLoop = { @Sendable (act: @escaping @Sendable (AgentSocketHandler) -> Void) in
            if loop.inEventLoop { act(handler.value) } else { loop.execute { act(handler.value) } }
        }
        link = Link(
            transport: .webSocket, remoteAddress: channel.remoteAddress?.hostAndPort,
            push: { message in onLoop { $0.send(message, on: channel) } },
            ping: {
                onLoop { handler in
                    guard !handler.conversation.isClosing else { return }
                    channel.writeAndFlush(handler.frame(.ping, ByteBuffer()), promise: nil)
                }
            },
            close: { onLoop { $0.perform($0.conversation.close(.policyViolation), on: channel) } }
        )
        pings = loop.scheduleRepeatedTask(initialDelay: Self.pingInterval, delay: Self.pingInterval) { _ in
            handler.value.beat(channel)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        if frame.opcode == .pong { link?.answeredPing() }
        perform(conversation.received(frame), on: context.channel)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.debug("agent connection", metadata: ["error": "\(error)"])
        if error is IOError {
            context.close(promise: nil)
        } else {
            perform(conversation.failed(error), on: context.channel)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent: perform(conversation.close(.goingAway), on: context.channel)
        case ChannelEvent.inputClosed: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// An agent that does not read its answers is not read either, so that answers cannot pile up.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        try? context.channel.syncOptions?.setOption(.autoRead, value: context.channel.isWritable)
        context.fireChannelWritabilityChanged()
    }

    /// Once for every connection, however it ended.
    func handlerRemoved(context: ChannelHandlerContext) {
        pings?.cancel()
        pings = nil
        if let link { fleet.closed(link) }
        link = nil
        sockets.closed()
    }

    private func perform(_ action: AgentConversation.Action, on channel: any Channel) {
        switch action {
        case .nothing: break
        case .receive(let message):
            guard let link, let push = link.push else { return }
            fleet.receive(message, over: link) { reply in
                push(reply.message)
                if reply.ending != nil { link.close() }
            }
        case .refuse(let error):
            logger.debug("malformed message of an agent", metadata: ["error": "\(error)"])
            send(.badRequest(error.description), on: channel)
        case .pong(let data): channel.writeAndFlush(frame(.pong, data), promise: nil)
        case .close(let code):
            var data = ByteBuffer()
            data.write(webSocketErrorCode: code)
            channel.writeAndFlush(frame(.connectionClose, data), promise: nil)
            channel.eventLoop.scheduleTask(in: Self.closeTimeout) { channel.close(promise: nil) }
        case .answerClose(let data):
            channel.writeAndFlush(frame(.connectionClose, data)).whenComplete { _ in channel.close(promise: nil) }
        case .end: channel.close(promise: nil)
        }
    }

    private func send(_ message: ServerToAgent, on channel: any Channel) {
        guard !conversation.isClosing else { return }
        do {
            let bytes = try message.frame(limit: limit)
            channel.writeAndFlush(frame(.binary, channel.allocator.buffer(bytes: bytes)), promise: nil)
        } catch {
            logger.error("a message for an agent was dropped", metadata: ["error": "\(error)"])
        }
    }

    private func beat(_ channel: any Channel) {
        switch conversation.beat() {
        case .ping where !conversation.isClosing: channel.writeAndFlush(frame(.ping, ByteBuffer()), promise: nil)
        case .ping: break
        case .giveUp:
            logger.debug("an agent answers no pings")
            channel.close(promise: nil)
        }
    }

    private func frame(_ opcode: WebSocketOpcode, _ data: ByteBuffer) -> WebSocketFrame {
        WebSocketFrame(fin: true, opcode: opcode, data: data)
    }
}
