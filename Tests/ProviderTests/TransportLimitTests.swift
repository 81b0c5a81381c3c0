import JSON
import OpAMP
import Provider
import SwiftProtobuf
import Testing

private let uid = InstanceUID(high: 0x0192_0000_0000_7000, low: 0x8000_0000_0000_0088)
private let stranger = InstanceUID(high: 0x0192_0000_0000_7000, low: 0x8000_0000_0000_0099)

/// A message of so many bytes.
private func report(_ bytes: Int, sequence: UInt64 = 0, of uid: InstanceUID = uid) throws -> [UInt8] {
    var message = AgentToServer.with {
        $0.instanceUid = uid.data
        $0.sequenceNum = sequence
        $0.capabilities = 1
        $0.agentDescription = .init()
        $0.health.lastError = ""
    }
    let rest = bytes - (try message.body().count) - 8
    message.health.lastError = String(repeating: "e", count: max(0, rest))
    while try message.body().count < bytes, rest > 0 { message.health.lastError += "e" }
    return try message.body()
}

private func limits(messages: Int = 100_000, strangers: Int = 10_000, inFlight: Int = 1 << 20) -> TransportLimits {
    var limits = TransportLimits()
    (limits.messageBytes, limits.strangerBytes, limits.inFlightBytes) = (messages, strangers, inFlight)
    return limits
}

@Test func `the limits are those of the specification and the design`() {
    let limits = TransportLimits()
    #expect(limits.messageBytes == 64 << 20)
    #expect(limits.strangerBytes == 4 << 20)
    #expect(limits.inFlightBytes == 256 << 20)
    #expect(TransportLimits(messageMiB: 8).messageBytes == 8 << 20)
}

@Test(.timeLimit(.minutes(5)), arguments: [false, true])
func `over HTTP a message over 4 MiB is taken only when the header names an approved agent`(isChunked: Bool)
    async throws
{
    func post(
        _ body: [UInt8], _ headers: String, to connection: inout TransportTestConnection
    ) async throws -> TransportTestConnection.Answer {
        guard isChunked else { return try await connection.post(body, headers: headers) }
        let head =
            "POST /v1/opamp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf; charset=utf-8\r\n"
            + "Transfer-Encoding: chunked\r\n\(headers)\r\n\(String(body.count, radix: 16))\r\n"
        try await connection.send(Array(head.utf8) + body + Array("\r\n0\r\n\r\n".utf8))
        return try await connection.answer()
    }
    try await TransportTestProvider.with(limits: limits()) { provider in
        let name = "OpAMP-Instance-UID: \(uid)\r\n"
        for headers in ["", name] {
            try await TransportTestConnection.with(port: provider.port) { connection in
                let answer = try await post(try report(10_001), headers, to: &connection)
                #expect(answer.status == 413)
                #expect(String(decoding: answer.body, as: UTF8.self).contains("OpAMP-Instance-UID"))
            }
        }
        try await TransportTestConnection.with(port: provider.port) { connection in
            let small = try await post(try report(10_000), "", to: &connection)
            let large = try await post(try report(100_000, sequence: 1), name, to: &connection)
            let nameless = try await post(try report(10_001, sequence: 2), "", to: &connection)
            #expect([small, large, nameless].map(\.status) == [200, 200, 413])
        }
        try await TransportTestConnection.with(port: provider.port) { connection in
            let answer = try await post(try report(100_001, sequence: 2), name, to: &connection)
            #expect(answer.status == 413)
            #expect(!String(decoding: answer.body, as: UTF8.self).contains("OpAMP-Instance-UID"))
        }
        try await TransportTestConnection.with(port: provider.port) { connection in
            let other = try report(20_000, of: stranger)
            let answer = try await post(other, name, to: &connection)
            #expect(answer.status == 400)
        }
    }
}

@Test(.timeLimit(.minutes(5)))
func `the limit counts what a message unpacks to, and a gzip bomb is refused quickly`() async throws {
    let bomb = Compression.gzip.compress([UInt8](repeating: 0, count: 100 << 20))
    #expect(bomb.count < 110_000)
    try await TransportTestProvider.with { provider in
        try await TransportTestConnection.with(port: provider.port) { connection in
            let start = ContinuousClock.now
            let answer = try await connection.post(bomb, headers: "Content-Encoding: gzip\r\n")
            #expect(answer.status == 413)
            // It stops at 4 MiB of the 100 MiB.
            #expect(ContinuousClock.now - start < .seconds(60))
        }
        try await TransportTestConnection.with(port: provider.port) { connection in
            let packed = Compression.gzip.compress(try report(4 << 20))
            let known = try await connection.post(packed, headers: "Content-Encoding: gzip\r\n")
            #expect(known.status == 200)
            let name = "OpAMP-Instance-UID: \(uid)\r\n"
            let answer = try await connection.post(bomb, headers: "Content-Encoding: gzip\r\n" + name)
            #expect(answer.status == 413)
        }
        #expect(try await provider.json("/healthz") == ["status": "ok"])
    }
}

