import FleetAPI
import JSON
import OpAMP

/// What an agent last said of itself. Immutable: a report that changes anything makes a new record, so that readers
/// scan the fleet without a lock.
final class AgentRecord: Sendable {
    /// One attribute of the agent's description.
    struct Attribute: Sendable, Equatable {
        let key: String
        let value: JSON
        let isIdentifying: Bool
    }

    let uid: InstanceUID
    let firstSeen: Timestamp
    let facts: AgentFacts
    let decisions: Decisions

    init(uid: InstanceUID, firstSeen: Timestamp, facts: AgentFacts, decisions: Decisions = .none) {
        (self.uid, self.firstSeen, self.facts, self.decisions) = (uid, firstSeen, facts, decisions)
    }
}

/// Everything of an agent that its reports change. Texts that many agents share are shared in memory too.
struct AgentFacts: Sendable, Equatable {
    var attributes: [AgentRecord.Attribute] = []
    var capabilities = AgentCapabilities()
    /// Without `request:` before them.
    var customCapabilities: [String] = []
    /// The health tree as the bytes of its protobuf message; empty before the first report of health.
    var health: [UInt8] = []
    /// What was last reported at the top of the health tree; nil before the first report.
    var isHealthy: Bool?
    /// The start times last reported, newest first, at most two: equal ones make a value that can prove a restart.
    var startTimes: [UInt64] = []
    var error: String?
    var errorComponent: String?
    var configFiles: [ConfigSummary.File] = []
    /// SHA-256 of the effective configuration, as hex.
    var configHash: String?
    var configStatus: ConfigStatus?
    var configError: String?
    /// When the effective configuration last changed.
    var configChangedAt: Timestamp?
    /// The hash that came with `configStatus`.
    var reportedConfig = ContentHash.none
    /// What the agent said of connection settings; nil while it said nothing.
    var connection: Boxed<ReportedStatus>?
    /// The available components as the bytes of their protobuf message.
    var components: [UInt8] = []
    /// The hash the agent last gave of its components; other than that of `components` while those are old.
    var componentsHash = ContentHash.none
    /// The statuses of packages as the bytes of their protobuf message; empty while none was reported.
    var packages: [UInt8] = []
    /// Of the last message.
    var flags = AgentToServerFlags()

    // Found in the attributes.
    var type: Searchable?
    var version: Searchable?
    var host: Searchable?
    var ip: Searchable?
    var os: Searchable?
    var serviceInstanceID: Searchable?

    /// Whether the agent ever described itself: an incomplete record is completed by asking for the full state.
    var isDescribed: Bool { !attributes.isEmpty }
}

/// A text with its lower-case form, which is the same storage where nothing differs.
struct Searchable: Sendable, Equatable {
    let text: String
    let lower: String

    init(_ text: String) {
        let needsLowering = text.utf8.contains { $0 >= 0x80 || (0x41...0x5a).contains($0) }
        (self.text, lower) = (text, needsLowering ? text.lowercased() : text)
    }
}
