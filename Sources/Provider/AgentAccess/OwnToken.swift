import Crypto
import FleetAPI
import OpAMP

/// The token of one agent as it is kept: only digests.
///
/// The token itself is made when it is handed over, and another one, of the same id, should it have to be handed over
/// again: which of them arrived is known once the agent shows it.
struct OwnToken: Sendable, Equatable {
    /// The most digests that are remembered; past them the oldest that was not shown is forgotten.
    static let digestLimit = 8

    let id: UInt64
    /// Moves with the agent when it takes another uid that was offered to it.
    var uid: InstanceUID
    let issuedAt: Timestamp
    /// nil: a person had it offered.
    let enrolment: UInt64?
    /// When the agent first showed it.
    var shownAt: Timestamp?
    /// When the agent was forgotten for having been away; nil while it is known, or has never come.
    var forgottenAt: Timestamp?
    /// Of 32 bytes each, oldest first: those that were handed over and may arrive yet, after the one that was shown.
    private(set) var digests: [UInt8] = []

    init(id: UInt64, uid: InstanceUID, at now: Timestamp, enrolment: UInt64?) {
        (self.id, self.uid, issuedAt, self.enrolment) = (id, uid, now, enrolment)
    }

    init(
        id: UInt64, uid: InstanceUID, issuedAt: Timestamp, enrolment: UInt64?, shownAt: Timestamp?,
        forgottenAt: Timestamp?, digests: [UInt8]
    ) {
        (self.id, self.uid, self.issuedAt, self.enrolment) = (id, uid, issuedAt, enrolment)
        (self.shownAt, self.forgottenAt, self.digests) = (shownAt, forgottenAt, digests)
    }

    /// Whether it is this token. The time it takes tells nothing of the digests.
    func holds(_ shown: SHA256Digest) -> Bool { place(of: shown) != nil }

    /// Notes a token that is about to be handed over.
    mutating func add(_ digest: SHA256Digest) {
        if digests.count / Self.width >= Self.digestLimit {
            let first = shownAt == nil ? 0 : Self.width
            digests.removeSubrange(first..<first + Self.width)
        }
        digests += Array(digest)
    }

    /// Notes that the agent shows one: those from before are void then.
    ///
    /// - Returns: whether anything changed.
    mutating func show(_ shown: SHA256Digest, at now: Timestamp) -> Bool {
        guard let place = place(of: shown), place > 0 || shownAt == nil else { return false }
        digests.removeFirst(place * Self.width)
        shownAt = shownAt ?? now
        return true
    }

    var info: AgentToken {
        var info = AgentToken()
        (info.id, info.issuedAt, info.shownAt) = (id.hexDigits, issuedAt, shownAt)
        info.enrolment = enrolment?.hexDigits
        return info
    }

    private static let width = SHA256Digest.byteCount

    /// All are compared, whichever it is.
    private func place(of shown: SHA256Digest) -> Int? {
        var found: Int?
        for place in 0..<digests.count / Self.width
        where shown == digests[place * Self.width..<(place + 1) * Self.width] {
            found = place
        }
        return found
    }
}
