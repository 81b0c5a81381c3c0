import FleetAPI
import JSON
import NIOCore
import NIOHTTP1
import OpAMP

/// Stands before the upgrade to WebSocket and lets through only what will be accepted.
///
/// The upgrade swallows a request that it refuses, and only the first request of a connection can upgrade. So every
/// other request loses its Upgrade header and is answered like an ordinary one; the connection ends with that answer,
/// because the parser reads nothing after a request that asked for an upgrade. Until there is a request it also does
/// what the HTTP handlers do later: it answers bytes that are not HTTP, and closes when the server stops.
final class FirstRequestHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let reception: Reception
    private let session: TLSContexts.Session?
    /// Whether the connection is one too many: its first request is answered that it should come again later.
    private let isCrowded: Bool
    private var hasRequest = false
    private var isTurnedAway = false

    init(_ reception: Reception, over session: TLSContexts.Session?, isCrowded: Bool) {
        (self.reception, self.session, self.isCrowded) = (reception, session, isCrowded)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isTurnedAway { return }
        guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        if isCrowded { return turnAway(head, context) }
        let isFirst = !hasRequest
        hasRequest = true
        if isFirst, isAccepted(head, context) {
            context.fireChannelRead(data)
            // What follows the request is not HTTP.
            return context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        }
        if head.headers.contains(name: "Upgrade") {
            head.headers.remove(name: "Upgrade")
            head.headers.replaceOrAdd(name: "Connection", value: "close")
        }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !hasRequest else { return context.fireErrorCaught(error) }
        if error is HTTPParserError {
            let fields = HTTPHeaders([("Connection", "close"), ("Content-Length", "0")])
            let head = HTTPResponseHead(version: .http1_1, status: .badRequest, headers: fields)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent, !hasRequest { return context.close(promise: nil) }
        if isTurnedAway, case .some(.inputClosed) = event as? ChannelEvent { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    /// Whether the request opens an agent's WebSocket. Spec: RFC 6455, section 4.2.1.
    static func isUpgrade(_ head: HTTPRequestHead, _ rules: AccessRules, at address: String?, isGuarded: Bool) -> Bool {
        head.method == .GET && head.uri.prefix { $0 != "?" } == OpAMPEndpoint.path
            && head.headers[canonicalForm: "Upgrade"].contains { $0.lowercased() == "websocket" }
            && head.headers[canonicalForm: "Connection"].contains { $0.lowercased() == "upgrade" }
            && head.headers["Sec-WebSocket-Version"] == ["13"] && head.headers["Sec-WebSocket-Key"].count == 1
            && rules.refusal(
                method: "GET", path: OpAMPEndpoint.path, host: nil, fields: head.headers.map { ($0.name, $0.value) },
                at: address, isGuarded: isGuarded) == nil
    }

    private func isAccepted(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) -> Bool {
        Self.isUpgrade(
            head, reception.rules, at: context.localAddress?.ipAddress,
            isGuarded: reception.gate.isRequired || reception.isOpen) && isLetIn(head, context.channel)
    }

    private func isLetIn(_ head: HTTPRequestHead, _ channel: any Channel) -> Bool {
        let peer = try? Peer(of: channel, over: session)
        return reception.gate.pass(head.headers["Authorization"], peer?.certificate) != nil
    }

    /// Answers 503 and ends the connection, soon: each one counts. Spec: OpAMP, "Throttling".
    private func turnAway(_ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        isTurnedAway = true
        let hint = RetryHint.random()
        let reason = "the server has as many connections as it can; try again later"
        let isMessage = request.method == .POST && request.uri.prefix { $0 != "?" } == OpAMPEndpoint.path
        let message = isMessage ? try? ServerToAgent.unavailable(reason, retryAfter: hint).body() : nil
        let body = message ?? Array(Problem(503, "Service Unavailable", detail: reason).json.text.utf8)
        let fields = HTTPHeaders([
            ("Connection", "close"), ("Content-Length", "\(body.count)"), ("Retry-After", RetryHint.seconds(hint)),
            ("Content-Type", message == nil ? "application/problem+json" : AgentRequestHead.contentType),
        ])
        let head = HTTPResponseHead(version: .http1_1, status: .serviceUnavailable, headers: fields)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            channel.close(mode: .output, promise: nil)
            channel.eventLoop.scheduleTask(in: HTTPEndHandler.linger) { channel.close(promise: nil) }
        }
    }
}