@Test(.timeLimit(.minutes(5)))
func `on a WebSocket a frame over 4 MiB is refused by its header, until an approved agent has spoken`() async throws {
    try await TransportTestProvider.with(limits: limits()) { provider in
        try await TransportTestConnection.with(port: provider.port) { connection in
            _ = try await connection.upgrade()
            try await connection.send(TransportTestConnection.header(2, length: 10_001))
            #expect(try await connection.frame().code == 1009)
            #expect(try await connection.rest() == "")
        }
        try await TransportTestConnection.with(port: provider.port) { connection in
            _ = try await connection.upgrade()
            try await connection.sendFrame(2, [0] + (try report(9_999)))
            #expect(try await connection.message().instanceUid == uid.data)
            try await connection.sendFrame(2, [0] + (try report(99_999, sequence: 1)))
            #expect(try await connection.message().instanceUid == uid.data)
            let large = [0] + (try report(99_999, sequence: 2))
            try await connection.sendFrame(2, Array(large[..<60_000]), fin: false)
            try await connection.sendFrame(0, Array(large[60_000...]))
            #expect(try await connection.message().instanceUid == uid.data)
            try await connection.send(TransportTestConnection.header(2, length: 100_001))
            #expect(try await connection.frame().code == 1009)
        }
        // The upgrade may name the agent.
        try await TransportTestConnection.with(port: provider.port) { connection in
            _ = try await connection.upgrade(headers: "OpAMP-Instance-UID: \(uid)\r\n")
            try await connection.sendFrame(2, [0] + (try report(50_000, sequence: 3)))
            #expect(try await connection.message().instanceUid == uid.data)
        }
        try await TransportTestConnection.with(port: provider.port) { connection in
            _ = try await connection.upgrade(headers: "OpAMP-Instance-UID: \(stranger)\r\n")
            try await connection.sendFrame(2, Array(repeating: 0, count: 6_000), fin: false)
            try await connection.send(TransportTestConnection.header(0, length: 6_000))
            #expect(try await connection.frame().code == 1009)
        }
    }
}

@Test(.timeLimit(.minutes(5)))
func `beyond the bytes in flight agents are told to come again later, and heartbeats are taken`() async throws {
    try await TransportTestProvider.with(limits: limits(inFlight: 10_000)) { provider in
        try await TransportTestConnection.with(port: provider.port) { holder in
            _ = try await holder.upgrade()
            try await holder.sendFrame(2, Array(repeating: 0, count: 9_000), fin: false)
            // The answer to a ping says that the fragment has been taken.
            try await holder.sendFrame(9, [1])
            #expect(try await holder.frame() == .init(opcode: 10, bytes: [1]))

            try await TransportTestConnection.with(port: provider.port) { connection in
                let answer = try await connection.post(try report(10_000))
                #expect(answer.status == 503)
                #expect((30...60).contains(answer.fields["retry-after"].flatMap { Int($0) } ?? 0))
                let error = try ServerToAgent(body: answer.body).errorResponse
                #expect(error.type == .unavailable)
                #expect((30_000_000_000...60_000_000_000).contains(error.retryInfo.retryAfterNanoseconds))
                #expect(try await connection.post(try report(100)).status == 200)
                let packed = Compression.gzip.compress(try report(10_000, sequence: 1))
                #expect(packed.count < 200)
                #expect(try await connection.post(packed, headers: "Content-Encoding: gzip\r\n").status == 503)
            }
            try await TransportTestConnection.with(port: provider.port) { connection in
                _ = try await connection.upgrade()
                try await connection.sendFrame(2, [0] + (try report(100, sequence: 2)))
                #expect(try await connection.message().hasErrorResponse == false)
                let large = [0] + (try report(10_000, sequence: 3))
                try await connection.send(TransportTestConnection.header(2, length: large.count))
                try await connection.send(Array(large.dropLast()))
                let error = try await connection.message().errorResponse
                #expect(error.type == .unavailable)
                #expect((30_000_000_000...60_000_000_000).contains(error.retryInfo.retryAfterNanoseconds))
            }
            try await holder.sendFrame(0, [])
            #expect(try await holder.message().errorResponse.type == .badRequest)
        }
        try await TransportTestConnection.with(port: provider.port) { connection in
            let answer = try await connection.post(try report(10_000, sequence: 4))
            #expect(answer.status == 200)
        }
    }
}

