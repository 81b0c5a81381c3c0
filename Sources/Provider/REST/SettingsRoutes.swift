import FleetAPI
import HTTPTypes
import JSON

extension Route {
    /// What an operator may change while the provider runs.
    static let settings = [
        Route(.get, "/api/v1/settings") { call in Answer(json: call.fleet.settings.json) },
        Route(.put, "/api/v1/settings", for: .admin) { call in
            let members = try call.members(of: ProviderSettings.self)
            return Answer(json: try await call.fleet.change(settings: members).json)
        },
    ]
}
