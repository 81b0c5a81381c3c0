import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Ends what has no end: the connection after an answer with `Connection: close`, though the request may still be on
/// its way, and a request, or the head of one, that never comes to its end.
final class HTTPEndHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// How long what still comes is read and dropped, so that the client can read the answer before the end.
    static let linger = TimeAmount.seconds(2)
    /// How long a request may take from its head to its end.
    static let requestTime = TimeAmount.minutes(2)

    private let arrivals: ArrivalHandler
    private var isLastAnswer = false
    private var isRequestOpen = false
    private var deadline: Scheduled<Void>?

    /// - Parameter arrivals: stands before the decoder of requests.
    init(_ arrivals: ArrivalHandler) {
        self.arrivals = arrivals
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        arrivals.hasBytes = false
        switch unwrapInboundIn(data) {
        case .head:
            isRequestOpen = true
            stopWaiting()
        case .body: break
        case .end:
            isRequestOpen = false
            stopWaiting()
        }
        context.fireChannelRead(data)
    }

    /// Only a request that did not come at once needs a timer.
    func channelReadComplete(context: ChannelHandlerContext) {
        if isRequestOpen || arrivals.hasBytes, deadline == nil {
            let channel = context.channel
            let time = isRequestOpen ? Self.requestTime : ProviderChannel.headTime
            deadline = context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
        }
        context.fireChannelReadComplete()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head): isLastAnswer = head.headerFields[.connection] == "close"
        case .end where isLastAnswer: return finish(context, data, promise)
        case .body, .end: break
        }
        context.write(data, promise: promise)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        stopWaiting()
    }

    private func stopWaiting() {
        deadline?.cancel()
        deadline = nil
    }

    private func finish(_ context: ChannelHandlerContext, _ data: NIOAny, _ promise: EventLoopPromise<Void>?) {
        let channel = context.channel
        let written = promise ?? context.eventLoop.makePromise()
        written.futureResult.whenComplete { _ in
            channel.close(mode: .output, promise: nil)
            channel.eventLoop.scheduleTask(in: Self.linger) { channel.close(promise: nil) }
        }
        context.writeAndFlush(data, promise: written)
    }
}

/// Notes that bytes have come, before they are decoded: bytes that make no part of a request are a head that is not whole.
final class ArrivalHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    fileprivate(set) var hasBytes = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hasBytes = true
        context.fireChannelRead(data)
    }
}
