import Foundation
import Glibc
import HTTP
import JSON
import TestSupport
import Testing

/// The real programs over TLS.
@Suite(.timeLimit(.minutes(5))) struct TLSTests {
    /// Starts a provider with a certificate of an authority.
    private func provider(
        _ stage: Stage, _ authority: TestAuthority, _ flags: String...
    ) async throws -> (provider: Provider, line: JSON) {
        let pair = try authority.issue("own")
        let child = try stage.start(
            "opamp-provider",
            [
                "--listen", "127.0.0.1:0", "--data-dir", "\(stage.folder)/data", "--tls-cert", pair.certificate,
                "--tls-key", pair.key, "--log-level", "warning",
            ] + flags)
        let line = try JSON(parsing: try await child.line())
        return (Provider(child: child, url: try #require(line["listening"]?.string)), line)
    }

    private func client(_ authority: TestAuthority) -> HTTPClient {
        var configuration = HTTPConfiguration()
        configuration.caFile = authority.file
        return HTTPClient(configuration)
    }

    @Test func `the MCP server asks over https with --ca-file, and refuses another authority in words`() async throws {
        let (authority, other) = (try TestAuthority(), try TestAuthority("Other"))
        try await withStage { stage in
            let provider = try await provider(stage, authority).provider
            #expect(provider.url.hasPrefix("https://127.0.0.1:"))
            for (file, code) in [(authority.file, 0), (other.file, 1)] as [(String, Int32)] {
                let flags = ["--provider", provider.url, "--ca-file", file, "call", "fleet_summary"]
                let child = try stage.start("opamp-mcp", flags)
                let text = await child.remainingLines().joined(separator: "\n") + child.log
                #expect(await child.exitCode() == code, "\(text)")
                #expect(text.contains("certificate") == (code == 1), "\(text)")
            }
            // The commonest mistake.
            let plain = "http" + provider.url.dropFirst(5)
            let child = try stage.start("opamp-mcp", ["--provider", plain, "call", "fleet_summary"])
            let text = await child.remainingLines().joined(separator: "\n") + child.log
            #expect(await child.exitCode() == 1)
            #expect(text.contains("https://"), "\(text)")
        }
    }

    @Test(arguments: ["wss", "https"])
    func `simulated agents connect over TLS to the address for agents, which has nothing else`(
        scheme: String
    ) async throws {
        let (authority, other) = (try TestAuthority(), try TestAuthority("Other"))
        try await withStage { stage in
            let (provider, line) = try await provider(stage, authority, "--agent-listen", "127.0.0.1:0")
            let agents = try #require(line["agent_listening"]?.string)
            #expect(agents.hasPrefix("https://127.0.0.1:") && agents != provider.url)
            let client = client(authority)
            for path in ["/", "/healthz", "/api/v1/info", "/metrics", "/v1/opamp/"] {
                #expect(try await client.send(HTTPRequest(.get, agents + path)).status == 404)
            }
            #expect(try await client.send(HTTPRequest(.get, agents + "/v1/opamp")).status == 426)
            #expect(try await client.send(HTTPRequest(.get, provider.url + "/v1/opamp")).status == 426)

            let url = scheme + agents.dropFirst(5) + "/v1/opamp"
            let flags = ["--url", url, "--agents", "3", "--heartbeat", "1", "--stats"]
            let stranger = try stage.start("opamp-sim", flags + ["--ca-file", other.file])
            while !stranger.log.contains("CERTIFICATE_VERIFY_FAILED") { _ = try await stranger.line() }
            stranger.signal(SIGTERM)
            #expect(await stranger.exitCode() == 0)
            let fleet = try stage.start("opamp-sim", flags + ["--ca-file", authority.file])
            while try JSON(parsing: try await fleet.line())["answered"] != 3 {}
            let info = try await client.send(HTTPRequest(.get, provider.url + "/api/v1/info"))
            #expect(try JSON(parsing: info.body)["agents"] == 3)
            fleet.signal(SIGTERM)
            #expect(await fleet.exitCode() == 0)
            provider.child.signal(SIGTERM)
            #expect(await provider.child.exitCode() == 0)
        }
    }

    @Test func `a start that would be unsafe ends with 64, and says all that is missing`() async throws {
        let authority = try TestAuthority()
        let pair = try authority.issue("own")
        let tls = ["--tls-cert", pair.certificate, "--tls-key", pair.key]
        try await withStage { stage in
            let any = "0.0.0.0:0"
            let cases: [(flags: [String], named: [String])] = [
                (["--listen", any], ["--listen \(any)", "--tls-cert", "token create", "--agent-token-file"]),
                (["--listen", "[::1]:0", "--agent-listen", any], ["--agent-listen \(any)", "--insecure-no-tls"]),
                (["--listen", any] + tls, ["token create --data-dir \(stage.folder)/data", "--insecure-no-auth"]),
                (["--tls-cert", pair.certificate], ["--tls-key"]),
                (["--tls-cert", pair.key, "--tls-key", pair.key], ["no certificate in PEM"]),
                (["--agent-client-ca", authority.file], ["--tls-cert"]),
                (["--public-host", "a:1"], ["--public-host", "a:1"]),
                (["--listen", "127.0.0.1:8080", "--agent-listen", "127.0.0.1:8080"], ["another address"]),
                (["--agent-listen", "4320"], ["HOST:PORT"]),
            ]
            for (flags, named) in cases {
                let child = try stage.start("opamp-provider", ["--data-dir", "\(stage.folder)/data"] + flags)
                #expect(await child.exitCode() == 64, "\(flags)")
                for name in named { #expect(child.log.contains(name), "\(child.log)") }
                #expect(await child.remainingLines() == [])
            }
        }
    }

    @Test func `other machines get in with TLS, a token and a name that is known`() async throws {
        let authority = try TestAuthority()
        let pair = try authority.issue("own", names: ["localhost", "opamp.example"])
        try await withStage { stage in
            let token = try await stage.token("admin")
            let tokens = "\(stage.folder)/agents"
            try TestAuthority.write("token-of-agents-0123456789\n", to: tokens, mode: 0o600)
            let child = try stage.start(
                "opamp-provider",
                [
                    "--listen", "0.0.0.0:0", "--data-dir", "\(stage.folder)/data", "--tls-cert", pair.certificate,
                    "--tls-key", pair.key, "--agent-token-file", tokens, "--public-host", "opamp.example",
                ])
            let line = try JSON(parsing: try await child.line())
            let port = try #require(line["listening"]?.string?.split(separator: ":").last)
            let url = "https://127.0.0.1:\(port)/api/v1/session"
            let client = client(authority)
            let right = (name: "Authorization", value: "Bearer \(token)")
            let cases: [(host: String, headers: [(name: String, value: String)], status: Int)] = [
                ("127.0.0.1:\(port)", [], 401), ("127.0.0.1:\(port)", [right], 200), ("opamp.example", [right], 200),
                ("evil.example", [right], 421),
                ("opamp.example", [right, (name: "X-Forwarded-For", value: "10.0.0.1")], 200),
                ("opamp.example", [right, (name: "Origin", value: "https://evil.example")], 403),
            ]
            for (host, headers, status) in cases {
                let headers = headers + [(name: "Host", value: host)]
                let answer = try await client.send(HTTPRequest(.get, url, headers: headers))
                #expect(answer.status == status, "\(host) \(headers)")
                #expect(answer.header("X-Content-Type-Options") == "nosniff")
                #expect(answer.header("Cache-Control") == "no-store")
                let strict = host == "opamp.example" ? "max-age=31536000" : nil
                #expect(answer.header("Strict-Transport-Security") == strict)
            }
            let body = try (["token": .string(token)] as JSON).bytes()
            let begun = try await client.send(
                HTTPRequest(.post, url, headers: [(name: "Content-Type", value: "application/json")], body: body))
            let cookie = try #require(begun.header("Set-Cookie"))
            #expect(cookie.hasPrefix("__Host-opamp_session="))
            #expect(cookie.contains("; Secure") && cookie.contains("Path=/;"))
            let pairText = String(cookie.prefix { $0 != ";" })
            for (name, status) in [(pairText, 200), (String(pairText.dropFirst("__Host-".count)), 401)] {
                let answer = try await client.send(HTTPRequest(.get, url, headers: [(name: "Cookie", value: name)]))
                #expect(answer.status == status)
            }
        }
    }

    @Test func `the doctor tells how long a certificate is good, and what is wrong with its files`() async throws {
        let authority = try TestAuthority()
        let good = try authority.issue("good")
        let soon = try authority.issue("soon", seconds: -60..<86_400 * 3)
        let ended = try authority.issue("ended", seconds: -86_400 * 2 ..< -60)
        try await withStage { stage in
            let provider = try await provider(stage, authority).provider
            for (pair, word) in [
                (good, "ok    certificate"), (soon, "warn  certificate"), (ended, "fail  certificate"),
                (TestAuthority.Pair(certificate: good.certificate, key: soon.key), "is not that of"),
            ] {
                let doctor = try stage.start(
                    "opamp-provider",
                    [
                        "doctor", "--data-dir", "\(stage.folder)/data", "--tls-cert", pair.certificate, "--tls-key",
                        pair.key, "--url", provider.url, "--ca-file", authority.file,
                    ])
                let lines = await doctor.remainingLines()
                #expect(lines.contains { $0.contains(word) }, "\(lines)")
                #expect(lines.contains { $0.hasPrefix("ok    certificate: the one that is shown") }, "\(lines)")
                _ = await doctor.exitCode()
            }
        }
    }
}
