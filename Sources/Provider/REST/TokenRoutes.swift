import FleetAPI
import HTTPTypes
import JSON

extension Route {
    /// Tokens of people and programs.
    static let tokens = [
        Route(
            .get, "/api/v1/tokens", "All tokens, without the tokens themselves, the newest first.", for: .admin,
            answers: [.ok(AccessTokenList.self)]
        ) { call in
            Answer(json: call.doorkeeper.tokens().json)
        },
        Route(
            .post, "/api/v1/tokens", "Makes a token; this answer alone tells it.",
            .body(TokenRequest.self, example: #"{"name": "ci", "role": "admin", "expires": "90d"}"#), for: .admin,
            answers: [.created(IssuedToken.self, .location)], refusals: [409]
        ) { call, request in
            let issued = try await call.doorkeeper.makeToken(request, by: call.caller)
            return Answer(
                status: .created, json: issued.json,
                fields: [.location: "/api/v1/tokens/\(issued.id)", .cacheControl: "no-store"])
        },
        Route(
            .delete, "/api/v1/tokens/{id}", "Ends a token at once, and the sessions that were begun with it.",
            .path("id", "as the list shows it"), for: .admin, answers: [.noContent()], refusals: [404]
        ) { call, id in
            try await call.doorkeeper.revokeToken(id, by: call.caller)
            return Answer(status: .noContent)
        },
    ]
}
