import FleetAPI
import Logging
import NIOCore
import NIOWebSocket
import OpAMP

/// One agent's WebSocket: carries out what its `AgentConversation` decides, on the connection's event loop.
final class AgentSocketHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// How long the agent may take to answer our Close frame.
    private static let closeTimeout = TimeAmount.seconds(2)
    /// The close code of a server that is overloaded. Spec: the WebSocket Close Code registry.
    private static let tryAgainLater = 1013

    private let fleet: Fleet
    private let sockets: OpenSockets
    private let logger: Logger
    private let limits: TransportLimits
    private let pass: AgentGate.Pass
    private var reader = FrameReader()
    private var conversation: AgentConversation
    /// What the reader and the conversation hold back, until a message is whole and handled.
    private var share: InFlightBytes.Share
    private var isAdmitted: Bool
    /// What still comes is dropped: it cannot be read, or there is no room for it.
    private var isDeaf = false
    /// Set when the agent is sent away: what it still says is dropped, and the next beat closes with this code.
    private var farewell: WebSocketErrorCode?
    /// Whether the connection is older than a ping interval.
    private var hasLasted = false
    private var link: Link?
    private var context: ChannelHandlerContext?
    /// The row of the beats of this event loop that it is in.
    private var row = 0

    /// - Parameters:
    ///   - isAdmitted: whether the upgrade named an agent that the fleet knows as approved.
    ///   - pass: what the connection was opened with.
    init(
        fleet: Fleet, sockets: OpenSockets, limits: TransportLimits, inFlight: InFlightBytes, isAdmitted: Bool,
        pass: AgentGate.Pass, logger: Logger
    ) {
        (self.fleet, self.sockets, self.limits, self.logger) = (fleet, sockets, limits, logger)
        (self.isAdmitted, self.pass) = (isAdmitted, pass)
        conversation = AgentConversation(limit: isAdmitted ? limits.messageBytes : limits.strangerBytes)
        share = InFlightBytes.Share(of: inFlight)
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
            transport: .webSocket, remoteAddress: channel.remoteAddress?.hostAndPort, credential: pass.credential,
            push: { message in onLoop { $0.send(message, on: channel) } },
            ping: {
                onLoop { handler in
                    guard !handler.conversation.isClosing else { return }
                    channel.writeAndFlush(ByteBuffer(frame: .ping, []), promise: nil)
                }
            },
            close: { onLoop { $0.sendAway(.policyViolation, on: channel) } }
        )
        self.context = context
        row = sockets.beats(on: loop).add(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isDeaf { return }
        let channel = context.channel
        guard hasToken(channel) else { return stopReading() }
        let bytes = unwrapInboundIn(data)
        fleet.metrics.webSocket.receivedBytes.add(bytes.readableBytes)
        reader.append(bytes)
        guard hold() else { return turnAway(channel) }
        do {
            while !isDeaf, let frame = try reader.next(limit: conversation.limit - conversation.heldBytes) {
                if frame.opcode == .pong { link?.answeredPing() }
                perform(conversation.received(frame), on: channel)
            }
        } catch {
            logger.debug("agent connection", metadata: ["error": "\(error)"])
            perform(conversation.failed(error), on: channel)
            stopReading()
        }
        // Never more than before.
        _ = hold()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.debug("agent connection", metadata: ["error": "\(error)"])
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent: leave(context.channel)
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
        sockets.beats(on: context.eventLoop).remove(self, from: row)
        self.context = nil
        if let link { fleet.closed(link) }
        link = nil
        sockets.closed()
    }

    private func perform(_ action: AgentConversation.Action, on channel: any Channel) {
        switch action {
        case .nothing: break
        case .receive where farewell != nil, .refuse where farewell != nil: break
        case .receive(let message):
            guard let link, let push = link.push else { return }
            fleet.receive(message, over: link) { reply in
                push(reply.message)
                if reply.ending != nil { link.close() }
            }
            admit(message)
        case .refuse(let error):
            logger.debug("malformed message of an agent", metadata: ["error": "\(error)"])
            send(.badRequest(error.description), on: channel)
        case .pong(let data): channel.writeAndFlush(ByteBuffer(frame: .pong, data.readableBytesView), promise: nil)
        case .close(let code):
            var data = ByteBuffer()
            data.write(webSocketErrorCode: code)
            channel.writeAndFlush(ByteBuffer(frame: .connectionClose, data.readableBytesView), promise: nil)
            channel.eventLoop.scheduleTask(in: Self.closeTimeout) { channel.close(promise: nil) }
        case .answerClose(let data):
            let frame = ByteBuffer(frame: .connectionClose, data.readableBytesView)
            channel.writeAndFlush(frame).whenComplete { _ in channel.close(promise: nil) }
        case .end: channel.close(promise: nil)
        }
    }

    /// From the first message of an approved agent on, its messages may be large.
    private func admit(_ message: AgentToServer) {
        guard !isAdmitted, let uid = InstanceUID(bytes: message.instanceUid), fleet.isAdmitted(uid) else { return }
        isAdmitted = true
        conversation.limit = limits.messageBytes
    }

    /// Counts what is held back now.
    private func hold() -> Bool {
        share.hold(reader.heldBytes + conversation.heldBytes)
    }

    /// There is no room for what this agent sends: it should come again later. Spec: OpAMP, "Throttling".
    private func turnAway(_ channel: any Channel) {
        logger.debug("an agent was turned away: too many bytes in flight")
        send(.unavailable(InFlightBytes.reason, retryAfter: RetryHint.random()), on: channel)
        sendAway(.init(codeNumber: Self.tryAgainLater), on: channel)
        stopReading()
    }

    /// Ends the connection if it was opened with a token or certificate that the provider does not accept any more.
    ///
    /// - Parameter isThorough: whether of tokens that the provider made, too: of these the fleet knows with each message.
    private func hasToken(_ channel: any Channel, isThorough: Bool = false) -> Bool {
        if conversation.isClosing || pass.isInForce && (!isThorough || fleet.isInForce(pass.credential)) { return true }
        logger.notice("an agent's connection ends: its token or certificate is not accepted any more")
        perform(conversation.close(.policyViolation), on: channel)
        return false
    }

    /// Ends the conversation. Clients come back at once, whatever they were told: an agent that is sent away as soon as
    /// it has come would do so hundreds of times a second. So a young connection is kept, unheard, until its first beat.
    private func sendAway(_ code: WebSocketErrorCode, on channel: any Channel) {
        guard farewell == nil else { return }
        farewell = code
        if hasLasted { perform(conversation.close(code), on: channel) }
    }

    /// The provider stops: every agent on this connection is told when to come again.
    private func leave(_ channel: any Channel) {
        for uid in link.map({ fleet.agents(on: $0) }) ?? [] {
            send(.stopping(uid), on: channel)
        }
        perform(conversation.close(.goingAway), on: channel)
    }

    private func stopReading() {
        isDeaf = true
        reader.clear()
        _ = hold()
    }

    private func send(_ message: ServerToAgent, on channel: any Channel) {
        guard !conversation.isClosing else { return }
        do {
            let bytes = try message.frame(limit: limits.messageBytes)
            fleet.metrics.sent(message, bytes: bytes.count, over: .webSocket)
            channel.writeAndFlush(ByteBuffer(frame: .binary, bytes), promise: nil)
        } catch {
            logger.error("a message for an agent was dropped", metadata: ["error": "\(error)"])
        }
    }

    /// Once each ping interval.
    func beat() {
        guard let channel = context?.channel else { return }
        guard hasToken(channel, isThorough: true) else { return }
        hasLasted = true
        if let farewell { perform(conversation.close(farewell), on: channel) }
        switch conversation.beat() {
        case .ping where !conversation.isClosing: channel.writeAndFlush(ByteBuffer(frame: .ping, []), promise: nil)
        case .ping, .rest: break
        case .giveUp:
            logger.debug("an agent answers no pings")
            channel.close(promise: nil)
        }
    }
}
