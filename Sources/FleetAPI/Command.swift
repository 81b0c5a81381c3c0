package import JSON

/// A command and what became of it. REST: `GET commands/{id}`, and the answer to `POST agents/{ref}/commands`.
package struct Command: RESTObject, Equatable {
    /// 32 lower-case hex digits.
    package var id = ""
    package var state = CommandState.queued
    /// `restart`, `shutdown`, `resync`, `identify`, `chatops`, `nullcommand`, `custom`, `config`, `heartbeat` or
    /// `connection_settings`.
    package var command = ""
    package var parameters: [String: JSON] = [:]
    /// The id of the operation that it is part of.
    package var operation: String?
    package var instanceUID = ""
    package var shortID = ""
    package var host: String?
    /// Who asked for it, as authenticated, and from where.
    package var requestedBy: String?
    package var requestedFrom: String?
    package var queuedAt = Timestamp(seconds: 0)
    /// When it was handed over for the first time.
    package var sentAt: Timestamp?
    /// How often it was handed over: more than once only to an agent that tells command ids apart.
    package var attempts = 0
    package var finishedAt: Timestamp?
    /// Until when it may still be handed over.
    package var expiresAt = Timestamp(seconds: 0)
    /// How long after it was sent proof is waited for.
    package var confirmSeconds = 60
    package var proof = CommandProof.nothing
    /// What shows the outcome, in words: for example the start time before and after.
    package var evidence: String?
    /// What the agent answered, or why it ended as it did; at most 4,096 bytes.
    package var result: String?
    /// The agent's health when the command ended.
    package var healthAfter: AgentHealth?
    /// The agent now, for saying what a queued command waits for.
    package var agentStatus: AgentStatus?
    package var agentLastSeen: Timestamp?
    /// Seconds until the agent is expected to report; absent where it can be reached at once, or is not connected.
    package var nextReportSeconds: Int?
    /// What is known of the agent's make that bears on commands.
    package var peerNote: String?
    package var asOf: Timestamp?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("id", &id)
        try coder.required("state", &state)
        try coder.required("command", &command)
        try coder.field("parameters", &parameters)
        try coder.field("operation", &operation)
        try coder.field("instance_uid", &instanceUID)
        try coder.field("short_id", &shortID)
        try coder.field("host", &host)
        try coder.field("requested_by", &requestedBy)
        try coder.field("requested_from", &requestedFrom)
        try coder.field("queued_at", &queuedAt)
        try coder.field("sent_at", &sentAt)
        try coder.field("attempts", &attempts)
        try coder.field("finished_at", &finishedAt)
        try coder.field("expires_at", &expiresAt)
        try coder.field("confirm_seconds", &confirmSeconds)
        try coder.field("proof", &proof)
        try coder.field("evidence", &evidence)
        try coder.field("result", &result)
        try coder.field("health_after", &healthAfter)
        try coder.field("agent_status", &agentStatus)
        try coder.field("agent_last_seen", &agentLastSeen)
        try coder.field("next_report_seconds", &nextReportSeconds)
        try coder.field("peer_note", &peerNote)
        try coder.field("as_of", &asOf)
    }
}

/// Commands, newest first. REST: `GET commands`.
package struct CommandPage: RESTObject, Equatable {
    package var commands: [Command] = []
    package var matched = 0
    package var next: String?
    package var asOf = Timestamp(seconds: 0)

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("commands", &commands)
        try coder.field("matched", &matched)
        try coder.field("next", &next)
        try coder.field("as_of", &asOf)
    }
}

/// The body of `POST agents/{ref}/commands`.
package struct CommandRequest: RESTObject, Equatable {
    package static let expiresSecondsAllowed = 1...86_400
    package static let confirmSecondsAllowed = 1...3_600
    /// From queueing to the end of waiting for proof, at most.
    package static let longestLife = Duration.seconds(
        expiresSecondsAllowed.upperBound + confirmSecondsAllowed.upperBound)

    package var command = ""
    package var parameters: [String: JSON] = [:]
    /// How long it may wait to be handed over; default 300, raised to three expected intervals of the agent.
    package var expiresSeconds: Int?
    /// How long proof is waited for after it was sent; default 60.
    package var confirmSeconds: Int?
    /// Needed for a restart of an agent whose supervisor is known to die of it.
    package var acknowledgeKnownDefect: Bool?

    package init() {}

    package init(command: String, parameters: [String: JSON] = [:]) {
        (self.command, self.parameters) = (command, parameters)
    }

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("command", &command)
        try coder.field("parameters", &parameters)
        try coder.field("expires_seconds", &expiresSeconds, in: CommandRequest.expiresSecondsAllowed)
        try coder.field("confirm_seconds", &confirmSeconds, in: CommandRequest.confirmSecondsAllowed)
        try coder.field("acknowledge_known_defect", &acknowledgeKnownDefect)
    }
}

/// What can be sent, and which agents take it. REST: `GET command-types`.
package struct CommandType: RESTObject, Equatable {
    package var name = ""
    package var title: String?
    package var description = ""
    /// The custom capability an agent must declare, or the OpAMP capability it must have; absent where any agent can.
    package var capability: String?
    /// The type of the custom message, where a file defines it.
    package var messageType: String?
    package var proof = CommandProof.nothing
    /// JSON Schema of the parameters.
    package var parameters: JSON = [:]
    /// How many agents can take it now.
    package var agents = 0

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("name", &name)
        try coder.field("title", &title)
        try coder.field("description", &description)
        try coder.field("capability", &capability)
        try coder.field("message_type", &messageType)
        try coder.field("proof", &proof)
        try coder.field("parameters", &parameters)
        try coder.field("agents", &agents)
    }
}

/// REST: `GET command-types`.
package struct CommandTypes: RESTObject, Equatable {
    package var commandTypes: [CommandType] = []
    package var total = 0
    /// Why commands that files should define are missing, or as they were before.
    package var definitionErrors: [DefinitionError] = []

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("command_types", &commandTypes)
        try coder.field("total", &total)
        try coder.field("definition_errors", &definitionErrors)
    }
}
