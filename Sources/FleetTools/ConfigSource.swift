import FleetAPI
import FleetClient
import MCP

/// Which of an agent's configurations is meant.
enum ConfigChoice: Equatable {
    /// What it says it runs on.
    case effective
    /// What it was offered last.
    case desired
    /// The newest offer that it applied.
    case lastGood
    case revision(Int)

    /// As a model names it; nil for anything else.
    init?(_ text: String) {
        switch text.lowercased() {
        case "effective": self = .effective
        case "desired": self = .desired
        case "last_good": self = .lastGood
        case let other:
            guard other.hasPrefix("revision"), let number = Int(other.dropFirst(8).drop { " :=_".contains($0) }),
                number > 0
            else { return nil }
            self = .revision(number)
        }
    }

    static let names = ["effective", "desired", "last_good"]
}

extension FleetClient {
    /// The configuration as it is shown.
    ///
    /// - Throws: a `ToolFailure` that says what there is instead where the agent has none of that kind.
    func shown(_ choice: ConfigChoice, of agent: String) async throws -> ShownConfig {
        switch choice {
        case .effective:
            let config = try await config(of: agent, [.effective])
            guard let effective = config.effective else {
                throw ToolFailure(
                    "\(config.label) never reported what it runs on", try: "which=desired shows what it was offered")
            }
            let changed = effective.changedAt.map { ["changed \(age($0, asOf: config.asOf)) ago"] } ?? []
            let drift = config.drift.map { ["drift: \(clean($0, limit: 200))"] } ?? []
            return ShownConfig(
                agent: config.label, what: "effective", facts: changed + drift, hash: effective.hash,
                files: effective.files, asOf: config.asOf)
        case .desired:
            let config = try await config(of: agent, [.desired])
            guard let desired = config.desired else {
                throw ToolFailure(
                    "nothing is desired of \(config.label): no configuration was offered",
                    try: "which=effective shows what it runs on")
            }
            var revision = ConfigRevision()
            (revision.revision, revision.hash, revision.state) = (desired.revision, desired.hash, desired.state)
            (revision.error, revision.requestedBy) = (desired.error, desired.requestedBy)
            (revision.requestedAt, revision.contents) = (desired.requestedAt, desired.files)
            return revision.shown("desired revision \(desired.revision)", of: config)
        case .lastGood:
            let config = try await config(of: agent, [.reported])
            let page = try await revisions(of: agent, limit: 100)
            guard let found = page.revisions.first(where: { $0.state == .applied }) else {
                let offered = page.matched == 0 ? "none was offered" : "none of \(page.matched) offered was applied"
                throw ToolFailure(
                    "\(config.label) has no last good configuration: \(offered)",
                    try: "which=effective shows what it runs on")
            }
            return try await revision(found.revision, of: agent).shown(
                "last good revision \(found.revision)", of: config)
        case .revision(let number):
            let config = try await config(of: agent, [.reported])
            return try await revision(number, of: agent).shown("revision \(number)", of: config)
        }
    }
}

extension AgentConfig {
    fileprivate var label: String { agentLabel(host: host, shortID: shortID) }
}

extension ConfigRevision {
    fileprivate func shown(_ what: String, of config: AgentConfig) -> ShownConfig {
        let who = requestedBy.map { " by \(clean($0, limit: 40))" } ?? ""
        let why = error.map { ["error: \(clean($0, limit: 160))"] } ?? []
        return ShownConfig(
            agent: config.label, what: what,
            facts: [state.rawValue, "offered \(age(requestedAt, asOf: config.asOf)) ago\(who)"] + why, hash: hash,
            files: contents ?? [:], asOf: config.asOf)
    }
}
