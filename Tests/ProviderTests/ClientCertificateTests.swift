import FleetAPI
import NIOSSL
import OpAMP
import SwiftASN1
import TestSupport
import Testing
import X509

@testable import Provider

@Suite(.timeLimit(.minutes(2))) struct ClientCertificateTests {
    private static let uid = InstanceUID("0197a0b0c0d0700080000000000000aa")!
    private static let other = InstanceUID("0197a0b0c0d0700080000000000000bb")!

    private static func report(_ uid: InstanceUID) -> AgentToServer {
        var message = AgentToServer()
        (message.instanceUid, message.sequenceNum) = (uid.data, 1)
        return message
    }

    /// A provider that asks agents for certificates of one authority.
    private func with(
        tokens: AgentTokens? = nil,
        _ body: (TransportTestProvider, TestAuthority, TLSContexts) async throws -> Void
    ) async throws {
        let authority = try TestAuthority()
        let files = TLSFiles(try authority.issue("own"), clientAuthorities: authority.file)
        let tls = try TLSContexts(files, logger: LogText().logger)
        try await TransportTestProvider.with(tokens: tokens, agentsNeedTokens: true, tls: tls) { provider in
            try await body(provider, authority, tls)
        }
    }

    private func post(
        _ uid: InstanceUID, to provider: TransportTestProvider, by client: NIOSSLContext, headers: String = ""
    ) async throws -> Int {
        var status = 0
        try await TransportTestConnection.with(port: provider.port, tls: client) { connection in
            status = try await connection.post(try Self.report(uid).body(), headers: headers).status
        }
        return status
    }

    @Test(arguments: [
        ("urn:uuid:0197a0b0-c0d0-7000-8000-0000000000aa", "anything", true),
        ("URN:UUID:0197A0B0-C0D0-7000-8000-0000000000AA", "anything", true),
        ("localhost", "0197a0b0c0d0700080000000000000aa", true), ("localhost", "anything", false),
        ("urn:uuid:nothing", "anything", false),
        ("urn:uuid:0197a0b0-c0d0-7000-8000-0000000000aa", "0197a0b0c0d0700080000000000000bb", true),
    ])
    func `a certificate names an agent by its URI, else by its common name`(
        name: String, commonName: String, isNamed: Bool
    ) throws {
        let authority = try TestAuthority()
        let pair = try authority.issue("agent", commonName: commonName, names: [name])
        let text = try TestAuthority.text(of: pair.certificate)
        let certificate = try Certificate(pemEncoded: text)
        #expect(ClientCertificate.uid(in: certificate) == (isNamed ? Self.uid : nil))
    }

    @Test func `an agent with a certificate is let in under its uid alone`() async throws {
        try await with { provider, authority, _ in
            let pair = try authority.issue("agent", names: ["urn:uuid:\(Self.uid)"])
            let client = try authority.client(showing: pair)
            #expect(try await post(Self.uid, to: provider, by: client) == 200)
            #expect(try await post(Self.other, to: provider, by: client) == 403)
            try await TransportTestConnection.with(port: provider.port, tls: client) { connection in
                #expect(try await connection.upgrade().hasPrefix("HTTP/1.1 101"))
                try await connection.sendFrame(2, try Self.report(Self.uid).frame())
                #expect(try await connection.message().instanceUid == Self.uid.data)
            }
            try await TransportTestConnection.with(port: provider.port, tls: client) { connection in
                #expect(try await connection.upgrade().hasPrefix("HTTP/1.1 101"))
                try await connection.sendFrame(2, try Self.report(Self.other).frame())
                _ = try await connection.message()
                #expect(provider.fleet.snapshot.records.map(\.uid) == [Self.uid])
            }
        }
    }

    @Test func `without a certificate, or a token, agents are refused, and people are let in as ever`() async throws {
        try await withTokenFile("token-of-agents-0123456789") { tokens in
            try await with(tokens: tokens) { provider, authority, _ in
                let client = try authority.client()
                #expect(try await post(Self.uid, to: provider, by: client) == 401)
                let token = "Authorization: Bearer token-of-agents-0123456789\r\n"
                #expect(try await post(Self.uid, to: provider, by: client, headers: token) == 200)
                try await TransportTestConnection.with(port: provider.port, tls: client) { connection in
                    try await connection.send("GET /api/v1/info HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                    #expect(try await connection.answer().status == 200)
                }
                // One that names no agent is as good as a token that many know, but not beside a wrong one.
                let nameless = try authority.client(showing: try authority.issue("nameless"))
                #expect(try await post(Self.other, to: provider, by: nameless) == 200)
                let wrong = "Authorization: Bearer wrong-of-agents-0123456789\r\n"
                #expect(try await post(Self.other, to: provider, by: nameless, headers: wrong) == 401)
            }
        }
    }

    @Test func `a certificate of another authority, or one that has ended, ends the handshake`() async throws {
        try await with { provider, authority, _ in
            // Its files are there as long as it is.
            let strangers = try TestAuthority("Stranger")
            let stranger = try strangers.issue("agent", names: ["urn:uuid:\(Self.uid)"])
            let ended = try authority.issue("ended", names: ["urn:uuid:\(Self.uid)"], seconds: -7_200 ..< -60)
            for pair in [stranger, ended] {
                let client = try authority.client(showing: pair)
                await #expect(throws: (any Error).self) { try await post(Self.uid, to: provider, by: client) }
            }
            withExtendedLifetime(strangers) {}
            #expect(provider.fleet.snapshot.records.isEmpty)
        }
    }

    @Test func `other authorities end the WebSockets that were opened by the former ones`() async throws {
        try await with { provider, authority, tls in
            let pair = try authority.issue("agent", names: ["urn:uuid:\(Self.uid)"])
            let client = try authority.client(showing: pair)
            try await TransportTestConnection.with(port: provider.port, tls: client) { connection in
                #expect(try await connection.upgrade().hasPrefix("HTTP/1.1 101"))
                try await connection.sendFrame(2, try Self.report(Self.uid).frame())
                _ = try await connection.message()
                let former = tls.authorities
                let new = try TestAuthority("New")
                try TestAuthority.write(try TestAuthority.text(of: new.file), to: authority.file)
                withExtendedLifetime(new) {}
                try await until { tls.authorities != former }
                try await connection.sendFrame(2, try Self.report(Self.uid).frame())
                #expect(try await connection.frame().code == 1008)
            }
        }
    }
}
