import FoundationEssentials
import HTTP
import JSON
import OpAMP
import TestSupport
import Testing

/// Bytes that no agent should send are answered as the specification says, and disturb nobody else.
@Suite(.timeLimit(.minutes(5))) struct AgentInputTests {
    private static let messages: [(what: String, bytes: [UInt8])] = {
        var agent = TestAgent(1)
        let whole = (try? agent.message().body()) ?? []
        agent.uid.removeLast()
        let short = (try? agent.message().body()) ?? []
        return [
            ("garbage", Array("GET / HTTP/1.1".utf8)), ("a cut message", whole.dropLast(3)),
            ("a wrong wire type", [0x0d, 1, 2, 3]), ("a uid of 15 bytes", short), ("no uid", [0x10, 1]),
        ]
    }()

    /// Runs a test beside five agents, and checks that these noticed nothing.
    private func besideOthers(_ body: (Provider) async throws -> Void) async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            let fleet = try await stage.fleet(of: 5, at: provider, "--stats")
            try await body(provider)
            let server = try stage.server(provider.url)
            let answer = try await server.call("restart_agent", ["agent": "web-17"])
            #expect(answer.text.hasPrefix("confirmed: restart of web-17 ("))
            let counts = try JSON(parsing: try await fleet.line())
            #expect(counts["connected"] == 5)
            #expect(counts["reconnects"] == 0)
            #expect(counts["malformed"] == 0)
            #expect(try await provider.agents("type:fluent-bit|fluentd status:connected").count == 5)
            #expect(provider.child.log == "")
        }
    }

    private func post(_ body: [UInt8], to provider: Provider, _ headers: (String, String)...) async throws
        -> HTTPResponse
    {
        let fields = headers.isEmpty ? [("Content-Type", "application/x-protobuf")] : headers
        let named = fields.map { (name: $0.0, value: $0.1) }
        return try await HTTPClient().send(
            HTTPRequest(.post, "\(provider.url)/v1/opamp", headers: named, body: body))
    }

    @Test func `over HTTP a message that cannot be read is a bad request, in protobuf`() async throws {
        try await besideOthers { provider in
            for (what, bytes) in Self.messages {
                let response = try await post(bytes, to: provider)
                #expect(response.status == 400, "\(what)")
                #expect(response.contentType == "application/x-protobuf", "\(what)")
                let answer = try ServerToAgent(body: response.body)
                #expect(answer.errorResponse.type == .badRequest, "\(what)")
                #expect(!answer.errorResponse.errorMessage.isEmpty, "\(what)")
            }
            var agent = TestAgent(1)
            let response = try await post(try agent.message().body(), to: provider)
            #expect(response.status == 200)
            #expect(try !ServerToAgent(body: response.body).hasErrorResponse)
        }
    }

    @Test func `over HTTP the head is judged before the body`() async throws {
        try await besideOthers { provider in
            var agent = TestAgent(1)
            let body = try agent.message().body()
            #expect(try await post(body, to: provider, ("Content-Type", "application/json")).status == 415)
            let packed = [("Content-Type", "application/x-protobuf"), ("Content-Encoding", "br")]
            #expect(try await post(body, to: provider, packed[0], packed[1]).status == 415)
            let get = try await HTTPClient().send(HTTPRequest(.get, "\(provider.url)/v1/opamp"))
            #expect(get.status == 426)
            #expect(get.header("upgrade") == "websocket")
            let delete = try await HTTPClient().send(HTTPRequest(.delete, "\(provider.url)/v1/opamp"))
            #expect(delete.status == 405)
            let socket = RawSocket(port: provider.port)
            await socket.send(
                "POST /v1/opamp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf\r\n"
                    + "Content-Length: \(64 << 20 + 1)\r\n\r\n")
            #expect(await socket.receiveHead().hasPrefix("HTTP/1.1 413 "))
            #expect(try await provider.get("info")["agents"] == 5)
        }
    }

    @Test func `over HTTP a message may be compressed, and must be of the agent in its header`() async throws {
        try await besideOthers { provider in
            var agent = TestAgent(5)
            let type = ("Content-Type", "application/x-protobuf; charset=utf-8")
            let packed = ("Content-Encoding", "gzip")
            let uid = "05050505-0505-0505-0505-050505050505"
            let gzip = storedGzip(try agent.message().body())
            let response = try await post(gzip, to: provider, type, packed, ("OpAMP-Instance-UID", uid))
            #expect(response.status == 200)
            #expect(try ServerToAgent(body: response.body).instanceUid == .init(agent.uid))
            let other = uid.replacing("05", with: "06")
            let wrong = try await post(try agent.message().body(), to: provider, type, ("OpAMP-Instance-UID", other))
            #expect(wrong.status == 400)
            let reason = try ServerToAgent(body: wrong.body).errorResponse.errorMessage
            #expect(reason.contains(other) && reason.contains(uid.replacing("-", with: "")))
            let broken = try await post(gzip.dropLast(), to: provider, type, packed)
            #expect(broken.status == 400)
            #expect(try ServerToAgent(body: broken.body).errorResponse.type == .badRequest)
        }
    }

    @Test func `a message over 4 MiB of an agent that is not approved is refused before it is read`() async throws {
        try await besideOthers { provider in
            let strange = RawSocket(port: provider.port)
            await strange.send(
                "POST /v1/opamp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf\r\n"
                    + "Content-Length: \(4 << 20 + 1)\r\n\r\n")
            let head = await strange.receiveHead()
            #expect(head.hasPrefix("HTTP/1.1 413 "))
            #expect(head.lowercased().contains("connection: close"))
            let socket = try #require(await RawWebSocket(to: provider))
            await socket.send(opcode: 2, [0], declared: 4 << 20 + 1)
            #expect(await socket.closeCode() == 1009)
        }
    }

    /// A gzip of bytes that are stored as they are. Spec: RFC 1951, section 3.2.4; RFC 1952.
    private func storedGzip(_ bytes: [UInt8]) -> [UInt8] {
        var sum: UInt32 = 0xffff_ffff
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 0 ? sum >> 1 : sum >> 1 ^ 0xedb8_8320 }
        }
        let little = { (value: UInt32, count: Int) in (0..<count).map { UInt8(value >> (8 * $0) & 0xff) } }
        let size = UInt32(bytes.count)
        let header: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1]
        return header + little(size, 2) + little(~size, 2) + bytes + little(~sum, 4) + little(size, 4)
    }

    @Test func `over a WebSocket a message that cannot be read is answered, and the next is taken`() async throws {
        try await besideOthers { provider in
            let socket = try #require(await RawWebSocket(to: provider))
            let headers: [(what: String, bytes: [UInt8])] = [("no byte", []), ("an unknown header", [1, 2, 3])]
            for (what, bytes) in headers + Self.messages.map({ ($0.what, [0] + $0.bytes) }) {
                await socket.send(opcode: 2, bytes)
                let answer = try #require(try await socket.answer(), "\(what)")
                #expect(answer.errorResponse.type == .badRequest, "\(what)")
            }
            var agent = TestAgent(1)
            let answer = try #require(try await socket.ask(agent.message()))
            #expect(!answer.hasErrorResponse)
            #expect(answer.instanceUid == .init(agent.uid))
            await socket.send(opcode: 9, [1, 2, 3])
            #expect(await socket.receive() == .init(opcode: 10, payload: [1, 2, 3]))
            await socket.send(opcode: 8, [0x03, 0xe8])
            #expect(await socket.closeCode() == 1000)
            #expect(try await provider.agents("type:test-agent").first?["status"] == "disconnected")
        }
    }

    @Test func `over a WebSocket frames that may not be end the connection with their code`() async throws {
        try await besideOthers { provider in
            let frames: [(what: String, code: Int, send: (RawWebSocket) async -> Void)] = [
                ("text", 1003, { await $0.send(opcode: 1, Array("hello".utf8)) }),
                ("too large", 1009, { await $0.send(opcode: 2, [0], declared: 64 << 20 + 1) }),
                ("unmasked", 1002, { await $0.send(opcode: 2, [0], isMasked: false) }),
                ("a reserved bit", 1002, { await $0.send(opcode: 2, [0], flags: 0xc0) }),
                ("a reserved opcode", 1002, { await $0.send(opcode: 3, [0]) }),
                ("a continuation of nothing", 1002, { await $0.send(opcode: 0, [0]) }),
            ]
            for (what, code, send) in frames {
                var agent = TestAgent(2)
                let socket = try #require(await RawWebSocket(to: provider))
                #expect(try await socket.ask(agent.message()) != nil)
                await send(socket)
                #expect(await socket.closeCode() == code, "\(what)")
            }
        }
    }

    @Test func `a connection that ends within a frame is an agent that has gone`() async throws {
        try await besideOthers { provider in
            var agent = TestAgent(3)
            let socket = try #require(await RawWebSocket(to: provider))
            for _ in 0..<2 { #expect(try await socket.ask(agent.message()) != nil) }
            await socket.send(opcode: 2, [0, 1, 2], declared: 1000)
            socket.socket.end()
            _ = try await provider.wait(for: "agents?filter=type%3Atest-agent") {
                $0["agents"]?.array?.first?["status"] == "disconnected"
            }
        }
    }

    @Test func `random and cut messages are answered one by one`() async throws {
        var random = SeededRandom()
        try await besideOthers { provider in
            let socket = try #require(await RawWebSocket(to: provider))
            var agent = TestAgent(4)
            for _ in 0..<200 {
                var bytes = try agent.message().body()
                switch UInt8.random(in: 0..<3, using: &random) {
                case 0:
                    bytes = (0..<Int.random(in: 0..<200, using: &random)).map { _ in
                        .random(in: 0...255, using: &random)
                    }
                case 1: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
                default: bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
                }
                let response = try await post(bytes, to: provider)
                #expect([200, 400].contains(response.status))
                _ = try ServerToAgent(body: response.body)
                await socket.send(opcode: 2, [0] + bytes)
                #expect(try await socket.answer() != nil)
            }
        }
    }
}
