/// A token of a person or a program, without the token itself. REST: `GET tokens`.
package struct AccessToken: RESTObject, Equatable {
    package enum State: String, RESTEnum {
        case active, expired, revoked
    }

    package var id = ""
    /// Who it was made for; what they do is recorded under it.
    package var name = ""
    package var role = Role.viewer
    package var state = State.active
    package var createdAt = Timestamp(seconds: 0)
    package var createdBy = ""
    /// Absent when it never expires.
    package var expiresAt: Timestamp?
    package var revokedAt: Timestamp?
    /// Some minutes may be missing after the provider was killed.
    package var lastUsedAt: Timestamp?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("id", &id)
        try coder.required("name", &name)
        try coder.required("role", &role)
        try coder.required("state", &state)
        try coder.required("created_at", &createdAt)
        try coder.field("created_by", &createdBy)
        try coder.field("expires_at", &expiresAt)
        try coder.field("revoked_at", &revokedAt)
        try coder.field("last_used_at", &lastUsedAt)
    }
}

/// All tokens, newest first, revoked ones too. REST: `GET tokens`.
package struct AccessTokenList: RESTObject, Equatable {
    package var tokens: [AccessToken] = []
    package var asOf = Timestamp(seconds: 0)

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("tokens", &tokens)
        try coder.field("as_of", &asOf)
    }
}

/// A token that was just made, with the token itself: it is told this once. REST: `POST tokens`.
package struct IssuedToken: RESTObject, Equatable {
    package var id = ""
    package var token = ""
    package var name = ""
    package var role = Role.viewer
    /// Absent when it never expires.
    package var expiresAt: Timestamp?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("id", &id)
        try coder.required("token", &token)
        try coder.required("name", &name)
        try coder.required("role", &role)
        try coder.field("expires_at", &expiresAt)
    }
}
