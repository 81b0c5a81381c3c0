/// The token that one agent alone has, without the token itself. REST: `own_token` of `GET agents/{ref}`.
package struct AgentToken: RESTObject, Equatable {
    /// 16 hex digits.
    package var id = ""
    package var issuedAt = Timestamp(seconds: 0)
    /// When the agent first showed it; absent while it has not.
    package var shownAt: Timestamp?
    /// The enrolment it came from; absent where a person had it offered.
    package var enrolment: String?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("id", &id)
        try coder.required("issued_at", &issuedAt)
        try coder.field("shown_at", &shownAt)
        try coder.field("enrolment", &enrolment)
    }
}

/// Which agent is to have a token for an enrolment token. The body of `POST /v1/opamp/enrol`.
package struct EnrolRequest: RESTObject, Equatable {
    /// 32 hex digits, dashes allowed.
    package var instanceUID = ""

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("instance_uid", &instanceUID)
    }
}

/// The token that an agent got for an enrolment token; it is told this once. `POST /v1/opamp/enrol`.
package struct IssuedAgentToken: RESTObject, Equatable {
    package var instanceUID = ""
    package var token = ""

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("instance_uid", &instanceUID)
        try coder.required("token", &token)
    }
}
