package import JSON

/// How far a command for many agents is.
package enum OperationState: String, RESTEnum {
    case running
    /// Every target has an outcome.
    case done
    /// Too many targets failed; the rest was not sent.
    case stopped
    /// Ended by a person; the rest was not sent.
    case cancelled
}

/// An agent that an operation means. REST: `agents` of `POST operations`.
package struct OperationTarget: RESTObject, Equatable {
    package var instanceUID = ""
    /// What its part of a plan was made from, where that can change: repeated, it must still be so.
    package var mark: String?

    package init() {}

    package init(_ instanceUID: String, mark: String? = nil) {
        (self.instanceUID, self.mark) = (instanceUID, mark)
    }

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("instance_uid", &instanceUID)
        try coder.field("mark", &mark)
    }
}

/// The body of `POST operations`.
package struct OperationRequest: RESTObject, Equatable {
    package static let maxInFlightAllowed = 1...1_000
    package static let stopAfterFailuresAllowed = 1...1_000_000
    package static let limitAllowed = 1...1_000_000
    package static let skipLimit = 1_000
    package static let agentLimit = 10_000

    package var filter = ""
    package var command = ""
    package var parameters: [String: JSON] = [:]
    /// Answers what would happen and changes nothing.
    package var dryRun = false
    /// From the dry run: the same agents are meant, or nothing is done.
    package var digest: String?
    /// How many agents are expected to be meant.
    package var count: Int?
    /// Only the first of them by instance uid.
    package var limit: Int?
    /// Instance uids of agents that are left out.
    package var skip: [String] = []
    /// Only these of the agents that the filter matches. The write then needs no digest; those that cannot be meant
    /// any more are counted as skipped.
    package var agents: [Strict<OperationTarget>]?
    /// How many of `agents` must still be meant, or nothing is done.
    package var atLeast: Int?
    /// Whether the dry run names all targets.
    package var listTargets = false
    /// How the configurations change: for the command `config`, which nothing else offers to many.
    package var config: Strict<ConfigEdit>?
    /// Commands that are queued or sent at one time.
    package var maxInFlight = 10
    /// After that many that failed, expired or were not confirmed the rest is not sent.
    package var stopAfterFailures = 3
    package var expiresSeconds: Int?
    package var confirmSeconds: Int?
    /// Agents whose supervisor is known to die of a restart are meant too.
    package var acknowledgeKnownDefect: Bool?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("filter", &filter)
        try coder.required("command", &command)
        try coder.field("parameters", &parameters)
        try coder.field("dry_run", &dryRun)
        try coder.field("digest", &digest)
        try coder.field("count", &count)
        try coder.field("limit", &limit, in: Self.limitAllowed)
        try coder.field("skip", &skip)
        try coder.field("agents", &agents)
        try coder.field("at_least", &atLeast, in: Self.limitAllowed)
        try coder.field("list_targets", &listTargets)
        try coder.field("config", &config)
        try coder.field("max_in_flight", &maxInFlight, in: Self.maxInFlightAllowed)
        try coder.field("stop_after_failures", &stopAfterFailures, in: Self.stopAfterFailuresAllowed)
        try coder.field("expires_seconds", &expiresSeconds, in: CommandRequest.expiresSecondsAllowed)
        try coder.field("confirm_seconds", &confirmSeconds, in: CommandRequest.confirmSecondsAllowed)
        try coder.field("acknowledge_known_defect", &acknowledgeKnownDefect)
    }
}

