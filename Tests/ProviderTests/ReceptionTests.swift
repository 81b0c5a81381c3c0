import FleetAPI
import HTTP
import JSON
import OpAMP
import TestSupport
import Testing

@testable import Provider

/// What a listener lets in, over real connections.
@Suite(.timeLimit(.minutes(2))) struct ReceptionTests {
    @Test func `the address for agents has their path and nothing else`() async throws {
        try await TransportTestProvider.with(audience: .agents) { provider in
            for path in ["/", "/healthz", "/readyz", "/metrics", "/api/v1/info", "/v1/opamp/", "/v1/opamp/x"] {
                let answer = try await provider.request(.get, path)
                #expect(answer.status == 404 && answer.contentType == "application/problem+json", "\(path)")
            }
            #expect(try await provider.request(.get, "/v1/opamp").status == 426)
            try await TransportTestConnection.with(port: provider.port) { connection in
                let head = try await connection.upgrade()
                #expect(head.hasPrefix("HTTP/1.1 101"))
            }
        }
    }

    @Test(arguments: ["/healthz", "/api/v1/info", "/api/v1/agents", "/nowhere", "/metrics", "/api/v1/openapi.json"])
    func `every answer of the API tells browsers to keep and take nothing of it`(path: String) async throws {
        try await TransportTestProvider.with { provider in
            for headers in [[], [(name: "Host", value: "evil.example")]] as [[(name: String, value: String)]] {
                let answer = try await provider.request(.get, path, headers: headers)
                #expect(answer.header("X-Content-Type-Options") == "nosniff")
                #expect(answer.header("X-Frame-Options") == "DENY")
                #expect(answer.header("Referrer-Policy") == "no-referrer")
                #expect(answer.header("Cache-Control") == "no-store")
                #expect(answer.header("Content-Security-Policy") == "default-src 'none'; frame-ancestors 'none'")
                #expect(answer.header("Cross-Origin-Resource-Policy") == "same-origin")
                #expect(answer.header("Strict-Transport-Security") == nil)
            }
        }
    }

    @Test func `off loopback nobody is let in who does not say who they are, unless told otherwise`() async throws {
        let forwarded = [(name: "X-Forwarded-For", value: "10.0.0.1")]
        for isOpen in [false, true] {
            try await TransportTestProvider.with(
                address: "0.0.0.0:0", publicHosts: ["opamp.example"], isOpen: isOpen
            ) { provider in
                #expect(try await provider.request(.get, "/api/v1/info").status == (isOpen ? 200 : 401))
                #expect(try await provider.request(.get, "/healthz").status == 200)
                #expect(try await provider.request(.get, "/healthz", headers: forwarded).status == (isOpen ? 200 : 403))
                for (host, status) in [("opamp.example", 200), ("evil.example", 421)] {
                    let answer = try await provider.request(.get, "/healthz", headers: [(name: "Host", value: host)])
                    #expect(answer.status == status)
                }
            }
        }
    }
}
