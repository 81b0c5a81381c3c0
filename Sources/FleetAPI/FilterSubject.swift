/// What a filter can be asked about.
///
/// Called for every agent of a fleet, so each answer should be at hand. Text may be of any case.
package protocol FilterSubject {
    /// The 128 bits of the instance uid.
    var uidBits: (high: UInt64, low: UInt64)? { get }

    func text(_ key: Filter.TextKey) -> String?

    /// Whether one of the values of that key satisfies `matches`.
    func contains(_ key: Filter.ListKey, where matches: (String) -> Bool) -> Bool

    func moment(_ key: Filter.TimeKey) -> Timestamp?

    /// - Parameter name: as it was typed.
    func label(_ name: String) -> String?

    /// The text of an identifying or other attribute.
    func attribute(_ name: String) -> String?
}

extension Filter {
    /// The value of `config` of an agent that does not run what is desired; the others are those of `ConfigStatus`.
    package static let drift = "drift"

    /// The value of `identity` of an agent of which nothing is known; the others are those of `AgentIdentity`.
    package static let noIdentity = "none"

    /// Keys with one text each.
    package enum TextKey: String, Sendable, CaseIterable {
        case status, health, admission, type, version, host, ip, os, config
        case configHash = "config_hash"
        case error, transport, identity
        /// Searched by bare words; there is no key of that name.
        case serviceInstanceID = "service_instance_id"
    }

    /// Keys with any number of values.
    package enum ListKey: String, Sendable, CaseIterable {
        /// See `Filter.problems`.
        case problem
        /// Names of OpAMP capabilities and of custom ones.
        case capability
        /// State and name of every open command, or of the newest one where none is open.
        case command
    }

    /// Keys with a moment each.
    package enum TimeKey: String, Sendable, CaseIterable {
        case lastSeen = "last_seen"
        case firstSeen = "first_seen"
        case started
    }

    /// The values of `problem`; `any` stands for each of them.
    package static let problems = [
        "unhealthy", "stale", "disconnected", "config_failed", "config_drift", "conflict",
    ]
}
