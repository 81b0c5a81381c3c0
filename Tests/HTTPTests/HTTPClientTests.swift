import HTTP
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct HTTPClientTests {
    @Test func `an answer comes with its status, headers and body`() async throws {
        let server = ScriptedServer { _ in
            .answer(404, headers: ["Content-Type": "Application/JSON; charset=utf-8", "X-Two": " a b "], "{\"a\":1}")
        }
        let response = try await HTTPClient().send(HTTPRequest(.get, server.url + "/x?y=z"))
        #expect(response.status == 404)
        #expect(response.contentType == "application/json")
        #expect(response.header("x-two") == "a b")
        #expect(response.header("absent") == nil)
        #expect(response.body == Array("{\"a\":1}".utf8))
        #expect(server.requests.map(\.path) == ["/x?y=z"])
        #expect(server.requests.map(\.method) == ["GET"])
    }

    @Test(arguments: [HTTPRequest.Method.post, .put, .delete], [nil, "", "{\"é\":\"\u{1}\"}"])
    func `a body is sent as it is, as JSON unless said otherwise`(
        method: HTTPRequest.Method, body: String?
    ) async throws {
        let server = ScriptedServer { _ in .answer(200, "") }
        let client = HTTPClient()
        _ = try await client.send(HTTPRequest(method, server.url, body: body.map { Array($0.utf8) }))
        _ = try await client.send(HTTPRequest(method, server.url, headers: [("Content-Type", "text/plain")]))
        #expect(server.requests.map(\.method) == [method.rawValue, method.rawValue])
        #expect(server.requests.first?.body == Array((body ?? "").utf8))
        #expect(server.requests.map { $0.headers["content-type"] } == ["application/json", "text/plain"])
    }

    @Test func `a large body is sent whole without asking first`() async throws {
        let server = ScriptedServer { request in .answer(200, "\(request.body.count)") }
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: 3 << 20)
        let response = try await HTTPClient().send(HTTPRequest(.put, server.url, body: body))
        #expect(response.body == Array("\(3 << 20)".utf8))
        #expect(server.requests.first?.headers["expect"] == nil)
    }

    @Test func `connections are used again`() async throws {
        let server = ScriptedServer { _ in .answer(200, "ok") }
        let client = HTTPClient()
        for _ in 0..<20 { _ = try await client.send(HTTPRequest(.get, server.url)) }
        #expect(server.requests.count == 20)
        #expect(server.connections == 1)
    }

    @Test(arguments: [HTTPRequest.Method.get, .post])
    func `a connection that the server has closed meanwhile is replaced`(method: HTTPRequest.Method) async throws {
        let server = ScriptedServer { _ in .cut(Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".utf8)) }
        let client = HTTPClient()
        for _ in 0..<20 {
            let response = try await client.send(HTTPRequest(method, server.url))
            #expect(response.body == Array("ok".utf8))
        }
        #expect(server.requests.count == 20)
    }

    @Test func `many requests run at one time`() async throws {
        let server = ScriptedServer { request in .answer(200, request.path) }
        let client = HTTPClient()
        let bodies = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<100 {
                group.addTask {
                    let response = try await client.send(HTTPRequest(.get, server.url + "/\(number)"))
                    return String(decoding: response.body, as: UTF8.self)
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(bodies == Set((0..<100).map { "/\($0)" }))
    }

    @Test func `a redirect is an answer`() async throws {
        let server = ScriptedServer { _ in .answer(302, headers: ["Location": "/elsewhere"], "") }
        let response = try await HTTPClient().send(HTTPRequest(.get, server.url))
        #expect(response.status == 302)
        #expect(response.header("Location") == "/elsewhere")
        #expect(server.requests.count == 1)
    }

    @Test func `the token and the name of the client are sent, and no token without one`() async throws {
        let server = ScriptedServer { _ in .answer(200, "") }
        var configuration = HTTPConfiguration(bearerToken: "s3cret")
        configuration.userAgent = "test/1"
        _ = try await HTTPClient(configuration).send(HTTPRequest(.get, server.url))
        _ = try await HTTPClient().send(HTTPRequest(.get, server.url))
        #expect(server.requests.map { $0.headers["authorization"] } == ["Bearer s3cret", nil])
        #expect(server.requests.first?.headers["user-agent"] == "test/1")
    }

    @Test func `a cancelled request ends at once and its connection with it`() async throws {
        let client = HTTPClient()
        let (arrived, arrival) = AsyncStream<Void>.makeStream()
        let stalling = ScriptedServer { _ in
            arrival.yield()
            return .stall
        }
        let error = await withTaskGroup(of: HTTPError?.self) { group in
            group.addTask {
                do throws(HTTPError) {
                    _ = try await client.send(HTTPRequest(.get, stalling.url, timeout: .seconds(3600)))
                    return nil
                } catch {
                    return error
                }
            }
            for await _ in arrived { break }
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(error == .cancelled)
        for await _ in stalling.clientEnds { break }
    }

    @Test func `a request of a cancelled task is never sent`() async {
        let server = ScriptedServer { _ in .answer(200, "") }
        let client = HTTPClient()
        let error = await withTaskGroup(of: HTTPError?.self) { group in
            group.cancelAll()
            group.addTask {
                do throws(HTTPError) {
                    _ = try await client.send(HTTPRequest(.get, server.url))
                    return nil
                } catch {
                    return error
                }
            }
            return await group.next() ?? nil
        }
        #expect(error == .cancelled)
        #expect(server.connections == 0)
    }

    @Test func `a path segment is encoded byte by byte`() {
        #expect(percentEncoded("aZ0-._~") == "aZ0-._~")
        #expect(percentEncoded("a b/é?&=+%") == "a%20b%2F%C3%A9%3F%26%3D%2B%25")
    }
}
