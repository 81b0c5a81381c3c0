import Crypto
import FleetAPI

/// Who has shown a token and now shows a cookie. In memory alone: a restart ends all. A pure value.
struct Sessions: Sendable {
    static let time = Duration.seconds(8 * 3_600)
    static let limit = 1_000
    /// So that nobody pushes out the others.
    static let limitOfOne = 50

    struct Session: Sendable {
        let name: String
        let role: Role
        /// The token that it was begun with; nil for one of an identity provider. It does not outlive it.
        let tokenID: String?
        let begun: Timestamp
        let expiresAt: Timestamp
    }

    /// By the digests of their secrets.
    private var sessions: [[UInt8]: Session] = [:]

    /// - Parameter end: when the token expires.
    /// - Returns: the secret for the cookie, and the session.
    mutating func begin(
        _ name: String, _ role: Role, tokenID: String?, until end: Timestamp?, at now: Timestamp
    ) -> (secret: String, session: Session) {
        sessions = sessions.filter { $0.value.expiresAt > now }
        let own = sessions.filter { $0.value.name == name }
        if own.count >= Self.limitOfOne {
            drop(oldestOf: own)
        } else if sessions.count >= Self.limit {
            drop(oldestOf: sessions)
        }
        let expiresAt = min(now + Self.time, end ?? now + Self.time)
        let session = Session(name: name, role: role, tokenID: tokenID, begun: now, expiresAt: expiresAt)
        let secret = TokenSecret().text.dropFirst(TokenSecret.prefix.count)
        sessions[Array(TokenSecret.digest(of: secret))] = session
        return (String(secret), session)
    }

    /// Found by its digest, which tells nothing about the secret.
    func session(_ secret: String, at now: Timestamp) -> Session? {
        sessions[Array(TokenSecret.digest(of: secret))].flatMap { $0.expiresAt > now ? $0 : nil }
    }

    mutating func end(_ secret: String) {
        sessions[Array(TokenSecret.digest(of: secret))] = nil
    }

    var count: Int { sessions.count }

    private mutating func drop(oldestOf some: [[UInt8]: Session]) {
        if let oldest = some.min(by: { $0.value.begun < $1.value.begun }) { sessions[oldest.key] = nil }
    }
}
