package import FleetAPI
import Foundation
package import JSON
import OpAMP
import Synchronization

extension Fleet {
    package var settings: ProviderSettings { state.withLock { $0.settings } }

    /// Takes over the members that are given; the others stay.
    ///
    /// - Returns: all settings, once they are on disk.
    /// - Throws: 400 for a value that is not allowed, 507 when they could not be written.
    package func change(settings members: JSON, caller: Caller) async throws(Problem) -> ProviderSettings {
        try await durably {
            state, now, effects throws(Problem) -> (before: ProviderSettings, after: ProviderSettings) in
            let before = state.settings
            let after: ProviderSettings
            do throws(ShapeError) { after = try before.changed(by: members) } catch {
                throw .badRequest(error)
            }
            if let wrong = after.outOfRange {
                let range = "\(wrong.allowed.lowerBound) to \(wrong.allowed.upperBound)"
                throw .badRequest(
                    field: wrong.field, value: "\(wrong.value)", "\(wrong.field) must be \(range)", allowed: [range])
            }
            if after.agentURL != before.agentURL { try after.checkAgentURL() }
            state.settings = after
            if after != before { effects.changes.append(.settings(after)) }
            let difference = AuditEntry.difference(before.texts, after.texts)
            effects.audit(
                caller, "settings", "settings", outcome: difference == nil ? AuditEntry.nothingToDo : "done",
                detail: difference, at: now)
            return (before, after)
        } undo: { state, settings in
            if state.settings == settings.after { state.settings = settings.before }
        }.after
    }
}

extension ProviderSettings {
    /// Every setting as a text, by name; none of them is a secret.
    fileprivate var texts: [String: String] {
        Dictionary(uniqueKeysWithValues: (json.object?.members ?? []).map { ($0.key, $0.value.text) })
    }

    /// The URL that an agent reaches the provider at, of the kind of the transport it uses; empty when none is set.
    func endpoint(over transport: AgentTransport) -> String {
        guard let end = agentURL.range(of: "://") else { return "" }
        let isTLS = ["https", "wss"].contains(agentURL[..<end.lowerBound].lowercased())
        let scheme = (transport == .http ? "http" : "ws") + (isTLS ? "s" : "")
        return scheme + agentURL[end.lowerBound...]
    }

    /// - Throws: 400 unless it is empty or a URL that agents can be told: everybody who reads the settings sees it.
    fileprivate func checkAgentURL() throws(Problem) {
        guard !agentURL.isEmpty else { return }
        let url = try OpAMPConnectionSettings.url(agentURL, "agent_url", schemes: OpAMPConnectionSettings.schemes)
        guard let parts = URLComponents(string: url), parts.user == nil, parts.password == nil, parts.fragment == nil
        else {
            throw .badRequest(
                field: "agent_url", value: SecretMask.masked(url),
                "agent_url has no user, password or fragment; what agents authenticate with goes into headers")
        }
    }
}
