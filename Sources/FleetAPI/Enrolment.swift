/// What lets agents in for the first time, without its token. REST: `GET enrolments`.
package struct Enrolment: RESTObject, Equatable {
    package enum State: String, RESTEnum {
        case active
        /// It has let in as many agents as it may.
        case usedUp = "used_up"
        case expired, revoked
    }

    /// 16 hex digits.
    package var id = ""
    package var name: String?
    package var state = State.active
    /// How many agents it may let in, and how many it has.
    package var uses = 1
    package var used = 0
    package var createdAt = Timestamp(seconds: 0)
    package var createdBy = ""
    package var expiresAt = Timestamp(seconds: 0)
    package var revokedAt: Timestamp?
    package var lastUsedAt: Timestamp?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("id", &id)
        try coder.field("name", &name)
        try coder.required("state", &state)
        try coder.required("uses", &uses, in: EnrolmentRequest.usesAllowed)
        try coder.required("used", &used)
        try coder.required("created_at", &createdAt)
        try coder.field("created_by", &createdBy)
        try coder.required("expires_at", &expiresAt)
        try coder.field("revoked_at", &revokedAt)
        try coder.field("last_used_at", &lastUsedAt)
    }
}

/// All enrolments, newest first, those that have ended too. REST: `GET enrolments`.
package struct EnrolmentList: RESTObject, Equatable {
    package var enrolments: [Enrolment] = []
    package var asOf = Timestamp(seconds: 0)

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("enrolments", &enrolments)
        try coder.field("as_of", &asOf)
    }
}

/// How many agents an enrolment is to let in, and how long. The body of `POST enrolments`.
package struct EnrolmentRequest: RESTObject, Equatable {
    package static let usesAllowed = 1...100_000
    /// The most days until it expires.
    package static let daysLimit: Int64 = 365
    package static let defaultExpiry = "24h"

    /// What it is for; two may have the same.
    package var name: String?
    /// How long it is good: `30m`, `12h`, `7d`, or a time as `2027-01-01T00:00:00Z`.
    package var expires = EnrolmentRequest.defaultExpiry
    package var uses = 1

    package init() {}

    package init(name: String?, expires: String = defaultExpiry, uses: Int = 1) {
        (self.name, self.expires, self.uses) = (name, expires, uses)
    }

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.field("name", &name)
        try coder.field("expires", &expires)
        try coder.field("uses", &uses, in: Self.usesAllowed)
    }

    /// - Throws: the member that cannot be, and what is allowed.
    package func check() throws(ShapeError) {
        if let name { try TokenRequest.check(name) }
        guard Self.usesAllowed.contains(uses) else {
            throw ShapeError(
                path: "uses", message: "must be \(Self.usesAllowed.lowerBound) to \(Self.usesAllowed.upperBound)")
        }
    }

    /// When it ends.
    ///
    /// - Throws: for what is no time, and for one that is past or too far away.
    package func expiry(at now: Timestamp) throws(ShapeError) -> Timestamp {
        // Nothing else is nil than what is not allowed.
        try Lifetime.end(expires, at: now, daysLimit: Self.daysLimit, allowsNever: false) ?? now
    }
}

/// An enrolment that was just made, with its token: it is told this once. REST: `POST enrolments`.
package struct IssuedEnrolment: RESTObject, Equatable {
    package var id = ""
    package var token = ""
    package var name: String?
    package var uses = 1
    package var expiresAt = Timestamp(seconds: 0)

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("id", &id)
        try coder.required("token", &token)
        try coder.field("name", &name)
        try coder.required("uses", &uses, in: EnrolmentRequest.usesAllowed)
        try coder.required("expires_at", &expiresAt)
    }
}
