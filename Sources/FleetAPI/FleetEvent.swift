/// Something that happened to an agent. REST: `GET events`.
package struct FleetEvent: RESTObject, Equatable {
    /// The kinds that exist.
    package static let kinds = [
        "approved", "blocked", "certificate_requested", "config_applied", "config_changed", "config_drift",
        "config_failed", "config_offered", "config_withdrawn", "conflict", "conflict_ended", "connected",
        "custom_message", "disconnected", "duplicate", "enrolled", "forgotten", "healthy", "labelled", "muted",
        "pending", "renamed", "replaced", "restarted", "separated", "settings_applied", "settings_failed",
        "settings_offered", "settings_withdrawn", "stale", "token_revoked", "token_shown", "unblocked", "unhealthy",
        "unmuted", "version_changed",
    ]

    /// Counts the events of a provider in the order they were written; 0 before that.
    package var number = 0
    package var at = Timestamp(seconds: 0)
    /// One of `kinds`.
    package var kind = ""
    /// As it was then: an agent may have been given another one since.
    package var instanceUID = ""
    /// How the agent is called now, and its host; absent where the fleet does not know it any more, and in the stream.
    package var shortID: String?
    package var host: String?
    package var text: String?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.field("number", &number)
        try coder.required("at", &at)
        try coder.required("kind", &kind)
        try coder.field("instance_uid", &instanceUID)
        try coder.field("short_id", &shortID)
        try coder.field("host", &host)
        try coder.field("text", &text)
    }
}

/// One page of what happened, newest first. REST: `GET events`.
package struct EventPage: RESTObject, Equatable {
    package var events: [FleetEvent] = []
    /// How many of each kind are selected, on all pages; only where they are asked for.
    package var counts: [String: Int]?
    /// Where the next page begins; absent on the last one.
    package var next: String?
    /// The number of the newest event of all: from there `GET events/stream` goes on.
    package var last = 0
    package var asOf = Timestamp(seconds: 0)

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("events", &events)
        try coder.field("counts", &counts)
        try coder.field("next", &next)
        try coder.required("last", &last)
        try coder.field("as_of", &asOf)
    }
}