/// What an operation would do. REST: `POST operations` with `dry_run`.
package struct OperationPlan: RESTObject, Equatable {
    /// Names the targets, the command and its parameters: to be repeated by the write.
    package var digest = ""
    /// How many agents there are in the fleet, and how many the filter matches.
    package var total = 0
    package var matched = 0
    /// How many of them would get the command.
    package var targets = 0
    /// Why how many agents cannot take it.
    package var excluded: [String: Int] = [:]
    /// The targets by type, version and status; at most 20 values each, the rest as `other`.
    package var types: [String: Int] = [:]
    package var versions: [String: Int] = [:]
    package var status: [String: Int] = [:]
    /// What the targets have in common that no other agent of the fleet has, with how many they are: a type, or a
    /// label as `label.NAME:VALUE`; at most 5 of two agents or more.
    package var whole: [String: Int] = [:]
    /// What is known of the makes of targets that bears on the command, and of how many.
    package var peerNotes: [String: Int] = [:]
    /// The first targets by instance uid, at most 10.
    package var first: [Agent] = []
    /// All of them, where asked for and no more than an operation can be given by name.
    package var list: [OperationTarget]?
    /// What becomes of which configurations, the most frequent first, at most 5; only of the command `config`.
    package var changes: [ConfigChange]?
    /// How many different changes there are.
    package var changesTotal: Int?
    package var asOf = Timestamp(seconds: 0)

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("digest", &digest)
        try coder.field("total", &total)
        try coder.field("matched", &matched)
        try coder.field("targets", &targets)
        try coder.field("excluded", &excluded)
        try coder.field("types", &types)
        try coder.field("versions", &versions)
        try coder.field("status", &status)
        try coder.field("whole", &whole)
        try coder.field("peer_notes", &peerNotes)
        try coder.field("first", &first)
        try coder.field("list", &list)
        try coder.field("changes", &changes)
        try coder.field("changes_total", &changesTotal)
        try coder.field("as_of", &asOf)
    }
}

/// A command for many agents and how far it is: counts and exceptions, never a row for each agent.
/// REST: `GET operations/{id}`.
package struct FleetOperation: RESTObject, Equatable {
    /// A target whose outcome needs attention.
    package struct Exception: RESTObject, Equatable {
        package var instanceUID = ""
        package var shortID = ""
        package var host: String?
        /// `failed`, `unconfirmed`, `expired`, or `skipped`.
        package var state = ""
        package var result: String?
        package var commandID: String?

        package init() {}

        package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
            try coder.required("instance_uid", &instanceUID)
            try coder.field("short_id", &shortID)
            try coder.field("host", &host)
            try coder.required("state", &state)
            try coder.field("result", &result)
            try coder.field("command_id", &commandID)
        }
    }

    /// 32 lower-case hex digits.
    package var id = ""
    package var state = OperationState.running
    /// Why it was stopped or cancelled.
    package var reason: String?
    package var command = ""
    package var parameters: [String: JSON] = [:]
    package var filter = ""
    package var digest = ""
    package var maxInFlight = 0
    package var stopAfterFailures = 0
    package var requestedBy: String?
    package var requestedFrom: String?
    package var startedAt = Timestamp(seconds: 0)
    package var finishedAt: Timestamp?
    /// How many agents are meant.
    package var targets = 0
    /// Targets by state: those of commands, `waiting`, `skipped` (could not take it when their turn came), and
    /// `not_sent` once the operation has ended without them.
    package var counts: [String: Int] = [:]
    /// The first 20 of the targets that failed, expired, were not confirmed or were skipped; only of one operation.
    package var exceptions: [Exception]?
    package var asOf: Timestamp?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("id", &id)
        try coder.required("state", &state)
        try coder.field("reason", &reason)
        try coder.field("command", &command)
        try coder.field("parameters", &parameters)
        try coder.field("filter", &filter)
        try coder.field("digest", &digest)
        try coder.field("max_in_flight", &maxInFlight)
        try coder.field("stop_after_failures", &stopAfterFailures)
        try coder.field("requested_by", &requestedBy)
        try coder.field("requested_from", &requestedFrom)
        try coder.field("started_at", &startedAt)
        try coder.field("finished_at", &finishedAt)
        try coder.field("targets", &targets)
        try coder.field("counts", &counts)
        try coder.field("exceptions", &exceptions)
        try coder.field("as_of", &asOf)
    }
}

/// Operations, newest first. REST: `GET operations`.
package struct OperationPage: RESTObject, Equatable {
    package var operations: [FleetOperation] = []
    package var matched = 0
    package var next: String?
    package var asOf = Timestamp(seconds: 0)

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("operations", &operations)
        try coder.field("matched", &matched)
        try coder.field("next", &next)
        try coder.field("as_of", &asOf)
    }
}
