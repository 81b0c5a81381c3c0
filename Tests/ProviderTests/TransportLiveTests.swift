import HTTP
import JSON
import OpAMP
import SwiftProtobuf
import Testing

private let uid = InstanceUID(high: 0x0192_0000_0000_7000, low: 0x8000_0000_0000_0042)
private let protobuf = [(name: "Content-Type", value: "application/x-protobuf")]

/// A first message, complete enough to be an agent.
private func report(_ sequence: UInt64) -> AgentToServer {
    .with {
        $0.instanceUid = uid.data
        $0.sequenceNum = sequence
        $0.capabilities = 1
        $0.agentDescription = .init()
    }
}

@Test(.timeLimit(.minutes(5)))
func `an agent is answered over plain HTTP, again and again`() async throws {
    try await TransportTestProvider.with { provider in
        for sequence: UInt64 in 0...2 {
            let answer = try await provider.request(
                .post, "/v1/opamp", headers: protobuf, body: try report(sequence).body())
            #expect(answer.status == 200)
            #expect(answer.contentType == "application/x-protobuf")
            #expect(try ServerToAgent(body: answer.body).instanceUid == uid.data)
        }
    }
}

@Test(.timeLimit(.minutes(5)))
func `what is no message is answered with 400 and the reason in protobuf`() async throws {
    try await TransportTestProvider.with { provider in
        let answer = try await provider.request(.post, "/v1/opamp", headers: protobuf, body: [0xff, 0xff, 0xff])
        #expect(answer.status == 400)
        #expect(answer.contentType == "application/x-protobuf")
        let message = try ServerToAgent(body: answer.body)
        #expect(message.errorResponse.type == .badRequest)
        #expect(!message.errorResponse.errorMessage.isEmpty)
    }
}

@Test(.timeLimit(.minutes(5)))
func `an agent's path without an upgrade says what is missing`() async throws {
    try await TransportTestProvider.with { provider in
        let answer = try await provider.request(.get, "/v1/opamp")
        #expect(answer.status == 426)
        #expect(answer.header("Upgrade") == "websocket")
        let zipped = try await provider.request(
            .post, "/v1/opamp", headers: protobuf + [(name: "Content-Encoding", value: "br")], body: [1])
        #expect(zipped.status == 415)
        #expect(zipped.header("Accept-Encoding") == "gzip")
        #expect(try JSON(parsing: zipped.body)["field"] == "Content-Encoding")
    }
}

@Test(.timeLimit(.minutes(5)))
func `a message over the limit is refused before it is read`() async throws {
    try await TransportTestProvider.with { provider in
        try await TransportTestConnection.with(port: provider.port) { connection in
            try await connection.send(
                "POST /v1/opamp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf\r\n"
                    + "Content-Length: 67108865\r\n\r\n")
            let answer = try await connection.answer()
            #expect(answer.status == 413)
            #expect(answer.fields["connection"] == "close")
            #expect(try await connection.rest() == "")
        }
    }
}

@Test(.timeLimit(.minutes(5)))
func `an agent is answered over a WebSocket, and garbage between messages disturbs nothing`() async throws {
    try await TransportTestProvider.with { provider in
        try await TransportTestConnection.with(port: provider.port) { connection in
            #expect(try await connection.upgrade().hasPrefix("HTTP/1.1 101 "))
            try await connection.sendFrame(2, try report(0).frame())
            #expect(try await connection.message().instanceUid == uid.data)
            try await connection.sendFrame(2, [0, 0xff, 0xff])
            #expect(try await connection.message().errorResponse.type == .badRequest)
            try await connection.sendFrame(9, [1, 2])
            #expect(try await connection.frame() == .init(opcode: 10, bytes: [1, 2]))
            let frame = try report(1).frame()
            try await connection.sendFrame(2, Array(frame[..<5]), fin: false)
            try await connection.sendFrame(0, Array(frame[5...]))
            #expect(try await connection.message().instanceUid == uid.data)
            try await connection.sendFrame(8, [0x03, 0xe8])
            #expect(try await connection.frame().code == 1000)
            #expect(try await connection.rest() == "")
        }
        #expect(try await provider.json("/healthz") == ["status": "ok"])
    }
}

