/// One configuration that was offered to an agent. REST: `GET agents/{ref}/config/revisions/{n}`.
package struct ConfigRevision: RESTObject, Equatable {
    /// A file without its content.
    package struct File: RESTObject, Equatable {
        package var name = ""
        package var bytes = 0
        package var contentType: String?
        package var role: String?

        package init() {}

        package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
            try coder.required("name", &name)
            try coder.field("bytes", &bytes)
            try coder.field("content_type", &contentType)
            try coder.field("role", &role)
        }
    }

    /// Counts from 1, for each agent.
    package var revision = 0
    package var hash = ""
    package var state = OfferState.queued
    /// Why it failed, in the agent's words, or why it ended otherwise.
    package var error: String?
    package var requestedBy: String?
    package var requestedFrom: String?
    package var requestedAt = Timestamp(seconds: 0)
    /// The command that offered it first.
    package var commandID: String?
    /// The revision whose content a roll-back took.
    package var rolledBackTo: Int?
    package var files: [File] = []
    /// The files with their contents, secrets masked; only where one revision is asked for.
    package var contents: [String: ConfigFile]?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("revision", &revision)
        try coder.required("hash", &hash)
        try coder.field("state", &state)
        try coder.field("error", &error)
        try coder.field("requested_by", &requestedBy)
        try coder.field("requested_from", &requestedFrom)
        try coder.field("requested_at", &requestedAt)
        try coder.field("command_id", &commandID)
        try coder.field("rolled_back_to", &rolledBackTo)
        try coder.field("files", &files)
        try coder.field("contents", &contents)
    }
}

/// The configurations offered to an agent, newest first. REST: `GET agents/{ref}/config/revisions`.
package struct ConfigRevisionPage: RESTObject, Equatable {
    package var revisions: [ConfigRevision] = []
    package var matched = 0
    /// Where the next page begins; absent on the last one.
    package var next: String?
    package var asOf = Timestamp(seconds: 0)

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("revisions", &revisions)
        try coder.field("matched", &matched)
        try coder.field("next", &next)
        try coder.field("as_of", &asOf)
    }
}
