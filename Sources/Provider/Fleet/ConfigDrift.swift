import FleetAPI
import OpAMP

/// Why what an agent runs is not what is desired. Texts are never compared: agents merge and mask what they report.
/// Spec: design, "The life of a command".
enum ConfigDrift: Sendable, Equatable {
    /// The hash the agent last reported is not the desired one.
    case otherHash
    /// The effective configuration changed after the desired one was applied, without an offer.
    case changedAfterApplied

    /// How long after it was applied a change of the effective configuration still comes of it.
    static let settleTime = Duration.seconds(60)

    /// nil while an offer is under way, and where nothing is desired or nothing can be known.
    init?(_ facts: AgentFacts, _ decisions: Decisions) {
        guard decisions.hasOfferings, let desired = decisions.config.desired, !desired.isUnderWay else { return nil }
        if facts.capabilities.contains(.reportsRemoteConfig), facts.reportedConfig != desired.hash {
            self = .otherHash
        } else if desired.state == .applied, let before = desired.effectiveHash, facts.configHash != before {
            self = .changedAfterApplied
        } else {
            return nil
        }
    }

    /// The reason in words.
    func text(_ facts: AgentFacts, _ desired: Offer) -> String {
        switch self {
        case .otherHash:
            let reported = facts.reportedConfig.isEmpty ? "none" : String(facts.reportedConfig.hex.prefix(8))
            return "revision \(desired.revision) with hash \(desired.hash.hex.prefix(8)) is desired, "
                + "the agent last reported \(reported)"
        case .changedAfterApplied:
            return "the effective configuration changed after revision \(desired.revision) was applied, "
                + "without an offer: \(desired.effectiveHash?.prefix(8) ?? "none") → "
                + "\(facts.configHash?.prefix(8) ?? "none")"
        }
    }
}
