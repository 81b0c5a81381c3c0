/// The connection settings of one agent. REST: `GET agents/{ref}/connection-settings`. Secrets are masked.
package struct AgentConnection: RESTObject, Equatable {
    /// What people want it to use.
    package struct Desired: RESTObject, Equatable {
        package var revision = 0
        package var hash = ""
        package var state = OfferState.queued
        /// Why it failed, in the agent's words.
        package var error: String?
        package var requestedBy: String?
        package var requestedFrom: String?
        package var requestedAt = Timestamp(seconds: 0)
        package var commandID: String?
        package var settings = ConnectionSettings()

        package init() {}

        package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
            try coder.required("revision", &revision)
            try coder.required("hash", &hash)
            try coder.required("state", &state)
            try coder.field("error", &error)
            try coder.field("requested_by", &requestedBy)
            try coder.field("requested_from", &requestedFrom)
            try coder.field("requested_at", &requestedAt)
            try coder.field("command_id", &commandID)
            try coder.field("settings", &settings)
        }
    }

    package var instanceUID = ""
    package var shortID = ""
    package var desired: Desired?
    /// What the agent last said of settings offered to it. Spec: OpAMP, "ConnectionSettingsStatus Message".
    package var reported: AgentConfig.Reported?
    /// The heartbeat interval that the agent took, in seconds; 0: none.
    package var heartbeatSeconds: Int?
    package var asOf = Timestamp(seconds: 0)

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("instance_uid", &instanceUID)
        try coder.field("short_id", &shortID)
        try coder.field("desired", &desired)
        try coder.field("reported", &reported)
        try coder.field("heartbeat_seconds", &heartbeatSeconds)
        try coder.field("as_of", &asOf)
    }
}

/// The body of `PUT agents/{ref}/heartbeat`.
package struct HeartbeatRequest: RESTObject, Equatable {
    package static let secondsAllowed = 0...86_400

    /// Seconds between heartbeats; 0 turns them off, null withdraws the interval.
    package var seconds = Nullable<Int>(nil)
    package var expiresSeconds: Int?
    package var confirmSeconds: Int?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("seconds", &seconds, in: Self.secondsAllowed)
        try coder.field("expires_seconds", &expiresSeconds, in: CommandRequest.expiresSecondsAllowed)
        try coder.field("confirm_seconds", &confirmSeconds, in: CommandRequest.confirmSecondsAllowed)
    }
}
