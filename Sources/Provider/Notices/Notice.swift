import FleetAPI
import OpAMP

/// What is told of one agent.
struct Notice: RESTObject, Equatable {
    var kind = NoticeKind.lost
    var at = Timestamp(seconds: 0)
    var instanceUID = ""
    var host: String?
    var type: String?
    var version: String?
    var labels: [String: String] = [:]
    var status = AgentStatus.disconnected
    var lastSeen: Timestamp?
    /// Why it is unhealthy, in the agent's words, with secrets masked.
    var error: String?

    init() {}

    init(_ kind: NoticeKind, _ view: AgentView, at now: Timestamp) {
        (self.kind, at) = (kind, now)
        instanceUID = view.record.uid.description
        (host, type, version) = (view.facts.host?.text, view.facts.type?.text, view.facts.version?.text)
        (labels, status, lastSeen) = (view.record.decisions.labels, view.vitals.status, view.vitals.lastSeen.wall)
        if kind == .unhealthy { error = view.facts.error.map { SecretMask.masked(message: $0).prefixUTF8(1024) } }
    }

    mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("kind", &kind)
        try coder.required("at", &at)
        try coder.required("instance_uid", &instanceUID)
        try coder.field("host", &host)
        try coder.field("type", &type)
        try coder.field("version", &version)
        try coder.field("labels", &labels)
        try coder.field("status", &status)
        try coder.field("last_seen", &lastSeen)
        try coder.field("error", &error)
    }
}

/// What one request of the webhook carries.
struct NoticeBatch: RESTObject, Equatable {
    /// The same when it is sent again.
    var id = ""
    var sentAt = Timestamp(seconds: 0)
    /// How many of each kind are in it.
    var counts: [String: Int] = [:]
    var notices: [Notice] = []
    /// How many were given up since the last one that was taken.
    var dropped = 0

    init() {}

    mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("id", &id)
        try coder.required("sent_at", &sentAt)
        try coder.field("counts", &counts)
        try coder.required("notices", &notices)
        try coder.field("dropped", &dropped)
    }
}
