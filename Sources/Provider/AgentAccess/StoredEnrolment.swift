import FleetAPI

/// An enrolment as it is kept: only the digest of its token.
struct StoredEnrolment: Sendable, Equatable {
    let id: UInt64
    let name: String?
    let digest: [UInt8]
    let createdAt: Timestamp
    let createdBy: String
    let expiresAt: Timestamp
    /// How many agents it may let in, and how many it has.
    let uses: Int
    var used = 0
    var revokedAt: Timestamp?
    var lastUsedAt: Timestamp?

    /// A new enrolment, and what it is kept as.
    ///
    /// - Throws: for a name, a number or a time that cannot be.
    static func make(
        _ request: EnrolmentRequest, by creator: String, at now: Timestamp
    ) throws(ShapeError) -> (stored: StoredEnrolment, issued: IssuedEnrolment) {
        try request.check()
        let expiresAt = try request.expiry(at: now)
        let id = UInt64.randomID()
        let secret = AgentSecret(.enrolment, id: id)
        let stored = StoredEnrolment(
            id: id, name: request.name, digest: Array(secret.digest), createdAt: now, createdBy: creator,
            expiresAt: expiresAt, uses: request.uses)
        var issued = IssuedEnrolment()
        (issued.id, issued.token, issued.name) = (id.hexDigits, secret.text, request.name)
        (issued.uses, issued.expiresAt) = (request.uses, expiresAt)
        return (stored, issued)
    }

    func state(at now: Timestamp) -> Enrolment.State {
        if revokedAt != nil { return .revoked }
        if expiresAt <= now { return .expired }
        return used >= uses ? .usedUp : .active
    }

    func shown(at now: Timestamp) -> Enrolment {
        var shown = Enrolment()
        (shown.id, shown.name, shown.state) = (id.hexDigits, name, state(at: now))
        (shown.uses, shown.used) = (uses, used)
        (shown.createdAt, shown.createdBy, shown.expiresAt) = (createdAt, createdBy, expiresAt)
        (shown.revokedAt, shown.lastUsedAt) = (revokedAt, lastUsedAt)
        return shown
    }

    /// How events and the audit call it.
    var label: String { name.map { "\($0) (\(id.hexDigits))" } ?? id.hexDigits }

    /// What the audit says of it.
    var summary: String {
        "\(name ?? "no name"), for \(uses) agent\(uses == 1 ? "" : "s"), expires \(expiresAt)"
    }

    /// What the audit says of what was done with it.
    func entry(_ action: String, by name: String, from address: String, at now: Timestamp) -> AuditEntry {
        AuditEntry(
            at: now, by: name, from: address, action: action, target: id.hexDigits, outcome: "done", detail: summary)
    }
}
