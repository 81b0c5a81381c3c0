import NIOCore

/// Ends an HTTP connection whose client does not take what is written, and any that is still there some time after the
/// provider was asked to stop.
final class ConnectionTimeHandler: ChannelInboundHandler {
    typealias InboundIn = Any

    /// How long a client may take for what is buffered to become less.
    static let patience = TimeAmount.seconds(30)
    /// How long what is under way may take once the provider stops.
    static let stopTime = TimeAmount.seconds(5)

    private var deadline: Scheduled<Void>?
    private var isStopping = false

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if !isStopping { end(context, in: context.channel.isWritable ? nil : Self.patience) }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            isStopping = true
            end(context, in: Self.stopTime)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = nil
    }

    private func end(_ context: ChannelHandlerContext, in time: TimeAmount?) {
        deadline?.cancel()
        let channel = context.channel
        deadline = time.map { context.eventLoop.scheduleTask(in: $0) { channel.close(promise: nil) } }
    }
}
