package import JSON

/// The parts of an agent that are told only on request. REST: `include` of `GET agents/{ref}`.
package enum AgentSection: String, RESTEnum {
    case health, config, components, capabilities, attributes, packages, commands, events
}

/// One agent in depth. REST: `GET agents/{ref}`.
package struct AgentDetail: RESTObject, Equatable {
    package var agent = Agent()
    /// The interval at which the provider expects to hear from it.
    package var expectedIntervalSeconds: Int?
    /// The agent's last sequence number, as text: it may exceed what JSON numbers hold.
    package var sequence: String?
    /// Who goes on under the same instance uid; absent where nobody does.
    package var conflict: String?
    /// What is known of the agent's make that bears on commands.
    package var peerNote: String?
    /// The token that this agent alone has; absent where it has none.
    package var ownToken: AgentToken?
    package var health: ComponentHealthTree?
    package var config: ConfigSummary?
    /// Available components as the agent reported them: name → {metadata, components}.
    package var components: JSON?
    /// The hash the agent last gave of its available components, as hex.
    package var componentsHash: String?
    /// Names of the OpAMP capability bits the agent has now.
    package var capabilities: [String]?
    package var customCapabilities: [String]?
    /// Names of the flags of the agent's last message, told with the capabilities; absent where none is set.
    package var flags: [String]?
    package var packages: PackageReport?
    package var attributes: Attributes?
    /// The newest first, at most 20.
    package var commands: [Command]?
    /// The newest first, at most 50.
    package var events: [FleetEvent]?
    package var asOf = Timestamp(seconds: 0)

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("agent", &agent)
        try coder.field("expected_interval_seconds", &expectedIntervalSeconds)
        try coder.field("sequence", &sequence)
        try coder.field("conflict", &conflict)
        try coder.field("peer_note", &peerNote)
        try coder.field("own_token", &ownToken)
        try coder.field("health", &health)
        try coder.field("config", &config)
        try coder.field("components", &components)
        try coder.field("components_hash", &componentsHash)
        try coder.field("capabilities", &capabilities)
        try coder.field("custom_capabilities", &customCapabilities)
        try coder.field("flags", &flags)
        try coder.field("packages", &packages)
        try coder.field("attributes", &attributes)
        try coder.field("commands", &commands)
        try coder.field("events", &events)
        try coder.field("as_of", &asOf)
    }

    /// What the agent says it is. Spec: OpAMP, "AgentDescription Message".
    package struct Attributes: RESTObject, Equatable {
        package var identifying: [String: JSON] = [:]
        package var nonIdentifying: [String: JSON] = [:]

        package init() {}

        package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
            try coder.field("identifying", &identifying)
            try coder.field("non_identifying", &nonIdentifying)
        }
    }
}

/// The health of an agent or of one of its components. Spec: OpAMP, "ComponentHealth Message".
package struct ComponentHealthTree: RESTObject, Equatable {
    package var healthy = false
    package var status: String?
    package var lastError: String?
    package var started: Timestamp?
    package var statusTime: Timestamp?
    package var components: [String: ComponentHealthTree] = [:]
    package var attributes: [String: JSON]?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("healthy", &healthy)
        try coder.field("status", &status)
        try coder.field("last_error", &lastError)
        try coder.field("started", &started)
        try coder.field("status_time", &statusTime)
        try coder.field("components", &components)
        try coder.field("attributes", &attributes)
    }
}

/// The effective configuration without its text.
package struct ConfigSummary: RESTObject, Equatable {
    package struct File: RESTObject, Equatable {
        package var name = ""
        package var contentType: String?
        package var bytes = 0

        package init() {}

        package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
            try coder.required("name", &name)
            try coder.field("content_type", &contentType)
            try coder.field("bytes", &bytes)
        }
    }

    package var files: [File] = []
    /// SHA-256 over all files, as hex.
    package var hash: String?
    package var status: ConfigStatus?
    /// Why the configuration last offered failed, in the agent's words.
    package var error: String?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.field("files", &files)
        try coder.field("hash", &hash)
        try coder.field("status", &status)
        try coder.field("error", &error)
    }
}
