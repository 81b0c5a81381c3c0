import FleetAPI
import HTTPTypes
import JSON

extension Route {
    /// What an operator may change while the provider runs.
    static let settings = [
        Route(
            .get, "/api/v1/settings", "What can be changed while the provider runs.",
            answers: [.ok(ProviderSettings.self)]
        ) { call in
            Answer(json: call.fleet.shownSettings.json)
        },
        Route(
            .put, "/api/v1/settings", "Changes the settings named; the others stay as they are.",
            .changes(of: ProviderSettings.self, example: #"{"keep_events_days": 30}"#), for: .admin,
            answers: [.ok(ProviderSettings.self)]
        ) { call, members in
            let settings = try await call.fleet.change(settings: members, caller: call.caller)
            return Answer(json: settings.shown(call.fleet.webhook.status).json)
        },
    ]
}
