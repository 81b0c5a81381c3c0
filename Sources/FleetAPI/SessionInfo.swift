/// Who asks, as the provider knows them. REST: `GET` and `POST session`.
package struct SessionInfo: RESTObject, Equatable {
    /// How the provider knows.
    package enum Kind: String, RESTEnum {
        /// Nobody has to say who they are.
        case anonymous
        /// A token that this provider made.
        case token
        /// A token of an identity provider.
        case jwt
        /// A cookie.
        case session
    }

    package var name = ""
    package var role = Role.viewer
    package var kind = Kind.anonymous
    /// When they have to say it anew; absent for never.
    package var expiresAt: Timestamp?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("name", &name)
        try coder.required("role", &role)
        try coder.required("kind", &kind)
        try coder.field("expires_at", &expiresAt)
    }
}

/// Begins a session with a token. The body of `POST session`.
package struct SessionRequest: RESTObject, Equatable {
    package var token = ""

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("token", &token)
    }
}
