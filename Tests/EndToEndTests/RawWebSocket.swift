import OpAMP

/// A WebSocket to a provider that sends whatever bytes a test wants.
struct RawWebSocket {
    struct Frame: Equatable {
        /// 1 text, 2 binary, 8 close, 9 ping, 10 pong.
        let opcode: UInt8
        let payload: [UInt8]
    }

    let socket: RawSocket

    /// Opens the connection; nil when the upgrade is refused.
    init?(to provider: Provider) async {
        socket = RawSocket(port: provider.port)
        await socket.send(
            "GET /v1/opamp HTTP/1.1\r\nHost: 127.0.0.1:\(provider.port)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        let head = await socket.receiveHead()
        // The answer to this key is the one of RFC 6455, section 1.3.
        guard head.hasPrefix("HTTP/1.1 101 "), head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") else { return nil }
    }

    /// Sends one frame, masked with zeros unless told otherwise.
    ///
    /// - Parameter declared: the length in the header; that of the payload when nil.
    func send(
        opcode: UInt8, _ payload: [UInt8], flags: UInt8 = 0x80, isMasked: Bool = true, declared: UInt64? = nil
    ) async {
        let length = declared ?? UInt64(payload.count)
        var frame = [flags | opcode]
        let mask: UInt8 = isMasked ? 0x80 : 0
        switch length {
        case ..<126: frame.append(mask | UInt8(length))
        case ..<65_536: frame += [mask | 126, UInt8(length >> 8), UInt8(length & 0xff)]
        default: frame += [mask | 127] + stride(from: 56, through: 0, by: -8).map { UInt8(length >> $0 & 0xff) }
        }
        await socket.send(frame + (isMasked ? [0, 0, 0, 0] : []) + payload)
    }

    /// Sends a message and waits for the answer.
    func ask(_ message: AgentToServer) async throws -> ServerToAgent? {
        await send(opcode: 2, try message.frame())
        return try await answer()
    }

    /// The next message of the server; nil for a frame of another kind, or the end.
    func answer() async throws -> ServerToAgent? {
        guard let frame = await receive(), frame.opcode == 2 else { return nil }
        return try ServerToAgent(frame: frame.payload)
    }

    /// The next frame but pings, which come when a machine is busy; nil at the end of the connection.
    func receive() async -> Frame? {
        while true {
            let head = await socket.receive(2)
            guard head.count == 2 else { return nil }
            var length = Int(head[1] & 0x7f)
            if length == 126 { length = await socket.receive(2).reduce(0) { $0 << 8 | Int($1) } }
            if length == 127 { length = await socket.receive(8).reduce(0) { $0 << 8 | Int($1) } }
            let frame = Frame(opcode: head[0] & 0x0f, payload: length == 0 ? [] : await socket.receive(length))
            if frame.opcode != 9 { return frame }
        }
    }

    /// Waits for the server's Close frame, answers it, and waits for the end of the connection.
    ///
    /// - Returns: its code.
    func closeCode() async -> Int? {
        guard let frame = await receive(), frame.opcode == 8, frame.payload.count >= 2 else { return nil }
        await send(opcode: 8, frame.payload)
        guard await receive() == nil else { return nil }
        return Int(frame.payload[0]) << 8 | Int(frame.payload[1])
    }
}
