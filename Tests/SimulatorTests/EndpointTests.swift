import Simulator
import Testing

@Suite struct EndpointTests {
    @Test(arguments: [
        ("ws://127.0.0.1:8080/v1/opamp", "127.0.0.1", 8080, "/v1/opamp"),
        ("http://fleet.test", "fleet.test", 80, "/v1/opamp"),
        ("WS://[::1]:4320/x", "::1", 4320, "/x"),
        ("wss://fleet.test", "fleet.test", 443, "/v1/opamp"),
        ("https://127.0.0.1:8443/x", "127.0.0.1", 8443, "/x"),
    ])
    func `host, port and path are read`(text: String, host: String, port: Int, path: String) throws {
        let endpoint = try Endpoint(text)
        #expect(endpoint.host == host && endpoint.port == port && endpoint.path == path)
        let scheme = String(text.lowercased().prefix { $0 != ":" })
        #expect(endpoint.isSecure == ["wss", "https"].contains(scheme) && endpoint.url.hasPrefix("\(scheme)://"))
    }

    @Test(arguments: ["ftp", "wsss", "opamp"])
    func `another scheme is refused by name`(scheme: String) {
        #expect(throws: EndpointError.unsupportedScheme(scheme)) { try Endpoint("\(scheme)://127.0.0.1:1/v1/opamp") }
    }

    @Test(arguments: ["", "ws://", "ws:///v1/opamp", "127.0.0.1:8080", "ws://h:0/", "ws://h:70000", "ws://h/?a=1"])
    func `what is no such URL is refused`(text: String) {
        #expect(throws: EndpointError.self) { try Endpoint(text) }
    }
}
