import FleetAPI
import HTTPTypes
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

/// A connection to a provider whose time passes when the test says so.
private func connection(
    _ fleet: Fleet, openFiles: Int = .max, inFlight: Int = 1 << 20, tokens: AgentTokens? = nil,
    showing authorization: String = ""
) throws -> EmbeddedChannel {
    let gate = AgentGate(fleet: fleet, tokens: tokens, isRequired: tokens != nil)
    var limits = TransportLimits()
    (limits.openFiles, limits.inFlightBytes) = (openFiles, inFlight)
    let reception = Reception(
        fleet: fleet, doorkeeper: try Doorkeeper(fleet: fleet, logger: fleet.logger), gate: gate, limits: limits,
        logger: fleet.logger)
    let provider = ProviderChannel(
        responder: { _, _, _ in }, reception: reception, limits: PeerLimits(limits.rates), sockets: OpenSockets())
    let channel = EmbeddedChannel()
    _ = try provider.setup(channel: channel, logger: fleet.logger).wait()
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    return channel
}

/// What has been written since it was last asked.
private func written(to channel: EmbeddedChannel) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while let part = try channel.readOutbound(as: ByteBuffer.self) { bytes += Array(buffer: part) }
    return bytes
}

private func fleet() throws -> Fleet {
    try Fleet(dataDirectory: nil, version: "1.2.3", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
}

@Test(arguments: ["", "GET /v1/opamp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "])
func `a connection whose first head is not there after 30 seconds ends, whatever came of it`(part: String) throws {
    let channel = try connection(try fleet())
    channel.embeddedEventLoop.advanceTime(by: .seconds(10))
    try channel.writeInbound(ByteBuffer(string: part))
    channel.embeddedEventLoop.advanceTime(by: .seconds(19))
    if !part.isEmpty { try channel.writeInbound(ByteBuffer(string: "x")) }
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(!channel.isActive)
}

@Test func `between requests a connection stays for 10 minutes, above the intervals at which agents poll`() throws {
    let channel = try connection(try fleet())
    try channel.writeInbound(ByteBuffer(string: "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"))
    channel.embeddedEventLoop.advanceTime(by: .minutes(9))
    #expect(channel.isActive)
    #expect(ProviderChannel.idleTimeout == .minutes(10))
}

@Test(arguments: ["GET / HTTP/1.1\r\nX-Slow: ", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"])
func `the head of a later request may take 30 seconds from its first byte`(text: String) throws {
    let arrivals = ArrivalHandler()
    let channel = EmbeddedChannel()
    let pipeline = channel.pipeline.syncOperations
    try pipeline.addHandler(arrivals)
    try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: false)
    try pipeline.addHandlers([HTTP1ToHTTPServerCodec(secure: false), HTTPEndHandler(arrivals)])
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    for byte in text.utf8 { try channel.writeInbound(ByteBuffer(bytes: [byte])) }
    channel.embeddedEventLoop.advanceTime(by: .seconds(29))
    if !text.hasSuffix("\r\n\r\n") { try channel.writeInbound(ByteBuffer(string: "x")) }
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(channel.isActive == text.hasSuffix("\r\n\r\n"))
}

@Test func `an idle connection near the limit of open files is closed after 5 seconds`() throws {
    let scarce = try connection(try fleet(), openFiles: OpenConnections.reserve + 20)
    scarce.embeddedEventLoop.advanceTime(by: .seconds(4))
    #expect(scarce.isActive)
    scarce.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(!scarce.isActive)
}

@Test(arguments: [false, true])
func `a request that does not come to its end within 2 minutes ends the connection`(isWhole: Bool) throws {
    let channel = EmbeddedChannel(handler: HTTPEndHandler(ArrivalHandler()))
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    let request = HTTPRequest(method: .post, scheme: "http", authority: "127.0.0.1", path: "/v1/opamp")
    try channel.writeInbound(HTTPRequestPart.head(request))
    channel.embeddedEventLoop.advanceTime(by: .minutes(2) - .seconds(1))
    try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(bytes: [1])))
    if isWhole { try channel.writeInbound(HTTPRequestPart.end(nil)) }
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(channel.isActive == isWhole)
}

/// Notes that the output was closed: an embedded channel knows no half of a close.
private final class OutputEnd: ChannelOutboundHandler {
    typealias OutboundIn = Any

    private(set) var isClosed = false

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .output else { return context.close(mode: mode, promise: promise) }
        isClosed = true
        promise?.succeed()
    }
}

@Test func `after an answer with Connection: close what still comes is read for 2 seconds, then it ends`() throws {
    for isLast in [false, true] {
        let output = OutputEnd()
        let channel = EmbeddedChannel(handlers: [output, HTTPEndHandler(ArrivalHandler())])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        let fields: HTTPFields = isLast ? [.connection: "close"] : [:]
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .ok, headerFields: fields)))
        try channel.writeOutbound(HTTPResponsePart.end(nil))
        #expect(output.isClosed == isLast)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(1_999))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(channel.isActive != isLast)
    }
}

/// Opens a WebSocket.
///
/// - Parameter headers: more lines, each with its end.
private func upgrade(_ channel: EmbeddedChannel, headers: String = "") throws {
    try channel.writeInbound(
        ByteBuffer(
            string: "GET /v1/opamp HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\(headers)\r\n"))
    channel.embeddedEventLoop.run()
    let head = String(decoding: try written(to: channel), as: UTF8.self)
    #expect(head.hasPrefix("HTTP/1.1 101 "))
}

