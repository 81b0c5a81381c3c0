import Provider
import Testing

struct ExposureCase: Sendable, CustomTestStringConvertible {
    var address = "0.0.0.0:8080"
    var audience = Listener.Audience.everybody
    var has: Set<String> = []
    /// What the refusals offer as ways out, one for each refusal; empty: it may be opened.
    var offered: [String] = []

    var testDescription: String { "\(audience) \(address) \(has.sorted())" }
}

@Test(arguments: [
    ExposureCase(address: "127.0.0.1:8080"), ExposureCase(address: "localhost:0"), ExposureCase(address: "[::1]:4320"),
    ExposureCase(address: "127.0.0.1:4320", audience: .agents),
    ExposureCase(offered: ["--tls-cert", "token create", "--agent-token-file"]),
    ExposureCase(address: "[::]:8080", offered: ["--insecure-no-tls", "--jwt-jwks", "--insecure-no-auth"]),
    ExposureCase(address: "opamp.example:8080", offered: ["--tls-key", "--insecure-no-auth", "--agent-token-file"]),
    ExposureCase(has: ["tls"], offered: ["token create", "--agent-token-file"]),
    ExposureCase(has: ["tls", "token"], offered: ["--agent-token-file"]),
    ExposureCase(has: ["tls", "agents"], offered: ["token create"]),
    ExposureCase(has: ["token", "agents"], offered: ["--tls-cert"]),
    ExposureCase(has: ["tls", "token", "agents"]),
    ExposureCase(has: ["no-tls", "token", "agents"]),
    ExposureCase(has: ["no-auth", "tls"]),
    ExposureCase(has: ["no-auth"], offered: ["--tls-cert"]),
    ExposureCase(has: ["no-tls"], offered: ["token create", "--agent-token-file"]),
    ExposureCase(has: ["no-auth", "no-tls"]),
    ExposureCase(audience: .agents, offered: ["--tls-cert", "--agent-token-file"]),
    ExposureCase(audience: .agents, has: ["tls", "token"], offered: ["--agent-token-file"]),
    ExposureCase(audience: .agents, has: ["tls", "agents"]),
    ExposureCase(audience: .agents, has: ["no-tls", "no-auth"]),
])
func `what other machines reach needs TLS and credentials, unless told otherwise`(example: ExposureCase) throws {
    var exposure = Exposure("--flag", try #require(Authority(example.address)), for: example.audience)
    exposure.hasTLS = example.has.contains("tls")
    exposure.isGuarded = example.has.contains("token")
    exposure.isAgentGuarded = example.has.contains("agents")
    exposure.allowsPlain = example.has.contains("no-tls")
    exposure.allowsAnybody = example.has.contains("no-auth")
    exposure.dataDirectory = "/var/lib/op amp"
    let refusals = exposure.refusals
    #expect(refusals.count == example.offered.count, "\(refusals)")
    for (refusal, offered) in zip(refusals, example.offered) {
        #expect(refusal.contains(offered) && refusal.hasPrefix("--flag \(example.address): "))
        #expect(refusal.contains("listen on 127.0.0.1:"))
        if offered == "token create" { #expect(refusal.contains("--data-dir '/var/lib/op amp'")) }
    }
}
