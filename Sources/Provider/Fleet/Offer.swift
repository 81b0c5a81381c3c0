import FleetAPI
import OpAMP

/// What can be offered to an agent and stays desired until it has it.
enum OfferKind: String, RESTEnum {
    /// A remote configuration. Spec: OpAMP, "AgentRemoteConfig Message".
    case config
    /// OpAMP connection settings, the heartbeat interval among them. Spec: OpAMP, "ConnectionSettingsOffers Message".
    case settings

    /// The capability of an agent that says what became of such an offer.
    var reporting: AgentCapabilities {
        switch self {
        case .config: .reportsRemoteConfig
        case .settings: .reportsConnectionSettingsStatus
        }
    }

    var proof: CommandProof {
        switch self {
        case .config: .configStatus
        case .settings: .settingsStatus
        }
    }
}

/// One revision of what people want an agent to have. Its content is in the store, by its hash.
struct Offer: RESTObject, Equatable {
    /// Counts from 1, for each agent and kind.
    var revision = 0
    var hash = ContentHash.none
    var state = OfferState.queued
    /// The command that offers it, by name and by id.
    var command = ""
    var commandID = ""
    var requestedBy: String?
    var requestedFrom: String?
    var requestedAt = Timestamp(seconds: 0)
    /// Why it failed, in the agent's words, secrets masked.
    var error: String?
    var appliedAt: Timestamp?
    /// The hash of the effective configuration that came of it; nil while none is known.
    var effectiveHash: String?
    /// The heartbeat interval in connection settings; 0 turns heartbeats off.
    var heartbeatSeconds: Int?
    /// Whether the endpoint in connection settings is the one of `agent_url`, and not one that a person gave.
    var isEndpointFilled = false
    /// The id of a token of the agent's own that goes with connection settings: made when they are handed over, and
    /// never in the stored content.
    var token: UInt64?
    /// The hash of the content where `hash` stands for content and token.
    var contentHash: ContentHash?

    init() {}

    mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("revision", &revision)
        try coder.required("hash", &hash)
        try coder.required("state", &state)
        try coder.required("command", &command)
        try coder.required("command_id", &commandID)
        try coder.field("requested_by", &requestedBy)
        try coder.field("requested_from", &requestedFrom)
        try coder.field("requested_at", &requestedAt)
        try coder.field("error", &error)
        try coder.field("applied_at", &appliedAt)
        try coder.field("effective_hash", &effectiveHash)
        try coder.field("heartbeat_seconds", &heartbeatSeconds)
        var isFilled = isEndpointFilled ? true : nil
        try coder.field("endpoint_filled", &isFilled)
        isEndpointFilled = isFilled ?? false
        var tokenID = token?.hexDigits
        try coder.field("own_token", &tokenID)
        token = tokenID.flatMap { UInt64(hexDigits: $0) }
        try coder.field("content_hash", &contentHash)
    }

    /// What the content alone has as its hash.
    var plainHash: ContentHash { contentHash ?? hash }

    /// What the audit tells of it: nothing of its content.
    var auditText: String { "revision \(revision), hash \(hash.hex.prefix(12))" }

    /// Whether the offer is on its way, so that another hash reported by the agent means nothing yet.
    var isUnderWay: Bool { state == .queued || state == .sent || state == .applying }

    /// Whether an agent has it: it says so, or it never says anything and got it.
    func isTaken(by facts: AgentFacts) -> Bool {
        state == .applied || state == .unconfirmed && !facts.capabilities.contains(.reportsConnectionSettingsStatus)
    }
}

/// What is offered to one agent, of one kind.
struct Offering: RESTObject, Equatable {
    /// The number of the newest revision there ever was.
    var newest = 0
    /// nil when nothing is desired: then nothing is offered.
    var desired: Offer?
    /// What is desired again should `desired` end before it was handed over.
    var fallback: Offer?
    /// The heartbeat interval in seconds that the agent took last; 0: none.
    var taken: Int?

    mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.field("newest", &newest)
        try coder.field("desired", &desired)
        try coder.field("fallback", &fallback)
        try coder.field("heartbeat_taken", &taken)
    }

    /// Makes another offer the desired one, with the next number unless it has one.
    mutating func desire(_ offer: Offer) {
        // An offer that was never handed over leaves no trace at the agent.
        if let desired, desired.state != .queued { fallback = desired }
        desired = offer
        newest = max(newest, offer.revision)
    }

    /// Goes back to what was desired before.
    mutating func goBack() {
        (desired, fallback) = (fallback, nil)
    }

    mutating func withdraw() {
        (desired, fallback) = (nil, nil)
    }
}

/// The content that goes into a message once it has been read from the store.
struct OfferedContent: Sendable, Equatable {
    let kind: OfferKind
    let hash: ContentHash
    /// Goes with connection settings as their Authorization header; it is nowhere else.
    var token: AgentSecret?
}

extension AgentFacts {
    /// What the agent last said of an offer of this kind.
    func reported(_ kind: OfferKind) -> (hash: ContentHash, status: ConfigStatus?) {
        switch kind {
        case .config: (reportedConfig, configStatus)
        case .settings: (connection?.value.hash ?? .none, connection?.value.status)
        }
    }
}

extension Decisions {
    subscript(kind: OfferKind) -> Offering {
        get { kind == .config ? config : settings }
        set { if kind == .config { config = newValue } else { settings = newValue } }
    }
}
