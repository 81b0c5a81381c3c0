import FleetAPI
import JSON
import NIOCore

/// Stands before TLS until the first bytes have come: who speaks plain HTTP is told so in plain HTTP.
final class PlainRequestHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How a TLS connection begins. Spec: RFC 8446, section 5.1, "handshake".
    private static let handshake: UInt8 = 22
    private static let answer: String = {
        let problem = Problem(
            400, "Bad Request", detail: "this address speaks TLS: begin its URL with https:// or, for agents, wss://")
        let body = problem.json.text
        return "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }()

    private var isRefused = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isRefused { return }
        guard let first = unwrapInboundIn(data).readableBytesView.first else { return }
        // A method begins with a letter.
        guard first != Self.handshake, (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first) else {
            context.fireChannelRead(data)
            return context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        }
        isRefused = true
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: Self.answer)), promise: nil)
        context.close(mode: .output, promise: nil)
        context.eventLoop.scheduleTask(in: HTTPEndHandler.linger) { channel.close(promise: nil) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if isRefused, case .some(.inputClosed) = event as? ChannelEvent { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }
}
