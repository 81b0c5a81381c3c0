import NIOCore
import NIOWebSocket
import OpAMP

/// Turns the frames of one connection into calls of its `AgentRunner`.
final class AgentHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let runner: AgentRunner

    init(_ runner: AgentRunner) {
        self.runner = runner
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .binary:
            do {
                runner.received(try ServerToAgent(frame: frame.unmaskedData.readableBytesView))
            } catch {
                runner.receivedMalformed(error)
            }
        case .ping where runner.answersPings():
            let pong = WebSocketFrame(fin: true, opcode: .pong, maskKey: .random(), data: frame.unmaskedData)
            context.writeAndFlush(wrapOutboundOut(pong), promise: nil)
        case .connectionClose:
            var data = frame.unmaskedData
            runner.receivedClose(context.channel, data.readWebSocketErrorCode())
        default: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        runner.closed()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
