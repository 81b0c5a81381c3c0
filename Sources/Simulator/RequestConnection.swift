import NIOCore
import NIOHTTP1
import OpAMP

/// One connection of a `RequestPool`: sends one request and collects its answer.
final class RequestConnection: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    enum Failure: Error, CustomStringConvertible {
        case closed, noAnswer, tooLarge

        var description: String {
            switch self {
            case .closed: "the server closed the connection instead of an answer"
            case .noAnswer: "no answer in time"
            case .tooLarge: "the answer is larger than \(defaultMessageLimit) bytes"
            }
        }
    }

    private let pool: RequestPool
    private let channel: any Channel
    private let timeout: TimeAmount
    private var request: RequestPool.Request?
    private var deadline: Scheduled<Void>?
    private var head: HTTPResponseHead?
    private var body = ByteBuffer()

    init(_ pool: RequestPool, on channel: any Channel, timeout: TimeAmount) {
        self.pool = pool
        self.channel = channel
        self.timeout = timeout
    }

    /// - Precondition: no request is under way.
    func send(_ request: RequestPool.Request) {
        self.request = request
        guard channel.isActive else {
            return channel.eventLoop.assumeIsolated().execute { self.finish(.failure(Failure.closed)) }
        }
        var head = HTTPRequestHead(
            version: .http1_1, method: .POST, uri: pool.endpoint.path,
            headers: [
                "Host": pool.endpoint.authority, "User-Agent": "opamp-sim", "Content-Type": "application/x-protobuf",
                "Content-Length": String(request.body.readableBytes), "OpAMP-Instance-UID": request.uid.dashed,
            ]
        )
        if let token = request.token { head.headers.add(name: "Authorization", value: token.authorization) }
        let end = HTTPClientRequestPart.end(nil)
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        channel.write(HTTPClientRequestPart.body(.byteBuffer(request.body)), promise: nil)
        channel.writeAndFlush(end, promise: nil)
        deadline = channel.eventLoop.assumeIsolated().scheduleTask(in: timeout) { self.end(.noAnswer) }
    }

    func close() {
        channel.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body(var bytes):
            if body.readableBytes + bytes.readableBytes > defaultMessageLimit { return end(.tooLarge) }
            body.writeBuffer(&bytes)
        case .end: answered()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        pool.ended(self)
        finish(.failure(Failure.closed))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(.failure(error))
        close()
    }

    private func answered() {
        guard let head, head.status.code >= 200 else { return }
        let seconds = head.headers.first(name: "Retry-After").flatMap { Int64($0) }
        let answer = RequestPool.Answer(
            status: Int(head.status.code), retryAfter: seconds.map { .seconds(max(0, $0)) }, body: body
        )
        self.head = nil
        body = ByteBuffer()
        let request = request
        stopWaiting()
        if head.isKeepAlive { pool.isFree(self) } else { close() }
        request?.completion(.success(answer))
    }

    private func end(_ failure: Failure) {
        finish(.failure(failure))
        close()
    }

    private func finish(_ result: Result<RequestPool.Answer, any Error>) {
        let request = request
        stopWaiting()
        request?.completion(result)
    }

    private func stopWaiting() {
        request = nil
        deadline?.cancel()
        deadline = nil
    }
}

extension InstanceUID {
    /// As the header of a request has it: 8-4-4-4-12 digits.
    var dashed: String {
        var text = description
        for position in [20, 16, 12, 8] {
            text.insert("-", at: text.utf8.index(text.startIndex, offsetBy: position))
        }
        return text
    }
}
