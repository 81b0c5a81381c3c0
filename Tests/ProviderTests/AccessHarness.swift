import FleetAPI
import HTTP
import HTTPTypes
import JSON
import Logging
import Testing

@testable import Provider

/// A doorkeeper over a fleet in memory, with made-up times.
struct AccessStage {
    static let start = Moment(wall: Timestamp("2026-11-24T10:00:00Z")!, monotonic: 5_000_000_000_000)
    static let admin = Caller(name: "boss", address: "127.0.0.1:1")

    let fleet: Fleet
    let doorkeeper: Doorkeeper

    init(dataDirectory: String? = nil, issuer: JWTIssuer? = nil) throws {
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        fleet = try Fleet(dataDirectory: dataDirectory, version: "1", logger: quiet)
        doorkeeper = try Doorkeeper(fleet: fleet, issuer: issuer, logger: quiet)
    }

    /// Makes a token.
    func token(_ name: String, _ role: Role, expires: String = "never") async throws -> IssuedToken {
        try await doorkeeper.makeToken(TokenRequest(name: name, role: role, expires: expires), by: Self.admin)
    }

    /// Who is let in, or the refusal.
    func ask(
        _ token: String? = nil, session: String? = nil, isSameOrigin: Bool = false, isWrite: Bool = false,
        from address: String = "10.1.2.3:4567", allowsAnonymous: Bool = true, at now: Moment = .now()
    ) async -> Result<Caller, Doorkeeper.Refusal> {
        var shown = Credentials(address: address)
        if let token { shown.authorization = ["Bearer \(token)"] }
        (shown.session, shown.isSameOrigin, shown.isWrite) = (session, isSameOrigin, isWrite)
        do throws(Doorkeeper.Refusal) {
            return .success(try await doorkeeper.caller(shown, allowsAnonymous: allowsAnonymous, at: now))
        } catch {
            return .failure(error)
        }
    }

    /// What is in the audit, oldest first.
    func audit() async throws -> [AuditEntry] {
        await fleet.store.settled()
        return try await fleet.store.audit(limit: 1000).map(\.entry).reversed()
    }
}

extension Result where Success == Caller, Failure == Doorkeeper.Refusal {
    /// The status of the refusal; nil for who is let in.
    var status: Int? {
        if case .failure(let refusal) = self { refusal.problem.status } else { nil }
    }

    var reason: String? {
        if case .failure(let refusal) = self { refusal.problem.detail } else { nil }
    }

    var caller: Caller? { try? get() }
}

extension TransportTestProvider {
    /// Makes a token over REST.
    func token(_ role: String, expires: String = "1h", with admin: String? = nil) async throws -> JSON {
        let body: JSON = ["name": .string("the-\(role)"), "role": .string(role), "expires": .string(expires)]
        let answer = try await ask(.post, "/api/v1/tokens", body, token: admin)
        try #require(answer.status == 201, "\(String(decoding: answer.body, as: UTF8.self))")
        return try JSON(parsing: answer.body)
    }

    /// A request that shows a token.
    func ask(
        _ method: HTTP.HTTPRequest.Method, _ path: String, _ body: JSON? = nil, token: String? = nil,
        headers: [(name: String, value: String)] = []
    ) async throws -> HTTP.HTTPResponse {
        var headers = headers
        if let token { headers.append((name: "Authorization", value: "Bearer \(token)")) }
        if method != .get { headers.append((name: "Content-Type", value: "application/json")) }
        return try await request(method, path, headers: headers, body: try body?.bytes())
    }
}
