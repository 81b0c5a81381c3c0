import Crypto
import FleetAPI
import OpAMP

/// The tokens of agents that a provider knows. A pure value.
struct OwnTokenBook: Sendable {
    /// The most tokens of one agent: the one it uses, and those offered since.
    static let agentLimit = 3
    /// The most revoked ones that are remembered, so that who still shows one is told.
    static let revokedLimit = 1_000

    private var tokens: [UInt64: OwnToken] = [:]
    /// Ids, oldest first.
    private var idsByUID: [InstanceUID: [UInt64]] = [:]
    /// Those that no agent has shown.
    private(set) var unshown: Set<UInt64> = []
    private var revoked: Set<UInt64> = []

    init(_ stored: [OwnToken] = [], revoked: [UInt64] = []) {
        for token in stored { insert(token) }
        self.revoked = Set(revoked)
    }

    var isEmpty: Bool { tokens.isEmpty }

    subscript(id: UInt64) -> OwnToken? { tokens[id] }

    /// The tokens of an agent, oldest first.
    func tokens(of uid: InstanceUID) -> [OwnToken] { (idsByUID[uid] ?? []).compactMap { tokens[$0] } }

    /// The token that an agent uses, or else the newest one it was given; nil when it has none.
    func token(of uid: InstanceUID) -> OwnToken? {
        let all = tokens(of: uid)
        return all.last { $0.shownAt != nil } ?? all.last
    }

    /// Whether an agent has shown a token of its own.
    func isShown(of uid: InstanceUID) -> Bool {
        guard !tokens.isEmpty, let ids = idsByUID[uid] else { return false }
        return ids.contains { tokens[$0]?.shownAt != nil }
    }

    func isRevoked(_ id: UInt64) -> Bool { revoked.contains(id) }

    /// The token that an agent got, or is to get, by an enrolment and has not shown.
    func claim(of uid: InstanceUID, by enrolment: UInt64) -> OwnToken? {
        tokens(of: uid).last { $0.enrolment == enrolment && $0.shownAt == nil }
    }

    /// Those that came from an enrolment and no agent has shown.
    func claims(by enrolment: UInt64) -> [OwnToken] {
        unshown.compactMap { tokens[$0] }.filter { $0.enrolment == enrolment }
    }

    /// Files a token, in place of an earlier state of it.
    ///
    /// - Returns: the oldest of the agent's, where it had to make room.
    @discardableResult
    mutating func insert(_ token: OwnToken) -> UInt64? {
        var dropped: UInt64?
        if tokens.updateValue(token, forKey: token.id) == nil {
            var ids = idsByUID[token.uid] ?? []
            if ids.count >= Self.agentLimit {
                // Never the one that it uses.
                dropped = ids.first { tokens[$0]?.shownAt == nil } ?? ids.first
                ids.removeAll { $0 == dropped }
                if let dropped { take(dropped) }
            }
            idsByUID[token.uid] = ids + [token.id]
        }
        if token.shownAt == nil { unshown.insert(token.id) } else { unshown.remove(token.id) }
        return dropped
    }

    /// Takes a token out.
    mutating func remove(_ id: UInt64) {
        guard let uid = tokens[id]?.uid else { return }
        take(id)
        let rest = (idsByUID[uid] ?? []).filter { $0 != id }
        idsByUID[uid] = rest.isEmpty ? nil : rest
    }

    /// Ends a token; who shows it is told so.
    mutating func revoke(_ id: UInt64) {
        remove(id)
        if revoked.count >= Self.revokedLimit { revoked.removeFirst() }
        revoked.insert(id)
    }

    /// Takes that back.
    mutating func unrevoke(_ token: OwnToken) {
        revoked.remove(token.id)
        insert(token)
    }

    /// Notes that the agent shows this token: what it had before is void then, and what else it could have enrolled with.
    ///
    /// - Returns: the token as it is now, where that changed anything, and those that are void.
    mutating func show(_ id: UInt64, _ digest: SHA256Digest, at now: Timestamp) -> (token: OwnToken, void: [UInt64])? {
        guard var token = tokens[id], token.show(digest, at: now) else { return nil }
        insert(token)
        let ids = idsByUID[token.uid] ?? []
        let place = ids.firstIndex(of: id) ?? 0
        let void = ids.enumerated().filter {
            $0.offset < place || $0.element != id && tokens[$0.element]?.enrolment != nil
        }
        .map(\.element)
        for id in void { remove(id) }
        return (token, void)
    }

    /// The agent goes on under another uid.
    mutating func move(from old: InstanceUID, to new: InstanceUID) {
        guard !tokens.isEmpty, let ids = idsByUID.removeValue(forKey: old) else { return }
        for id in ids { tokens[id]?.uid = new }
        idsByUID[new] = (idsByUID[new] ?? []) + ids
    }

    /// All of them, by when they were issued.
    var all: [OwnToken] { tokens.values.sorted { ($0.issuedAt, $0.id) < ($1.issuedAt, $1.id) } }

    private mutating func take(_ id: UInt64) {
        tokens[id] = nil
        unshown.remove(id)
    }
}
