/// The configuration of one agent: what it runs, what people want it to run, and what it said of that.
/// REST: `GET agents/{ref}/config`. Secrets in contents and texts are masked.
package struct AgentConfig: RESTObject, Equatable {
    /// The parts that can be asked for.
    package enum Part: String, RESTEnum {
        case effective, desired, reported
    }

    package var instanceUID = ""
    package var shortID = ""
    package var host: String?
    /// Absent when the agent never reported one.
    package var effective: Effective?
    /// Absent when nothing is desired.
    package var desired: Desired?
    /// Absent when the agent never said anything of a configuration offered to it.
    package var reported: Reported?
    /// Why what the agent runs is not what is desired, in words; absent when it is, or an offer is under way.
    package var drift: String?
    package var asOf = Timestamp(seconds: 0)

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("instance_uid", &instanceUID)
        try coder.field("short_id", &shortID)
        try coder.field("host", &host)
        try coder.field("effective", &effective)
        try coder.field("desired", &desired)
        try coder.field("reported", &reported)
        try coder.field("drift", &drift)
        try coder.field("as_of", &asOf)
    }

    /// What the agent says it runs on.
    package struct Effective: RESTObject, Equatable {
        package var files: [String: ConfigFile] = [:]
        /// SHA-256 over all files, as hex.
        package var hash = ""
        /// When the provider first saw it.
        package var changedAt: Timestamp?

        package init() {}

        package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
            try coder.field("files", &files)
            try coder.required("hash", &hash)
            try coder.field("changed_at", &changedAt)
        }
    }

    /// What people want it to run on.
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
        package var files: [String: ConfigFile] = [:]

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
            try coder.field("files", &files)
        }
    }

    /// What the agent last said of an offered configuration. Spec: OpAMP, "RemoteConfigStatus Message".
    package struct Reported: RESTObject, Equatable {
        /// As hex; absent when the agent named none.
        package var hash: String?
        package var status = ConfigStatus.unset
        package var error: String?

        package init() {}

        package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
            try coder.field("hash", &hash)
            try coder.required("status", &status)
            try coder.field("error", &error)
        }
    }
}
