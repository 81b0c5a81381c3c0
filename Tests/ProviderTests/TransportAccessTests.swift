import FleetAPI
import Provider
import Testing

struct AccessCase: Sendable {
    var method = "GET"
    var path = "/api/v1/agents"
    var host: String? = "127.0.0.1:8080"
    var fields: [String: String] = [:]
    /// That the connection was opened to.
    var address: String? = "127.0.0.1"
    var publicHosts: [String] = []
    var isGuarded = false
    /// What is answered; nil when the request may go on.
    var status: Int?
    var field: String?
}

private let json = ["Content-Type": "application/json"]

@Test(arguments: [
    AccessCase(),
    AccessCase(host: "localhost"),
    AccessCase(host: "[::1]:8080"),
    AccessCase(host: "127.8.9.10:1"),
    AccessCase(host: nil, fields: ["host": "localhost:1"]),
    AccessCase(host: nil, status: 400),
    AccessCase(fields: ["Host": "127.0.0.1:8080"], status: 400),
    AccessCase(host: "evil.example:8080", status: 421, field: "Host"),
    AccessCase(host: "127.0.0.1.evil.example", status: 421, field: "Host"),
    AccessCase(host: "", status: 421, field: "Host"),
    AccessCase(path: "/v1/opamp", host: "evil.example", status: 421, field: "Host"),
    AccessCase(path: "/healthz", host: "evil.example", status: 421, field: "Host"),
    AccessCase(fields: ["Origin": "http://127.0.0.1:8080"]),
    AccessCase(fields: ["ORIGIN": "HTTP://127.0.0.1:8080"]),
    AccessCase(fields: ["Origin": "http://127.0.0.1:8081"], status: 403, field: "Origin"),
    AccessCase(fields: ["Origin": "http://localhost:8080"], status: 403, field: "Origin"),
    AccessCase(fields: ["Origin": "https://evil.example"], status: 403, field: "Origin"),
    AccessCase(fields: ["Origin": "null"], status: 403, field: "Origin"),
    AccessCase(fields: ["Origin": ""], status: 403, field: "Origin"),
    AccessCase(
        path: "/v1/opamp", fields: ["Origin": "http://127.0.0.1:8080"], status: 403, field: "Origin"),
    AccessCase(fields: ["Forwarded": "for=10.0.0.1"], status: 403, field: "Forwarded"),
    AccessCase(fields: ["x-forwarded-for": "10.0.0.1"], status: 403, field: "x-forwarded-for"),
    AccessCase(fields: ["X-Forwarded-Proto": "https"], status: 403, field: "X-Forwarded-Proto"),
    AccessCase(fields: ["X-Forward": "1"]),
    AccessCase(fields: ["Forwarded": "for=10.0.0.1", "X-Forwarded-Proto": "https"], isGuarded: true),
    AccessCase(host: "10.0.0.5:8080", address: "10.0.0.5"),
    AccessCase(host: "10.0.0.5", address: "::ffff:10.0.0.5"),
    AccessCase(host: "[2001:db8::5]:8080", address: "2001:db8::5"),
    AccessCase(host: "10.0.0.6:8080", address: "10.0.0.5", status: 421, field: "Host"),
    AccessCase(host: "10.0.0.5:8080", address: nil, status: 421, field: "Host"),
    AccessCase(host: "opamp.example:8443", publicHosts: ["opamp.example", "10.9.9.9"]),
    AccessCase(host: "OPAMP.example", publicHosts: ["opamp.example"]),
    AccessCase(host: "10.9.9.9", publicHosts: ["opamp.example", "10.9.9.9"]),
    AccessCase(host: "www.opamp.example", publicHosts: ["opamp.example"], status: 421, field: "Host"),
    AccessCase(host: "opamp.example.evil.example", publicHosts: ["opamp.example"], status: 421, field: "Host"),
    AccessCase(
        host: "opamp.example", fields: ["Origin": "https://opamp.example"], publicHosts: ["opamp.example"]),
    AccessCase(
        host: "opamp.example", fields: ["Origin": "https://evil.example"], publicHosts: ["opamp.example"],
        status: 403, field: "Origin"),
    AccessCase(
        path: "/v1/opamp", host: "opamp.example", fields: ["Origin": "https://opamp.example"],
        publicHosts: ["opamp.example"], status: 403, field: "Origin"),
    AccessCase(
        host: "evil.example", fields: ["Forwarded": "for=1"], isGuarded: true, status: 421, field: "Host"),
    AccessCase(method: "POST", fields: json),
    AccessCase(method: "POST", fields: ["content-type": "Application/JSON ; charset=utf-8"]),
    AccessCase(method: "POST", status: 415, field: "Content-Type"),
    AccessCase(method: "POST", fields: ["Content-Type": "text/plain"], status: 415, field: "Content-Type"),
    AccessCase(
        method: "POST", fields: ["Content-Type": "text/plain; application/json"], status: 415, field: "Content-Type"),
    AccessCase(method: "DELETE", fields: json), AccessCase(method: "DELETE"), AccessCase(method: "TRACE"),
    AccessCase(method: "DELETE", fields: ["Origin": "https://evil.example"], status: 403, field: "Origin"),
    AccessCase(method: "PUT", status: 415, field: "Content-Type"),
    AccessCase(method: "POST", path: "/v1/opamp", fields: ["Content-Type": "application/x-protobuf"]),
])
func `a request is let in or refused by its head`(example: AccessCase) {
    let rules = AccessRules(publicHosts: example.publicHosts.compactMap { Authority($0) })
    let refusal = rules.refusal(
        method: example.method, path: example.path, host: example.host,
        fields: example.fields.map { (name: $0.key, value: $0.value) }, at: example.address,
        isGuarded: example.isGuarded)
    #expect(refusal?.status == example.status)
    #expect(refusal?.field == example.field)
    #expect(refusal?.detail.isEmpty != true)
}