@Test(.timeLimit(.minutes(5)))
func `an answer over the limit is not sent: status 500, and nothing over a WebSocket; the log tells`() async throws {
    let log = LogRecorder()
    func dropped() -> Int { log.messages.count { $0 == "a message for an agent was dropped" } }
    try await TransportTestProvider.with(limits: limits(messages: 60, strangers: 60), log: log.logger) { provider in
        let bytes = try AgentToServer.with {
            $0.instanceUid = uid.data
            $0.capabilities = 1
        }.body()
        try await TransportTestConnection.with(port: provider.port) { connection in
            let answer = try await connection.post(bytes)
            #expect(answer.status == 500)
            #expect(answer.body == [])
            #expect(dropped() == 1)
        }
        try await TransportTestConnection.with(port: provider.port) { connection in
            _ = try await connection.upgrade()
            // Another agent: a second sender of the same uid would get a short answer.
            let other = try AgentToServer.with {
                $0.instanceUid = InstanceUID(high: 7, low: 7).data
                $0.capabilities = 1
            }.body()
            try await connection.sendFrame(2, [0] + other)
            try await connection.sendFrame(9, [7])
            #expect(try await connection.frame() == .init(opcode: 10, bytes: [7]))
            #expect(dropped() == 2)
        }
    }
}

@Test(.timeLimit(.minutes(5)))
func `near the limit of open files a new connection is told to come again later, before the upgrade`() async throws {
    var limits = TransportLimits()
    // The margin is 32: one connection is enough.
    limits.openFiles = OpenConnections.reserve + 33
    try await TransportTestProvider.with(limits: limits) { provider in
        try await TransportTestConnection.with(port: provider.port) { open in
            let health = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            try await open.send(health)
            #expect(try await open.answer().status == 200)
            try await TransportTestConnection.with(port: provider.port) { connection in
                let answer = try await connection.post(try report(100))
                #expect(answer.status == 503)
                #expect((30...60).contains(answer.fields["retry-after"].flatMap { Int($0) } ?? 0))
                #expect(answer.fields["connection"] == "close")
                #expect(answer.fields["content-type"] == "application/x-protobuf")
                #expect(try ServerToAgent(body: answer.body).errorResponse.type == .unavailable)
                #expect(try await connection.rest() == "")
            }
            try await TransportTestConnection.with(port: provider.port) { connection in
                let head = try await connection.upgrade()
                #expect(head.hasPrefix("HTTP/1.1 503 "))
                #expect(head.lowercased().contains("retry-after: "))
                #expect(head.lowercased().contains("connection: close"))
            }
            try await open.send(health)
            #expect(try await open.answer().status == 200)
        }
        // The end of a connection is noticed a little later.
        var status = 503
        while status == 503 {
            try await TransportTestConnection.with(port: provider.port) { connection in
                status = try await connection.post(try report(100)).status
            }
            try Task.checkCancellation()
        }
        #expect(status == 200)
    }
}

@Test(.timeLimit(.minutes(5)))
func `at the limit of open files connections are closed at once, and those that are open are served`() async throws {
    var limits = TransportLimits()
    limits.openFiles = OpenConnections.reserve + 33
    try await TransportTestProvider.with(limits: limits) { provider in
        let health = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        /// Opens so many connections that say nothing, then one that is too many.
        func crowd(_ count: Int) async throws {
            try await TransportTestConnection.with(port: provider.port) { connection in
                if count > 0 { return try await crowd(count - 1) }
                #expect(try await connection.rest() == "")
            }
        }
        try await TransportTestConnection.with(port: provider.port) { open in
            try await open.send(health)
            #expect(try await open.answer().status == 200)
            try await crowd(50)
            try await open.send(health)
            #expect(try await open.answer().status == 200)
        }
        var isServed = false
        while !isServed {
            try await TransportTestConnection.with(port: provider.port) { connection in
                // A connection that is too many ends before it is written to, or while.
                isServed = (try? await connection.post(try report(100)).status) == 200
            }
            try Task.checkCancellation()
        }
        #expect(isServed)
    }
}

@Test(.timeLimit(.minutes(5)))
func `permessage-deflate is declined, and a compressed frame closes with 1002`() async throws {
    try await TransportTestProvider.with { provider in
        try await TransportTestConnection.with(port: provider.port) { connection in
            let head = try await connection.upgrade(
                headers: "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n")
            #expect(head.hasPrefix("HTTP/1.1 101 "))
            #expect(!head.lowercased().contains("sec-websocket-extensions"))
            try await connection.sendFrame(2, [0] + (try report(100)))
            #expect(try await connection.message().instanceUid == uid.data)
            var frame = TransportTestConnection.header(2, length: 3) + [1, 2, 3]
            frame[0] |= 0x40
            try await connection.send(frame)
            #expect(try await connection.frame().code == 1002)
        }
    }
}
