/// Whether the provider is in touch with an agent.
package enum AgentStatus: String, RESTEnum {
    case connected
    /// It said goodbye, or its newest session closed.
    case disconnected
    /// It has been silent for three expected intervals.
    case stale
}

/// Whether an operator lets an agent in.
package enum Admission: String, RESTEnum {
    case approved, pending, blocked
}

/// What is known of who an agent is, by what it last showed.
package enum AgentIdentity: String, RESTEnum {
    /// It has a token of its own, or a client certificate that names it.
    case verified
    /// It showed what many agents know.
    case unverified
}

/// What an agent says of itself; `unknown` while it is not connected or does not report health.
package enum AgentHealth: String, RESTEnum {
    case healthy, unhealthy, unknown
}

/// How the provider and an agent talk.
package enum AgentTransport: String, RESTEnum {
    case webSocket = "websocket"
    case http
}

/// What an agent says of the configuration last offered to it. Spec: OpAMP, "RemoteConfigStatus Message".
package enum ConfigStatus: String, RESTEnum {
    case unset, applied, applying, failed
}

/// The life of a command: queued, sent, and how it ended.
package enum CommandState: String, RESTEnum {
    case queued
    /// Committed as handed over, before the first byte left.
    case sent
    case confirmed, failed
    /// Handed over, and no proof came in time: it may have been done.
    case unconfirmed
    /// Never handed over in its time: safe to repeat.
    case expired
    /// Withdrawn before it was handed over.
    case cancelled

    /// Whether nothing more is expected; later proof may still turn `unconfirmed` into an outcome.
    package var isFinal: Bool { self != .queued && self != .sent }
}

/// What shows that a command was carried out.
package enum CommandProof: String, RESTEnum {
    case startTime = "start_time"
    case reply
    case fullReport = "full_report"
    case newUID = "new_uid"
    case goodbye
    /// What the agent says of the configuration offered to it.
    case configStatus = "config_status"
    /// What the agent says of the connection settings offered to it.
    case settingsStatus = "settings_status"
    /// Agents do not report the outcome of such a command.
    case nothing
}
