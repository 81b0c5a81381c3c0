package import FleetAPI
import HTTP

/// Finds out what stands between clients and a provider; changes nothing, and tells no secret.
package struct Doctor {
    let settings: Settings
    /// Absolute path of this program.
    let program: String
    let environment: (String) -> String?

    /// - Parameters:
    ///   - settings: the provider that is meant, unless the entries of clients say otherwise.
    ///   - environment: where the files of clients are.
    package init(_ settings: Settings, program: String, environment: @escaping (String) -> String?) {
        (self.settings, self.program, self.environment) = (settings, program, environment)
    }

    /// All findings, in the order in which things depend on each other.
    package func examine() async -> [Finding] {
        let entries = clientEntries()
        var findings = [Finding("program", .ok, "opamp-mcp \(productVersion), \(program)")]
        for target in targets(entries) {
            let check = ProviderCheck(target.settings, users: target.users, environment: environment)
            findings += await check.examine()
        }
        for entry in entries { findings += examine(entry) }
        return findings
    }

    /// A provider, and who asks it.
    private struct Target {
        let settings: Settings
        var users: [String]
    }

    /// The providers to look at: the one of flags and environment, and those of entries; the usual address only where
    /// nobody names one.
    private func targets(_ entries: [ClientEntry]) -> [Target] {
        let named = entries.compactMap { entry in
            entry.settings.map { Target(settings: $0, users: [entry.client.rawValue]) }
        }
        var targets: [Target] = []
        if settings.isProviderChosen || named.isEmpty { targets.append(Target(settings: settings, users: [])) }
        for target in named {
            if let index = targets.firstIndex(where: { $0.settings.reachesAs(target.settings) }) {
                targets[index].users += target.users
            } else {
                targets.append(target)
            }
        }
        return targets
    }
}

extension Settings {
    /// Whether the other ones ask the same provider in the same way.
    fileprivate func reachesAs(_ other: Settings) -> Bool {
        provider == other.provider && token == other.token && tokenFile == other.tokenFile && caFile == other.caFile
            && clientCertificate == other.clientCertificate && clientKey == other.clientKey
            && isReadOnly == other.isReadOnly
    }
}

/// The findings as lines for people, with a summary at the end.
package func report(_ findings: [Finding]) -> String {
    let (failures, warnings) = (findings.count { $0.outcome == .fail }, findings.count { $0.outcome == .warn })
    func counted(_ count: Int, _ word: String) -> String { "\(count) \(word)\(count == 1 ? "" : "s")" }
    let summary =
        switch (failures, warnings) {
        case (0, 0): "nothing is wrong"
        case (0, _): counted(warnings, "warning")
        default: "\(counted(failures, "failure")), \(counted(warnings, "warning"))"
        }
    return findings.map { $0.description + "\n" }.joined() + summary + "\n"
}
