import Glibc
import HTTP
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct HTTPErrorTests {
    @Test func `a port where nobody listens is refused`() async {
        let (descriptor, port) = listenOnLoopback()
        close(descriptor)
        let error = await failure(HTTPRequest(.get, "http://127.0.0.1:\(port)/"))
        #expect(error == .refused(host: "127.0.0.1:\(port)"))
    }

    @Test func `a host without an address is unresolved`() async {
        #expect(await failure(HTTPRequest(.get, "http://nowhere.invalid/")) == .unresolved(host: "nowhere.invalid"))
    }

    @Test func `a server that stalls is timed out`() async {
        let server = ScriptedServer { _ in .stall }
        let error = await failure(HTTPRequest(.get, server.url, timeout: .milliseconds(50)))
        #expect(error == .timedOut(host: server.host, after: .milliseconds(50)))
    }

    @Test(arguments: [
        "", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    ])
    func `a connection closed before the whole answer is interrupted`(bytes: String) async {
        let server = ScriptedServer { _ in .cut(Array(bytes.utf8)) }
        #expect(await failure(HTTPRequest(.get, server.url)) == .interrupted(host: server.host))
    }

    @Test func `an answer over the limit is refused, one at the limit is not`() async throws {
        let server = ScriptedServer { request in
            .answer(200, String(repeating: "x", count: request.path.utf8.count - 1))
        }
        var configuration = HTTPConfiguration()
        configuration.maxResponseBytes = 8
        let client = HTTPClient(configuration)
        #expect(try await client.send(HTTPRequest(.get, server.url + "/12345678")).body.count == 8)
        let error = await failure(HTTPRequest(.get, server.url + "/123456789"), client)
        #expect(error == .tooLarge(host: server.host, limit: 8))
    }

    @Test func `a packed answer is unpacked, and counted unpacked`() async throws {
        let server = ScriptedServer { _ in
            .cut(
                Array("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(packed.count)\r\n\r\n".utf8)
                    + packed)
        }
        var configuration = HTTPConfiguration()
        configuration.maxResponseBytes = 1000
        let response = try await HTTPClient(configuration).send(HTTPRequest(.get, server.url))
        #expect(response.body == [UInt8](repeating: UInt8(ascii: "0"), count: 1000))
        #expect(server.requests.first?.headers["accept-encoding"] == "gzip")
        configuration.maxResponseBytes = 999
        let error = await failure(HTTPRequest(.get, server.url), HTTPClient(configuration))
        #expect(error == .tooLarge(host: server.host, limit: 999))
    }

    @Test func `headers without an end are refused`() async {
        let line = "X-Filler: " + String(repeating: "x", count: 8000) + "\r\n"
        let server = ScriptedServer { _ in
            .cut(Array(("HTTP/1.1 200 OK\r\n" + String(repeating: line, count: 100)).utf8))
        }
        let error = await failure(HTTPRequest(.get, server.url))
        guard case .tooLarge = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `what is not HTTP at all says so`() async {
        let server = ScriptedServer { _ in .cut(Array("SSH-2.0-OpenSSH_9.2\r\n".utf8)) }
        guard case .other(server.host, let reason) = await failure(HTTPRequest(.get, server.url)) else {
            Issue.record("another error")
            return
        }
        #expect(reason.contains("HTTP/0.9"))
    }

    @Test(arguments: [
        "http://192.0.2.1:8080/", "http://example.invalid/", "http://127.0.0.1.example.invalid/",
        "http://[2001:db8::1]/",
        "http://localhost.example.invalid/", "HTTP://EXAMPLE.invalid",
    ])
    func `the token is never sent over http off this machine`(url: String) async {
        let client = HTTPClient(HTTPConfiguration(bearerToken: "s3cret"))
        let error = await failure(HTTPRequest(.get, url), client)
        guard case .insecureToken = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error.map { "\($0)".contains("s3cret") } == false)
        let own = HTTPRequest(.get, url, headers: [("AUTHORIZATION", "Bearer s3cret")])
        guard case .insecureToken = await failure(own) else {
            Issue.record("a header of the request's own was not held back")
            return
        }
    }

    @Test(arguments: ["127.0.0.1", "localhost", "127.1", "0x7f000001"])
    func `the token is sent to this machine by any of its names`(name: String) async throws {
        let server = ScriptedServer { _ in .answer(200, "") }
        let client = HTTPClient(HTTPConfiguration(bearerToken: "s3cret"))
        _ = try await client.send(HTTPRequest(.get, "http://\(name):\(server.port)/"))
        #expect(server.requests.first?.headers["authorization"] == "Bearer s3cret")
    }

    @Test(arguments: [
        "", "nonsense", "/path", "file:///etc/passwd", "ftp://127.0.0.1/", "http://", "http://a b/",
        "http://127.0.0.1:99999/",
        "http://user:word@127.0.0.1/", "http://127.0.0.1/\u{0}", "http://127.0.0.1/a\r\nX: y",
    ])
    func `an address that is not http or https, or holds more than an address, is refused`(url: String) async {
        guard case .badURL = await failure(HTTPRequest(.get, url)) else {
            Issue.record("another error, or none")
            return
        }
    }

    @Test(arguments: ["a\r\nX-Evil: 1", "a\nb", "a\u{0}b", ""])
    func `a header that would break the request is refused`(value: String) async {
        let server = ScriptedServer { _ in .answer(200, "") }
        let error = await failure(HTTPRequest(.get, server.url, headers: [("X-Value", value)]))
        #expect(error == .badHeader(name: "X-Value"))
        let token = await failure(
            HTTPRequest(.get, server.url), HTTPClient(HTTPConfiguration(bearerToken: "t\n" + value)))
        #expect(token == .badHeader(name: "Authorization"))
        #expect(server.requests.isEmpty)
    }

    @Test func `every text names the host and a way out`() {
        let errors: [HTTPError] = [
            .refused(host: "h:1"), .unresolved(host: "h:1"), .timedOut(host: "h:1", after: .seconds(2)),
            .tls(host: "h:1", reason: "r"), .tooLarge(host: "h:1", limit: 3), .interrupted(host: "h:1"),
            .insecureToken(host: "h:1"), .other(host: "h:1", reason: "r"),
        ]
        for error in errors { #expect("\(error)".contains("h:1") && "\(error)".contains(";"), "\(error)") }
        #expect("\(errors[2])".contains("2.0 seconds"))
    }

    @Test func `a certificate nobody vouches for is refused, and taken with its CA file`() async throws {
        let server = try TLSServer()
        guard case .tls("127.0.0.1:\(server.port)", let reason) = await failure(HTTPRequest(.get, server.url)) else {
            Issue.record("another error, or none")
            return
        }
        #expect(reason.lowercased().contains("certificate"))
        var configuration = HTTPConfiguration(bearerToken: "s3cret")
        configuration.caFile = server.certificateFile
        #expect(try await HTTPClient(configuration).send(HTTPRequest(.get, server.url)).status == 200)
        configuration.caFile = "/nonexistent.pem"
        guard case .tls = await failure(HTTPRequest(.get, server.url), HTTPClient(configuration)) else {
            Issue.record("another error, or none, for a CA file that does not exist")
            return
        }
    }

    @Test func `a server that asks for a certificate serves only who shows it`() async throws {
        let server = try TLSServer(asksForCertificate: true)
        var configuration = HTTPConfiguration()
        configuration.caFile = server.certificateFile
        let error = await failure(HTTPRequest(.get, server.url), HTTPClient(configuration))
        guard case .tls = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        configuration.clientCertificateFile = server.certificateFile
        configuration.clientKeyFile = server.keyFile
        #expect(try await HTTPClient(configuration).send(HTTPRequest(.get, server.url)).status == 200)
    }

    private func failure(_ request: HTTPRequest, _ client: HTTPClient = HTTPClient()) async -> HTTPError? {
        do throws(HTTPError) {
            _ = try await client.send(request)
            return nil
        } catch {
            return error
        }
    }
}

extension ScriptedServer {
    fileprivate var host: String { "127.0.0.1:\(port)" }
}

/// A thousand zeros (the digit), as gzip packs them.
private let packed: [UInt8] = [
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x33, 0x30, 0x18, 0x05, 0xa3, 0x60, 0x14, 0x0c, 0x77,
    0x00, 0x00, 0x83, 0x99, 0x5f, 0xa8, 0xe8, 0x03, 0x00, 0x00,
]
