import Crypto
import FleetAPI

/// The enrolments that a provider knows. A pure value.
struct EnrolmentBook: Sendable {
    /// The most that have not ended.
    static let limit = 1_000
    /// The most that have ended and are remembered, so that who still shows one is told.
    static let endedLimit = 1_000

    private var enrolments: [UInt64: StoredEnrolment] = [:]

    init(_ stored: [StoredEnrolment] = []) {
        for enrolment in stored { enrolments[enrolment.id] = enrolment }
    }

    subscript(id: UInt64) -> StoredEnrolment? { enrolments[id] }

    /// The enrolment of a token, whatever its state. The time it takes tells nothing of the digest.
    func find(_ id: UInt64, _ shown: SHA256Digest) -> StoredEnrolment? {
        guard let enrolment = enrolments[id], shown == enrolment.digest else { return nil }
        return enrolment
    }

    /// How many have not ended.
    func count(at now: Timestamp) -> Int { enrolments.values.count { $0.state(at: now) == .active } }

    mutating func insert(_ enrolment: StoredEnrolment) { enrolments[enrolment.id] = enrolment }

    mutating func remove(_ id: UInt64) { enrolments[id] = nil }

    /// Counts one more agent, or one fewer when that could not be written.
    ///
    /// - Returns: the enrolment as it is now.
    @discardableResult
    mutating func use(_ id: UInt64, by difference: Int = 1, at now: Timestamp) -> StoredEnrolment? {
        enrolments[id]?.used += difference
        enrolments[id]?.lastUsedAt = now
        return enrolments[id]
    }

    /// Ends one, or takes that back.
    mutating func revoke(_ id: UInt64, at now: Timestamp?) { enrolments[id]?.revokedAt = now }

    /// Takes over what another process changed: what it made, and what it revoked. How often one was used is known here
    /// alone. What is stored no more and has ended is forgotten.
    ///
    /// - Returns: those that were revoked.
    mutating func merge(_ stored: [StoredEnrolment], at now: Timestamp) -> [UInt64] {
        var revoked: [UInt64] = []
        for one in stored {
            guard let known = enrolments[one.id] else {
                enrolments[one.id] = one
                continue
            }
            if known.revokedAt == nil, let time = one.revokedAt {
                enrolments[one.id]?.revokedAt = time
                revoked.append(one.id)
            }
        }
        let kept = Set(stored.map(\.id))
        enrolments = enrolments.filter { kept.contains($0.key) || $0.value.state(at: now) == .active }
        return revoked
    }

    /// All of them, newest first.
    func list(at now: Timestamp) -> [Enrolment] {
        enrolments.values.sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }.map { $0.shown(at: now) }
    }
}
