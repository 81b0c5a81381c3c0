import Crypto
import FleetAPI

/// The tokens that a provider knows. A pure value.
struct TokenBook: Sendable {
    /// The most that are not revoked.
    static let limit = 1_000
    /// The most revoked ones that are remembered, so that who still shows one is told.
    static let revokedLimit = 1_000

    private var tokens: [StoredToken] = []
    /// When tokens were used, as far as it is not stored.
    private var used: [String: Timestamp] = [:]

    /// Whether there is a token that was not revoked. An expired one counts: its end must not open what it guarded.
    private(set) var isAnyInForce = false

    /// Takes over what is stored.
    mutating func replace(_ stored: [StoredToken]) {
        tokens = stored
        isAnyInForce = stored.contains { $0.revokedAt == nil }
    }

    /// The token with this digest, whatever its state. The time it takes tells nothing about the tokens.
    func token(_ shown: SHA256Digest) -> StoredToken? {
        var found: StoredToken?
        // Equality with a digest takes the same time whatever the bytes are, and all are compared.
        for token in tokens where shown == token.digest { found = token }
        return found
    }

    func token(id: String) -> StoredToken? { tokens.first { $0.id == id } }

    /// How many are not revoked.
    var count: Int { tokens.count { $0.revokedAt == nil } }

    /// All of them, newest first.
    func list(at now: Timestamp) -> [AccessToken] {
        tokens.sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }.map { token in
            var shown = token.shown(at: now)
            if let time = used[token.id] { shown.lastUsedAt = max(time, token.lastUsedAt ?? time) }
            return shown
        }
    }

    mutating func note(use id: String, at now: Timestamp) { used[id] = now }

    /// What is to be stored of the uses; it counts as stored from then on.
    mutating func takeUses() -> [(id: String, at: Timestamp)] {
        defer { used = [:] }
        for index in tokens.indices {
            if let time = used[tokens[index].id] { tokens[index].lastUsedAt = time }
        }
        return used.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 }
    }
}
