import Crypto
import FleetAPI

/// A token as it is kept: only the digest of the token itself.
struct StoredToken: Sendable, Equatable {
    let id: String
    let name: String
    let role: Role
    let digest: [UInt8]
    let createdAt: Timestamp
    let createdBy: String
    /// nil: never.
    let expiresAt: Timestamp?
    var revokedAt: Timestamp?
    var lastUsedAt: Timestamp?

    /// A new token, and what it is kept as.
    ///
    /// - Throws: for a name or a time that cannot be.
    static func make(
        _ request: TokenRequest, by creator: String, at now: Timestamp
    ) throws(ShapeError) -> (stored: StoredToken, issued: IssuedToken) {
        try request.checkName()
        let expiresAt = try request.expiry(at: now)
        let secret = TokenSecret()
        var generator = SystemRandomNumberGenerator()
        let digits = String(UInt64.random(in: .min ... .max, using: &generator), radix: 16)
        let stored = StoredToken(
            id: String(repeating: "0", count: 16 - digits.count) + digits, name: request.name, role: request.role,
            digest: Array(secret.digest), createdAt: now, createdBy: creator, expiresAt: expiresAt)
        var issued = IssuedToken()
        (issued.id, issued.token, issued.name, issued.role) = (stored.id, secret.text, stored.name, stored.role)
        issued.expiresAt = expiresAt
        return (stored, issued)
    }

    func state(at now: Timestamp) -> AccessToken.State {
        if revokedAt != nil { return .revoked }
        return expiresAt.map { $0 <= now } ?? false ? .expired : .active
    }

    func shown(at now: Timestamp) -> AccessToken {
        var shown = AccessToken()
        (shown.id, shown.name, shown.role, shown.state) = (id, name, role, state(at: now))
        (shown.createdAt, shown.createdBy, shown.expiresAt) = (createdAt, createdBy, expiresAt)
        (shown.revokedAt, shown.lastUsedAt) = (revokedAt, lastUsedAt)
        return shown
    }

    /// What the audit says of it.
    var summary: String { "\(name), \(role.rawValue), expires \(expiresAt.map(\.description) ?? "never")" }
}
