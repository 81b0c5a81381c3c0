package import FleetAPI
import Foundation
package import JSON
import OpAMP
import Synchronization

extension Fleet {
    package var settings: ProviderSettings { state.withLock { $0.settings } }

    /// The settings without what is never shown.
    var shownSettings: ProviderSettings { settings.shown(webhook.status) }

    /// Takes over the members that are given; the others stay.
    ///
    /// - Returns: all settings, once they are on disk.
    /// - Throws: 400 for a value that is not allowed, 507 when they could not be written.
    package func change(settings members: JSON, caller: Caller) async throws(Problem) -> ProviderSettings {
        try await durably {
            state, now, effects throws(Problem) -> (before: ProviderSettings, after: ProviderSettings) in
            let before = state.settings
            let after: ProviderSettings
            do throws(ShapeError) { after = try before.changed(by: members).keepingHidden(of: before) } catch {
                throw .badRequest(error)
            }
            if let wrong = after.outOfRange {
                let range = "\(wrong.allowed.lowerBound) to \(wrong.allowed.upperBound)"
                throw .badRequest(
                    field: wrong.field, value: "\(wrong.value)", "\(wrong.field) must be \(range)", allowed: [range])
            }
            if after.agentURL != before.agentURL { try after.checkAgentURL() }
            if after.webhookURL != before.webhookURL || after.webhookSecret != before.webhookSecret,
                let refusal = after.webhookRefusal(isInsecureAllowed: isInsecureWebhookAllowed)
            {
                throw refusal
            }
            state.settings = after
            if after != before { effects.changes.append(.settings(after)) }
            let difference = AuditEntry.difference(before.texts(), after.texts(comparedWith: before))
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
    /// Every setting as a text, by name, without secrets.
    ///
    /// - Parameter before: that hidden ones differ from these is told.
    fileprivate func texts(comparedWith before: ProviderSettings? = nil) -> [String: String] {
        let members = shown(WebhookStatus()).json.object?.members ?? []
        var texts = Dictionary(uniqueKeysWithValues: members.map { ($0.key, $0.value.text) })
        texts["webhook_status"] = nil
        guard let before else { return texts }
        if webhookSecret != before.webhookSecret {
            texts["webhook_secret"] = webhookSecret.isEmpty ? "\"\"" : "another one"
        }
        if webhookURL != before.webhookURL, WebhookAddress.shown(webhookURL) == WebhookAddress.shown(before.webhookURL)
        {
            texts["webhook_url"]?.append(" (another path)")
        }
        return texts
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
