package import FleetAPI
import HTTP
import JSON

/// Speaks a provider's REST API: one method a path. Nothing is sent, and no library loaded, before the first call.
///
/// Every method throws a `FleetError`, or `CancellationError` once its task is cancelled.
package final class FleetClient: Sendable {
    private let base: String
    let timeout: Duration
    private let http: HTTPClient
    private let hasToken: Bool

    package init(_ address: ProviderAddress) {
        var configuration = HTTPConfiguration(bearerToken: address.token)
        configuration.caFile = address.caFile
        configuration.clientCertificateFile = address.clientCertificateFile
        configuration.clientKeyFile = address.clientKeyFile
        configuration.connectTimeout = min(configuration.connectTimeout, address.timeout)
        configuration.userAgent = "opamp-mcp/\(productVersion)"
        http = HTTPClient(configuration)
        base = address.url.hasSuffix("/") ? String(address.url.dropLast()) : address.url
        timeout = address.timeout
        hasToken = address.token != nil
    }

    package func info() async throws -> ServerInfo {
        try await get(Path("info"))
    }

    /// - Parameter groupBy: names of attributes, whose combinations are counted.
    package func summary(filter: String? = nil, groupBy: [String] = []) async throws -> FleetSummary {
        try await get(Path("fleet").with("filter", filter).with("group_by", list(groupBy)))
    }

    /// One page of the inventory.
    ///
    /// - Parameter fields: members of `Agent`; the others keep their defaults. All when empty.
    package func agents(
        filter: String? = nil, fields: [String] = [], sort: String? = nil, limit: Int, cursor: String? = nil
    ) async throws -> AgentPage {
        try await get(
            Path("agents").with("filter", filter).with("fields", list(fields)).with("sort", sort)
                .with("limit", String(limit)).with("cursor", cursor)
        )
    }

    /// The agents that match a free text best.
    package func find(_ query: String, limit: Int) async throws -> AgentMatches {
        try await get(Path("agents", "find").with("q", query).with("limit", String(limit)))
    }

    /// One agent in depth.
    ///
    /// - Parameter agent: any reference; the provider resolves it.
    package func agent(_ agent: String, include sections: [AgentSection] = []) async throws -> AgentDetail {
        try await get(try self.agent(agent).with("include", list(sections.map(\.rawValue))))
    }

    /// Asks for a command to one agent. It is queued when this returns.
    ///
    /// A connection that breaks is tried once more; the provider sees by the key that it is the same request.
    package func queue(_ request: CommandRequest, for agent: String) async throws -> Command {
        try await send(
            .post, try self.agent(agent).adding("commands"), headers: [idempotencyKey()],
            body: try request.json.bytes(), timeout: timeout
        )
    }

    /// A command as it is now, or as soon as its outcome is known.
    ///
    /// - Parameters:
    ///   - id: 32 hex digits.
    ///   - waitSeconds: how long the provider may wait for the outcome, at most 45.
    ///   - timeout: for the rest of the request; the usual one when nil.
    package func command(_ id: String, waitSeconds: Int = 0, timeout: Duration? = nil) async throws -> Command {
        let path = try Path("commands").adding(segment(id)).with(
            "wait_seconds", waitSeconds > 0 ? "\(waitSeconds)" : nil)
        return try await send(.get, path, timeout: (timeout ?? self.timeout) + .seconds(waitSeconds))
    }

    /// Commands, the newest first.
    package func commands(agent: String? = nil, limit: Int) async throws -> CommandPage {
        try await get(
            Path("commands").with("agent", agent).with("limit", String(limit)))
    }

    /// What can be sent: to any agent, or to one.
    package func commandTypes(for agent: String? = nil) async throws -> CommandTypes {
        try await get(Path("command-types").with("agent", agent))
    }

    /// A header that makes this request and its repetitions one.
    func idempotencyKey() -> (name: String, value: String) {
        var generator = SystemRandomNumberGenerator()
        return ("Idempotency-Key", (0..<4).map { _ in String(generator.next() as UInt32, radix: 36) }.joined())
    }

    func list(_ values: [String]) -> String? {
        values.isEmpty ? nil : values.joined(separator: ",")
    }

    func agent(_ reference: String) throws -> Path {
        try Path("agents").adding(segment(reference))
    }

    /// The text as one segment of a path, refused where it would lead elsewhere.
    func segment(_ text: String) throws -> String {
        guard !["", ".", "..", "find"].contains(text) else {
            throw FleetError(Problem(404, "Not found", detail: "nothing is called \"\(text)\"; give its id instead"))
        }
        return text
    }

    func get<Answer: RESTObject>(_ path: Path) async throws -> Answer {
        try await send(.get, path, timeout: timeout)
    }

    func send<Answer: RESTObject>(
        _ method: HTTPRequest.Method, _ path: Path, headers: [(name: String, value: String)] = [],
        body: [UInt8]? = nil, timeout: Duration
    ) async throws -> Answer {
        let request = HTTPRequest(
            method, base + path.text, headers: headers + [("Accept", "application/json")], body: body, timeout: timeout)
        return try AnswerReader(base: base, hasToken: hasToken).read(try await response(to: request))
    }

    /// The answer; a broken connection is tried once more.
    private func response(to request: HTTPRequest) async throws -> HTTPResponse {
        var isRepeated = false
        while true {
            do throws(HTTPError) {
                return try await http.send(request)
            } catch .interrupted where !isRepeated {
                isRepeated = true
            } catch .cancelled {
                throw CancellationError()
            } catch {
                throw FleetError(error)
            }
        }
    }
}
