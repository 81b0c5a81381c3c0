import HTTP
import JSON
import OpAMP
import Provider
import SwiftProtobuf
import Testing

private let uid = InstanceUID(high: 0x0192_0000_0000_7000, low: 0x8000_0000_0000_0077)

private func report(_ sequence: UInt64) -> AgentToServer {
    .with {
        $0.instanceUid = uid.data
        $0.sequenceNum = sequence
        $0.capabilities = 1
        if sequence == 0 {
            $0.agentDescription.identifyingAttributes = [
                .with {
                    $0.key = "service.name"
                    $0.value.stringValue = String(repeating: "agent-", count: 200)
                }
            ]
            $0.customCapabilities.capabilities = [CustomCapability.chatOps]
        }
    }
}

@Test(.timeLimit(.minutes(5)))
func `one connection takes many messages, without any header that is not needed`() async throws {
    try await TransportTestProvider.with { provider in
        try await TransportTestConnection.with(port: provider.port) { connection in
            for sequence: UInt64 in 0..<200 {
                let answer = try await connection.post(try report(sequence).body())
                #expect(answer.status == 200)
                #expect(answer.fields["content-encoding"] == nil)
                #expect(answer.fields["vary"] == "Accept-Encoding")
                let message = try ServerToAgent(body: answer.body)
                #expect(message.instanceUid == uid.data)
                #expect(message.flags == 0)
            }
        }
    }
}

@Test(.timeLimit(.minutes(5)))
func `a message may be compressed with gzip, in several members too`() async throws {
    try await TransportTestProvider.with { provider in
        try await TransportTestConnection.with(port: provider.port) { connection in
            for (sequence, coding) in ["gzip", "GZIP", "x-gzip", "gzip, identity", "identity"].enumerated() {
                let bytes = try report(UInt64(sequence)).body()
                let half = bytes.count / 2
                let packed =
                    Compression.gzip.compress(Array(bytes[..<half])) + Compression.gzip.compress(Array(bytes[half...]))
                let answer = try await connection.post(
                    coding == "identity" ? bytes : packed, headers: "Content-Encoding: \(coding)\r\n")
                #expect(answer.status == 200, "\(coding)")
                #expect(try ServerToAgent(body: answer.body).instanceUid == uid.data)
            }
            for wrong in [[], [1, 2, 3], Compression.gzip.compress(try report(9).body()).dropLast()] as [[UInt8]] {
                let answer = try await connection.post(wrong, headers: "Content-Encoding: gzip\r\n")
                #expect(answer.status == 400)
                let error = try ServerToAgent(body: answer.body).errorResponse
                #expect(error.type == .badRequest)
                #expect(error.errorMessage.contains("gzip"))
            }
            let empty = try await connection.post(Compression.gzip.compress([]), headers: "Content-Encoding: gzip\r\n")
            #expect(empty.status == 400)
            #expect(try ServerToAgent(body: empty.body).errorResponse.errorMessage.contains("instance_uid"))
        }
        #expect(try await provider.json("/api/v1/info")["agents"] == 1)
    }
}

@Test(.timeLimit(.minutes(5)))
func `a large answer is compressed when the agent asks for it, and a small one is not`() async throws {
    try await TransportTestProvider.with { provider in
        try await TransportTestConnection.with(port: provider.port) { connection in
            let fields = "Accept-Encoding: deflate\r\nACCEPT-ENCODING: gzip;q=0.5\r\n"
            let small = try await connection.post(try report(0).body(), headers: fields)
            #expect(small.status == 200)
            #expect(small.fields["content-encoding"] == nil)
            for (sequence, isAsked) in [(1, true), (2, false)] {
                let command: JSON = [
                    "command": "chatops",
                    "parameters": [
                        "tag": "x", "attributes": ["text": .string(String(repeating: "long ", count: 300))],
                    ],
                ]
                let queued = try await provider.request(
                    .post, "/api/v1/agents/\(uid)/commands", body: try command.bytes())
                #expect(queued.status == 202)
                let answer = try await connection.post(
                    try report(UInt64(sequence)).body(), headers: isAsked ? fields : "Accept-Encoding: gzip;q=0\r\n")
                #expect(answer.status == 200)
                #expect(answer.fields["vary"] == "Accept-Encoding")
                #expect(answer.fields["content-encoding"] == (isAsked ? "gzip" : nil))
                let body =
                    isAsked ? try Compression.gzip.decompress(answer.body, limit: 1 << 20) : answer.body
                #expect(body.count > 1500)
                #expect(!isAsked || answer.body.count < 700)
                #expect(try ServerToAgent(body: body).customMessage.capability == CustomCapability.chatOps)
            }
        }
    }
}

@Test(.timeLimit(.minutes(5)))
func `a message that is not of the agent in the OpAMP-Instance-UID header is a bad request that names both`()
    async throws
{
    try await TransportTestProvider.with { provider in
        try await TransportTestConnection.with(port: provider.port) { connection in
            let right = try await connection.post(try report(0).body(), headers: "OpAMP-Instance-UID: \(uid)\r\n")
            #expect(right.status == 200)
            let other = "01920000-0000-7000-8000-000000000078"
            let wrong = try await connection.post(try report(1).body(), headers: "opamp-instance-uid: \(other)\r\n")
            #expect(wrong.status == 400)
            let error = try ServerToAgent(body: wrong.body).errorResponse
            #expect(error.type == .badRequest)
            #expect(error.errorMessage.contains(other) && error.errorMessage.contains("\(uid)"))
        }
    }
}

@Test(.timeLimit(.minutes(5)))
func `agents need a token before the upgrade and for each request, and /api is not asked for it`() async throws {
    let token = "a-token-of-an-agent-0123"
    try await withTokenFile(token) { tokens in
        try await TransportTestProvider.with(tokens: tokens) { provider in
            for header in ["", "Authorization: Bearer \(token)x\r\n", "Authorization: Basic \(token)\r\n"] {
                try await TransportTestConnection.with(port: provider.port) { connection in
                    for _ in 1...2 {
                        let answer = try await connection.post(try report(0).body(), headers: header)
                        #expect(answer.status == 401)
                        #expect(answer.fields["www-authenticate"] == #"Bearer realm="opamp""#)
                        #expect(!String(decoding: answer.body, as: UTF8.self).contains(token))
                    }
                }
                try await TransportTestConnection.with(port: provider.port) { connection in
                    let head = try await connection.upgrade(headers: header)
                    #expect(head.hasPrefix("HTTP/1.1 401 "))
                    #expect(head.lowercased().contains(#"www-authenticate: bearer realm="opamp""#))
                }
            }
            #expect(try await provider.json("/api/v1/info")["agents"] == 0)
            try await TransportTestConnection.with(port: provider.port) { connection in
                let header = "Authorization: bearer \(token)\r\n"
                let right = try await connection.post(try report(0).body(), headers: header)
                #expect(right.status == 200)
                let without = try await connection.post(try report(1).body())
                #expect(without.status == 401)
            }
            try await TransportTestConnection.with(port: provider.port) { connection in
                let head = try await connection.upgrade(headers: "Authorization: Bearer \(token)\r\n")
                #expect(head.hasPrefix("HTTP/1.1 101 "))
                try await connection.sendFrame(2, try report(2).frame())
                #expect(try await connection.message().instanceUid == uid.data)
            }
        }
    }
}
