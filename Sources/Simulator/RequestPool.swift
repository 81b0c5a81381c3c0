import NIOCore
import NIOHTTP1
import NIOPosix
import OpAMP

/// The connections that the agents of a fleet share to send their requests, kept open between them.
///
/// One request is under way on a connection at a time; those that find none free wait in their order. Everything
/// happens on one event loop.
final class RequestPool {
    struct Answer: Sendable {
        let status: Int
        /// What the server asks to wait, if it does so in seconds.
        let retryAfter: Duration?
        let body: ByteBuffer
    }

    typealias Completion = (Result<Answer, any Error>) -> Void

    struct Request {
        let body: ByteBuffer
        let uid: InstanceUID
        let token: BearerToken?
        let completion: Completion
    }

    /// For the connection and again for the answer.
    private static let timeout = TimeAmount.seconds(30)

    let endpoint: Endpoint
    /// What agents show at first.
    let token: BearerToken?
    private let tls: ClientTLS?
    private let address: SocketAddress
    private let limit: Int
    private let loop: any EventLoop
    private var idle: [RequestConnection] = []
    /// Those that connect and those at work too.
    private var connections = 0
    private var waiting: CircularBuffer<Request> = []

    /// - Parameter limit: the most connections at one time.
    init(
        to endpoint: Endpoint, at address: SocketAddress, token: BearerToken?, tls: ClientTLS?, limit: Int,
        on loop: any EventLoop
    ) {
        (self.endpoint, self.address, self.token, self.tls) = (endpoint, address, token, tls)
        self.limit = limit
        self.loop = loop
    }

    /// Sends a message of an agent. The completion is called once, and not before this returns.
    func post(
        _ body: ByteBuffer, from uid: InstanceUID, showing token: BearerToken?, _ completion: @escaping Completion
    ) {
        let request = Request(body: body, uid: uid, token: token, completion: completion)
        if let connection = idle.popLast() {
            connection.send(request)
        } else if connections < limit {
            connect(for: request)
        } else {
            waiting.append(request)
        }
    }

    private func connect(for request: Request) {
        connections += 1
        let pool = NIOLoopBound(self, eventLoop: loop)
        ClientBootstrap(group: loop)
            .connectTimeout(Self.timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { [tls] channel in
                channel.eventLoop.makeCompletedFuture {
                    try tls?.add(to: channel)
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(
                        RequestConnection(pool.value, on: channel, timeout: Self.timeout)
                    )
                }
            }
            .connect(to: address).assumeIsolated()
            .flatMapThrowing { try $0.pipeline.syncOperations.handler(type: RequestConnection.self) }
            .whenComplete { result in
                switch result {
                case .success(let connection): connection.send(request)
                case .failure(let error):
                    self.ended(nil)
                    request.completion(.failure(error))
                }
            }
    }

    /// A connection has had its answer and may be used again.
    func isFree(_ connection: RequestConnection) {
        if let request = waiting.popFirst() { connection.send(request) } else { idle.append(connection) }
    }

    /// A connection has ended, or never came to be: nil.
    func ended(_ connection: RequestConnection?) {
        connections -= 1
        idle.removeAll { $0 === connection }
        if let request = waiting.popFirst() { connect(for: request) }
    }

    /// Closes what is not at work; what waits is dropped, and nothing may be sent afterwards.
    func close() {
        waiting.removeAll()
        for connection in idle { connection.close() }
    }
}