@Test(.timeLimit(.minutes(5)))
func `messages of one WebSocket that come together are each answered, in their order`() async throws {
    try await TransportTestProvider.with { provider in
        try await TransportTestConnection.with(port: provider.port) { connection in
            _ = try await connection.upgrade()
            var bytes: [UInt8] = []
            let agents = (1...20).map { InstanceUID(high: 7, low: $0) }
            for agent in agents {
                var message = report(0)
                message.instanceUid = agent.data
                let frame = try message.frame()
                bytes += TransportTestConnection.header(2, length: frame.count) + frame
            }
            try await connection.send(bytes)
            for agent in agents { #expect(try await connection.message().instanceUid == agent.data) }
        }
    }
}

@Test(.timeLimit(.minutes(5)))
func `a client that does not wait for its answer stays connected, and gets it when it asks again`() async throws {
    try await TransportTestProvider.with { provider in
        for isFirst in [true, false] {
            try await TransportTestConnection.with(port: provider.port) { connection in
                let body = try report(1).body()
                let head =
                    "POST /v1/opamp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf\r\n"
                    + "Content-Length: \(body.count)\r\n\r\n"
                try await connection.send(Array(head.utf8) + body)
                // It has been heard, and goes away without its answer.
                while try await provider.json("/api/v1/info")["agents"] != 1 { try Task.checkCancellation() }
                if isFirst { return }
                let answer = try await connection.answer()
                #expect(answer.status == 200)
                #expect(try ServerToAgent(body: answer.body).instanceUid == uid.data)
            }
            let page = try await provider.json("/api/v1/agents")
            #expect(page["agents"]?.array?.map { $0["status"] } == ["connected"], "also between its requests")
        }
    }
}

@Test(.timeLimit(.minutes(5)), arguments: [(UInt8(1), 5, 1003), (2, (64 << 20) + 1, 1009), (2, 1 << 30, 1009)])
func `a wrong frame ends the WebSocket with its code`(opcode: UInt8, length: Int, code: Int) async throws {
    try await TransportTestProvider.with { provider in
        try await TransportTestConnection.with(port: provider.port) { connection in
            _ = try await connection.upgrade()
            try await connection.send(
                TransportTestConnection.header(opcode, length: length) + Array(repeating: 0x61, count: 5))
            #expect(try await connection.frame().code == code)
            #expect(try await connection.rest() == "")
        }
    }
}

@Test(.timeLimit(.minutes(5)), arguments: [("Origin: http://127.0.0.1\r\n", "403"), ("X-Forwarded-For: 1\r\n", "403")])
func `a refused upgrade is answered like a request`(header: String, status: String) async throws {
    try await TransportTestProvider.with { provider in
        try await TransportTestConnection.with(port: provider.port) { connection in
            let head = try await connection.upgrade(headers: header)
            #expect(head.hasPrefix("HTTP/1.1 \(status) "))
            #expect(head.lowercased().contains("connection: close"))
        }
        try await TransportTestConnection.with(port: provider.port) { connection in
            let head = try await connection.upgrade(host: "evil.example")
            #expect(head.hasPrefix("HTTP/1.1 421 "))
        }
    }
}

@Test(.timeLimit(.minutes(5)))
func `an upgrade to something else is answered as if it had not been asked for`() async throws {
    try await TransportTestProvider.with { provider in
        try await TransportTestConnection.with(port: provider.port) { connection in
            try await connection.send(
                "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")
            #expect(try await connection.head().hasPrefix("HTTP/1.1 200 "))
            #expect(try await connection.rest() == #"{"status":"ok"}"#)
        }
    }
}

@Test(.timeLimit(.minutes(5)))
func `bytes that are not HTTP are answered with 400`() async throws {
    try await TransportTestProvider.with { provider in
        try await TransportTestConnection.with(port: provider.port) { connection in
            try await connection.send("\u{1}\u{2}garbage\r\n\r\n")
            #expect(try await connection.head().hasPrefix("HTTP/1.1 400 "))
            #expect(try await connection.rest() == "")
        }
        try await TransportTestConnection.with(port: provider.port) { connection in
            try await connection.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            #expect(try await connection.head().hasPrefix("HTTP/1.1 200 "))
            try await connection.send("garbage\r\n\r\n")
            #expect(try await connection.rest().hasPrefix(#"{"status":"ok"}HTTP/1.1 400 "#))
        }
    }
}

@Test(.timeLimit(.minutes(5)))
func `a stop sends agents away with 1001 and closes idle connections`() async throws {
    try await TransportTestProvider.with { provider in
        try await TransportTestConnection.with(port: provider.port) { silent in
            try await TransportTestConnection.with(port: provider.port) { idle in
                try await idle.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                _ = try await idle.head()
                try await TransportTestConnection.with(port: provider.port) { agent in
                    _ = try await agent.upgrade()
                    try await agent.sendFrame(2, try report(0).frame())
                    _ = try await agent.message()
                    await provider.stop()
                    #expect(try await agent.message().errorResponse.type == .unavailable)
                    #expect(try await agent.frame().code == 1001)
                    try await agent.sendFrame(8, [0x03, 0xe9])
                    #expect(try await agent.rest() == "")
                }
                #expect(try await idle.rest() == #"{"status":"ok"}"#)
            }
            #expect(try await silent.rest() == "")
        }
    }
}
