package import FleetAPI
package import JSON
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
                throw .badRequest(field: error.path.isEmpty ? "body" : error.path, "\(error)")
            }
            if let wrong = after.outOfRange {
                let range = "\(wrong.allowed.lowerBound) to \(wrong.allowed.upperBound)"
                throw .badRequest(
                    field: wrong.field, value: "\(wrong.value)", "\(wrong.field) must be \(range)", allowed: [range])
            }
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
}
