/// One agent as lists show it. REST: `GET agents`.
package struct Agent: RESTObject, Equatable {
    /// 32 lower-case hex digits.
    package var instanceUID = ""
    /// The shortest end of the instance uid, of at least 6 digits, that no other agent of the fleet has.
    package var shortID = ""
    package var status = AgentStatus.disconnected
    package var admission = Admission.approved
    package var health = AgentHealth.unknown
    /// The health last reported, also while the agent is not connected.
    package var lastHealth: AgentHealth?
    /// What deserves attention: `unhealthy`, `stale`, `disconnected`, `config_failed`, `config_drift`, `conflict`;
    /// empty when all is well.
    package var problems: [String] = []
    /// `service.name`, for example `fluent-bit`.
    package var type: String?
    package var version: String?
    package var host: String?
    package var ip: String?
    package var os: String?
    package var serviceInstanceID: String?
    /// The last error of the worst component, as the agent wrote it.
    package var error: String?
    /// The name of that component; absent where the agent itself is meant.
    package var errorComponent: String?
    package var labels: [String: String] = [:]
    package var transport: AgentTransport?
    /// Absent where agents need not show who they are, and while the agent was not heard since the provider started.
    package var identity: AgentIdentity?
    /// When the agent's process started, as it says.
    package var started: Timestamp?
    package var firstSeen: Timestamp?
    package var lastSeen: Timestamp?
    package var config: ConfigStatus?
    /// SHA-256 of the effective configuration, as hex.
    package var configHash: String?
    /// Until when nobody is told that it is lost or unhealthy; absent when it is not muted.
    package var mutedUntil: Timestamp?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.field("instance_uid", &instanceUID)
        try coder.field("short_id", &shortID)
        try coder.field("status", &status)
        try coder.field("admission", &admission)
        try coder.field("health", &health)
        try coder.field("last_health", &lastHealth)
        try coder.field("problems", &problems)
        try coder.field("type", &type)
        try coder.field("version", &version)
        try coder.field("host", &host)
        try coder.field("ip", &ip)
        try coder.field("os", &os)
        try coder.field("service_instance_id", &serviceInstanceID)
        try coder.field("error", &error)
        try coder.field("error_component", &errorComponent)
        try coder.field("labels", &labels)
        try coder.field("transport", &transport)
        try coder.field("identity", &identity)
        try coder.field("started", &started)
        try coder.field("first_seen", &firstSeen)
        try coder.field("last_seen", &lastSeen)
        try coder.field("config", &config)
        try coder.field("config_hash", &configHash)
        try coder.field("muted_until", &mutedUntil)
    }
}

/// One page of the inventory. REST: `GET agents`.
package struct AgentPage: RESTObject, Equatable {
    package var agents: [Agent] = []
    /// Agents in the fleet.
    package var total = 0
    /// Agents that the filter matches.
    package var matched = 0
    /// Where the next page begins; absent on the last one.
    package var next: String?
    /// The provider's clock when it answered: ages are measured against it.
    package var asOf = Timestamp(seconds: 0)

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("agents", &agents)
        try coder.required("total", &total)
        try coder.required("matched", &matched)
        try coder.field("next", &next)
        try coder.field("as_of", &asOf)
    }
}

/// What a free text finds, best first. REST: `GET agents/find`.
package struct AgentMatches: RESTObject, Equatable {
    package struct Match: RESTObject, Equatable {
        package var agent = Agent()
        /// The field that matched: `uid`, `short id`, `service instance id`, `host`, `ip`, `type`, `label`.
        package var field = ""
        /// How it matched: `exact`, `prefix`, `part` or `near`.
        package var quality = ""

        package init() {}

        package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
            try coder.required("agent", &agent)
            try coder.field("field", &field)
            try coder.field("quality", &quality)
        }
    }

    package var matches: [Match] = []
    /// How many agents match in all.
    package var matched = 0
    package var total = 0
    package var asOf = Timestamp(seconds: 0)

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("matches", &matches)
        try coder.required("matched", &matched)
        try coder.field("total", &total)
        try coder.field("as_of", &asOf)
    }
}
