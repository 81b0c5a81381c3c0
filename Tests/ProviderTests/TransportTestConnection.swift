import NIOCore
import NIOPosix
import NIOSSL
import OpAMP

/// A connection to a provider: bytes as they are on the wire, or under TLS.
struct TransportTestConnection {
    /// What came back over a WebSocket.
    struct Frame: Equatable {
        let opcode: UInt8
        let bytes: [UInt8]

        /// The code of a Close frame.
        var code: Int? { opcode == 8 && bytes.count >= 2 ? Int(bytes[0]) << 8 | Int(bytes[1]) : nil }
    }

    struct Ended: Error {}

    private var received = ByteBuffer()
    private var inbound: AsyncStream<ByteBuffer>.Iterator
    private let channel: any Channel

    /// Connects, hands the connection over, and closes it.
    ///
    /// - Parameter tls: by which it is opened; nil: plain.
    static func with(
        port: Int, tls: NIOSSLContext? = nil, _ body: (inout TransportTestConnection) async throws -> Void
    ) async throws {
        let (inbound, continuation) = AsyncStream.makeStream(of: ByteBuffer.self)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        let handler = try NIOSSLClientHandler(context: tls, serverHostname: nil)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    try channel.pipeline.syncOperations.addHandler(Receiver(continuation))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        defer { channel.close(promise: nil) }
        var connection = TransportTestConnection(inbound: inbound.makeAsyncIterator(), channel: channel)
        try await body(&connection)
    }

    private init(inbound: AsyncStream<ByteBuffer>.Iterator, channel: any Channel) {
        (self.inbound, self.channel) = (inbound, channel)
    }

    private final class Receiver: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let bytes: AsyncStream<ByteBuffer>.Continuation

        init(_ bytes: AsyncStream<ByteBuffer>.Continuation) {
            self.bytes = bytes
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            bytes.yield(unwrapInboundIn(data))
        }

        func channelInactive(context: ChannelHandlerContext) {
            bytes.finish()
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
    }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    /// The head of the next answer, up to the empty line.
    mutating func head() async throws -> String {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) { head += try await take(1) }
        return String(decoding: head, as: UTF8.self)
    }

    /// An HTTP answer with a length.
    struct Answer {
        let status: Int
        /// Names in lower case.
        let fields: [String: String]
        let body: [UInt8]
    }

    /// Sends a message of an agent over HTTP, without any header field that is not needed.
    ///
    /// - Parameter headers: more lines, each with its end.
    mutating func post(_ body: [UInt8], headers: String = "") async throws -> Answer {
        // In one piece: the answer may come, and with it the end, before a second one.
        let head =
            "POST /v1/opamp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf\r\n"
            + "Content-Length: \(body.count)\r\n\(headers)\r\n"
        try await send(Array(head.utf8) + body)
        return try await answer()
    }

    /// The next HTTP answer.
    mutating func answer() async throws -> Answer {
        let lines = try await head().split(separator: "\r\n")
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ": ", maxSplits: 1)
            if parts.count == 2 { fields[parts[0].lowercased()] = String(parts[1]) }
        }
        let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return Answer(
            status: status, fields: fields, body: try await take(fields["content-length"].flatMap { Int($0) } ?? 0))
    }

    /// The next chunk of an answer without a length; empty at its end.
    mutating func chunk() async throws -> String {
        var line: [UInt8] = []
        while !line.suffix(2).elementsEqual("\r\n".utf8) { line += try await take(1) }
        let size = Int(String(decoding: line.dropLast(2), as: UTF8.self), radix: 16) ?? 0
        return String(decoding: try await take(size + 2).dropLast(2), as: UTF8.self)
    }

    /// Everything up to the end of the connection.
    mutating func rest() async throws -> String {
        while let more = await inbound.next(isolation: #isolation) { received.writeImmutableBuffer(more) }
        return String(buffer: received)
    }

    /// Opens a WebSocket; returns the head of the answer.
    mutating func upgrade(headers: String = "", host: String = "127.0.0.1") async throws -> String {
        try await send(
            "GET /v1/opamp HTTP/1.1\r\nHost: \(host)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\(headers)\r\n")
        return try await head()
    }

    /// Sends a frame under a mask of zeros, which changes nothing.
    func sendFrame(_ opcode: UInt8, _ bytes: [UInt8] = [], fin: Bool = true) async throws {
        try await send(Self.header(opcode, length: bytes.count, fin: fin) + bytes)
    }

    static func header(_ opcode: UInt8, length: Int, fin: Bool = true) -> [UInt8] {
        let first = (fin ? 0x80 : 0) | opcode
        let mask: [UInt8] = [0, 0, 0, 0]
        if length < 126 { return [first, 0x80 | UInt8(length)] + mask }
        let size = stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: length >> $0) }
        return [first, 0x80 | 127] + size + mask
    }

    mutating func frame() async throws -> Frame {
        let start = try await take(2)
        var length = Int(start[1])
        if length == 126 { length = try await take(2).reduce(0) { $0 << 8 | Int($1) } }
        if length == 127 { length = try await take(8).reduce(0) { $0 << 8 | Int($1) } }
        return Frame(opcode: start[0] & 0x0f, bytes: try await take(length))
    }

    mutating func message() async throws -> ServerToAgent {
        try ServerToAgent(frame: try await frame().bytes)
    }

    private mutating func take(_ count: Int) async throws -> [UInt8] {
        while received.readableBytes < count {
            guard let more = await inbound.next(isolation: #isolation) else { throw Ended() }
            received.writeImmutableBuffer(more)
        }
        return received.readBytes(length: count) ?? []
    }
}