@Test(arguments: [true, false])
func `a WebSocket whose token is gone is closed with 1008, with its next message or ping`(hasMessage: Bool) async throws
{
    let (kept, gone) = ("kept-token-0123456789", "gone-token-0123456789")
    try await withTokenFile("\(kept)\n\(gone)\n") { tokens, replace in
        let fleet = try fleet()
        let channels = try [kept, gone].map { token in
            let channel = try connection(fleet, tokens: tokens, showing: "Bearer \(token)")
            try upgrade(channel, headers: "Authorization: Bearer \(token)\r\n")
            return channel
        }
        try replace(kept)
        #expect(!tokens.accept(["Bearer \(gone)"], at: Moment.now() + .seconds(5)), "it has been read again")
        var answers: [[UInt8]] = []
        for channel in channels {
            // A ping with a mask of zeros.
            if hasMessage {
                try channel.writeInbound(ByteBuffer(bytes: [0x89, 0x80, 0, 0, 0, 0]))
            } else {
                channel.embeddedEventLoop.advanceTime(by: .seconds(30))
            }
            answers.append(try written(to: channel))
        }
        #expect(answers == [hasMessage ? [0x8a, 0] : [0x89, 0], [0x88, 2, 0x03, 0xf0]])
        for channel in channels { channel.embeddedEventLoop.advanceTime(by: .seconds(2)) }
        #expect(channels.map(\.isActive) == [true, false])
    }
}

/// Sends a message in one frame, masked with zeros.
private func send(_ message: AgentToServer, to channel: EmbeddedChannel) throws {
    let bytes: [UInt8] = [0] + (try message.serializedBytes())
    let length = UInt16(bytes.count)
    let header: [UInt8] =
        length < 126
        ? [0x82, 0x80 | UInt8(length)] : [0x82, 0x80 | 126, UInt8(length >> 8), UInt8(truncatingIfNeeded: length)]
    try channel.writeInbound(ByteBuffer(bytes: header + [0, 0, 0, 0] + bytes))
    channel.embeddedEventLoop.run()
}

private func closing(_ code: UInt16) -> [UInt8] { [0x88, 2, UInt8(code >> 8), UInt8(truncatingIfNeeded: code)] }

@Test func `an agent that is refused as soon as it has come is kept for 30 seconds, since it would be back at once`()
    async throws
{
    let fleet = try fleet()
    var agent = Reporter()
    fleet.receive(agent.full(), over: exchange()) { _ in }
    let block = AdmissionRequest.Decision(agent.uid.description, .block)
    _ = try await fleet.decide(AdmissionRequest([block]), caller: Caller(name: "ann", address: "127.0.0.1"))

    let channel = try connection(fleet)
    try upgrade(channel)
    try send(agent.full(), to: channel)
    let refusal = try written(to: channel)
    #expect(refusal.first == 0x82 && String(decoding: refusal, as: UTF8.self).contains("blocked"))
    try send(agent.beat(), to: channel)
    channel.embeddedEventLoop.advanceTime(by: .milliseconds(29_999))
    #expect(try written(to: channel) == [], "it is not heard any more")
    channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
    #expect(try written(to: channel).suffix(4) == closing(1008))
    channel.embeddedEventLoop.advanceTime(by: .seconds(2))
    #expect(!channel.isActive)
}

@Test func `an agent that has been there for a while is closed at once when another session replaces it`() throws {
    let fleet = try fleet()
    var agent = Reporter()
    let old = try connection(fleet)
    try upgrade(old)
    try send(agent.full(), to: old)
    old.embeddedEventLoop.advanceTime(by: .seconds(30))
    _ = try written(to: old)
    let young = try connection(fleet)
    try upgrade(young)
    try send(agent.full(), to: young)
    old.embeddedEventLoop.run()
    #expect(try written(to: old) == closing(1008))

    // A copy of the agent, so alike that it is taken for it: the two take turns slowly.
    let copy = try connection(fleet)
    try upgrade(copy)
    try send(agent.full(), to: copy)
    _ = try written(to: young)
    young.embeddedEventLoop.advanceTime(by: .seconds(29))
    #expect(try written(to: young) == [])
    young.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(try written(to: young).suffix(4) == closing(1008))
}

@Test func `an agent for which there is no room is told so, and closed with 1013 after 30 seconds`() throws {
    let channel = try connection(try fleet(), inFlight: 10)
    var agent = Reporter()
    try upgrade(channel)
    let large: [UInt8] = [0x82, 0x80 | 126, 0x20, 0, 0, 0, 0, 0] + Array(repeating: 0, count: 8_000)
    try channel.writeInbound(ByteBuffer(bytes: large))
    let answer = try written(to: channel)
    #expect(String(decoding: answer, as: UTF8.self).contains(InFlightBytes.reason))
    try send(agent.full(), to: channel)
    channel.embeddedEventLoop.advanceTime(by: .seconds(29))
    #expect(try written(to: channel) == [])
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(try written(to: channel).suffix(4) == closing(1013))
}

@Test func `a WebSocket is pinged each 30 seconds, and closed when three pings are not answered`() throws {
    let channel = try connection(try fleet())
    try upgrade(channel)
    let ping: [UInt8] = [0x89, 0]
    for _ in 1...20 {
        channel.embeddedEventLoop.advanceTime(by: .seconds(30))
        #expect(try written(to: channel) == ping)
        try channel.writeInbound(ByteBuffer(bytes: [0x8a, 0x80, 0, 0, 0, 0]))
    }
    for _ in 1...3 {
        channel.embeddedEventLoop.advanceTime(by: .seconds(30))
        #expect(try written(to: channel) == ping)
    }
    channel.embeddedEventLoop.advanceTime(by: .seconds(29))
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(!channel.isActive)
}
