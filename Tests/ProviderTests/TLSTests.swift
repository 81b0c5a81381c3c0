import FleetAPI
import HTTP
import JSON
import NIOSSL
import OpAMP
import TestSupport
import Testing

@testable import Provider

@Suite(.timeLimit(.minutes(2))) struct TLSTests {
    private static let report: [UInt8] = {
        var message = AgentToServer()
        message.instanceUid = InstanceUID(high: 1, low: 2).data
        message.sequenceNum = 1
        return (try? message.frame()) ?? []
    }()

    @Test func `requests, WebSockets and what opens neither are served over TLS 1.2 or later`() async throws {
        let authority = try TestAuthority()
        let tls = try TLSContexts(TLSFiles(try authority.issue("own")), logger: LogText().logger)
        try await TransportTestProvider.with(tls: tls, caFile: authority.file) { provider in
            #expect(try await provider.request(.get, "/healthz").status == 200)
            #expect(try await provider.json("/api/v1/info")["certificate_expires_at"]?.string == "\(tls.expiresAt)")
            for newest in [nil, TLSVersion.tlsv12] {
                let client = try authority.client(newest: newest)
                try await TransportTestConnection.with(port: provider.port, tls: client) { connection in
                    #expect(try await connection.upgrade().hasPrefix("HTTP/1.1 101"))
                    try await connection.sendFrame(2, Self.report)
                    #expect(try await connection.message().instanceUid == InstanceUID(high: 1, low: 2).data)
                    try await connection.sendFrame(8, [3, 232])
                    #expect(try await connection.frame().code == 1000)
                    #expect(try await connection.rest() == "")
                }
            }
            let old = try authority.client(newest: .tlsv11)
            await #expect(throws: (any Error).self) {
                try await TransportTestConnection.with(port: provider.port, tls: old) { connection in
                    try await connection.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                    _ = try await connection.head()
                }
            }
            let stranger = HTTPClient()
            await #expect(throws: HTTPError.self) {
                try await stranger.send(HTTPRequest(.get, provider.url + "/healthz"))
            }
        }
    }

    @Test func `who speaks plain HTTP to TLS is told so, and nothing else is answered`() async throws {
        let authority = try TestAuthority()
        let tls = try TLSContexts(TLSFiles(try authority.issue("own")), logger: LogText().logger)
        try await TransportTestProvider.with(tls: tls) { provider in
            try await TransportTestConnection.with(port: provider.port) { connection in
                try await connection.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                let answer = try await connection.answer()
                #expect(answer.status == 400)
                #expect(String(decoding: answer.body, as: UTF8.self).contains("https://"))
                #expect(try await connection.rest() == "")
            }
            try await TransportTestConnection.with(port: provider.port) { connection in
                try await connection.send([0, 1, 2, 3])
                #expect(try await !connection.rest().contains("HTTP"))
            }
        }
    }

    @Test func `a renewed certificate is shown to the next connection, and the former ones go on`() async throws {
        let (first, second) = (try TestAuthority("First"), try TestAuthority("Second"))
        let pair = try first.issue("own")
        let log = LogText()
        let tls = try TLSContexts(TLSFiles(pair), logger: log.logger)
        try await TransportTestProvider.with(tls: tls) { provider in
            try await TransportTestConnection.with(port: provider.port, tls: try first.client()) { former in
                #expect(try await former.upgrade().hasPrefix("HTTP/1.1 101"))
                let renewed = try second.issue("own", seconds: -60..<86_400 * 5)
                // A key that fits no certificate in between changes nothing.
                let key = try TestAuthority.text(of: renewed.key)
                try TestAuthority.write(key, to: pair.key, mode: 0o600)
                try await until { tls.failures == 1 }
                #expect(log.all.filter { $0.hasPrefix("error") }.count == 1)
                try await expectAnswer(provider, first)
                let certificate = try TestAuthority.text(of: renewed.certificate)
                try TestAuthority.write(certificate, to: pair.certificate)
                try await until { log.all.contains { $0.hasPrefix("notice certificate read again") } }
                try await expectAnswer(provider, second)
                await #expect(throws: (any Error).self) { try await expectAnswer(provider, first) }
                try await former.sendFrame(2, Self.report)
                #expect(try await former.message().instanceUid == InstanceUID(high: 1, low: 2).data)
                #expect(log.all.contains { $0.hasPrefix("warning the certificate ends soon") })
                let metrics = provider.fleet.metricsText()
                #expect(metrics.contains("opamp_certificate_expiry_timestamp_seconds \(tls.expiresAt.seconds)\n"))
                #expect(metrics.contains("opamp_certificate_reload_failures_total 1\n"))
            }
        }
    }

    private func expectAnswer(_ provider: TransportTestProvider, _ authority: TestAuthority) async throws {
        try await TransportTestConnection.with(port: provider.port, tls: try authority.client()) { connection in
            try await connection.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            #expect(try await connection.answer().status == 200)
        }
    }

    @Test(arguments: [
        ("a key that others can open", "chmod 600"), ("another key", "is not that of the first certificate"),
        ("no key", "cannot be read"), ("a certificate for a key", "no private key"), ("nothing", "no certificate"),
        ("half a certificate", "no certificate"), ("a directory", "is not a file"),
    ])
    func `files that cannot be used are named, with the way out`(what: String, named: String) throws {
        let authority = try TestAuthority()
        var pair = try authority.issue("own")
        switch what {
        case "a key that others can open":
            try TestAuthority.write(try TestAuthority.text(of: pair.key), to: pair.key, mode: 0o640)
        case "another key": pair = .init(certificate: pair.certificate, key: try authority.issue("other").key)
        case "no key": pair = .init(certificate: pair.certificate, key: pair.key + "-missing")
        case "a certificate for a key":
            try TestAuthority.write(
                try TestAuthority.text(of: pair.certificate), to: pair.key, mode: 0o600)
        case "nothing": try TestAuthority.write("", to: pair.certificate)
        case "half a certificate":
            let text = try TestAuthority.text(of: pair.certificate)
            try TestAuthority.write(String(text.prefix(text.count / 2)), to: pair.certificate)
        default: pair = .init(certificate: authority.folder, key: pair.key)
        }
        let error = try #require(throws: SmallFile.Unusable.self) {
            try TLSContexts(TLSFiles(pair), logger: LogText().logger)
        }
        #expect(error.description.contains(named), "\(error)")
        #expect(error.description.contains(authority.folder))
    }

    @Test func `files that change while they are written are read once they have stayed the same`() throws {
        let authority = try TestAuthority()
        let pair = try authority.issue("own")
        let log = LogText()
        let tls = try TLSContexts(TLSFiles(pair), logger: log.logger)
        let before = tls.expiresAt
        try authority.issue("own", seconds: -60..<86_400 * 400)
        tls.look()
        #expect(tls.expiresAt == before)
        tls.look()
        #expect(tls.expiresAt > before + .seconds(86_400 * 300))
        try TestAuthority.write("broken", to: pair.certificate)
        for _ in 1...5 { tls.look() }
        #expect(tls.failures == 1)
        #expect(log.all.filter { $0.hasPrefix("error the former certificate stays in force") }.count == 1)
    }

    @Test(arguments: [
        (-86_400.0..<86_400 * 90.0, "info certificate"),
        (-86_400.0..<86_400 * 13.0, "warning the certificate ends soon"),
        (-86_400.0 * 2 ..< -60.0, "error the certificate has ended"),
        (3_600.0..<86_400.0, "error the certificate is not"),
    ])
    func `the log tells how old a certificate is`(seconds: Range<Double>, line: String) throws {
        let authority = try TestAuthority()
        let log = LogText()
        _ = try TLSContexts(TLSFiles(try authority.issue("own", seconds: seconds)), logger: log.logger)
        #expect(log.all.count == 1)
        #expect(log.all.first?.hasPrefix(line) == true, "\(log.all)")
    }

    @Test func `a certificate that is not good is told of once a day`() throws {
        let end = Timestamp("2026-12-01T00:00:00Z")!
        var reminder = CertificateReminder()
        let start = Moment(wall: end - .seconds(86_400 * 16), monotonic: 0)
        var told: [String] = []
        for hour in 0..<24 * 18 {
            let now = start + .seconds(3_600 * hour)
            let age = CertificateAge(from: end - .seconds(86_400 * 90), to: end, at: now.wall)
            if let due = reminder.due(age, expiresAt: end, at: now) { told.append("\(due) \(hour / 24)") }
        }
        let warned = (2..<16).map { "endsSoon \($0)" }
        // The first day of a state may be the last hour of another.
        #expect(told.first == "good 0" && told.filter { $0.hasPrefix("ended") } == ["ended 16", "ended 17"])
        #expect(told.filter { $0.hasPrefix("endsSoon") } == warned)
    }
}
