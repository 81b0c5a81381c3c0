import NIOHTTP1
import Testing

@testable import Provider

private func head(
    _ method: HTTPMethod = .GET, _ uri: String = "/v1/opamp", changing changes: [(String, String?)] = []
) -> HTTPRequestHead {
    var headers = HTTPHeaders([
        ("Host", "127.0.0.1:8080"), ("Upgrade", "websocket"), ("Connection", "keep-alive, Upgrade"),
        ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ])
    for (name, value) in changes {
        headers.remove(name: name)
        if let value { headers.add(name: name, value: value) }
    }
    return HTTPRequestHead(version: .http1_1, method: method, uri: uri, headers: headers)
}

@Test(arguments: [
    head(), head(.GET, "/v1/opamp?x=1"), head(changing: [("Upgrade", "WebSocket")]),
    head(changing: [("Host", "localhost")]),
])
func `the upgrade of an agent is accepted`(head: HTTPRequestHead) {
    #expect(FirstRequestHandler.isUpgrade(head, AccessRules(), at: "127.0.0.1", isGuarded: false))
}

@Test(arguments: [
    head(.POST), head(.GET, "/"), head(.GET, "/v1/opamp/"), head(.GET, "/api/v1/info"),
    head(changing: [("Upgrade", "h2c")]), head(changing: [("Upgrade", nil)]),
    head(changing: [("Connection", "keep-alive")]), head(changing: [("Sec-WebSocket-Version", "8")]),
    head(changing: [("Sec-WebSocket-Key", nil)]), head(changing: [("Host", "evil.example")]),
    head(changing: [("Host", nil)]), head(changing: [("Origin", "http://127.0.0.1:8080")]),
    head(changing: [("X-Forwarded-For", "10.0.0.1")]),
])
func `another upgrade is not accepted`(head: HTTPRequestHead) {
    #expect(!FirstRequestHandler.isUpgrade(head, AccessRules(), at: "127.0.0.1", isGuarded: false))
}
