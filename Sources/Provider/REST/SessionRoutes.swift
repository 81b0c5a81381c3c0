import FleetAPI
import HTTPTypes
import JSON

extension Route {
    /// The most bytes of a body with a token.
    static let sessionBodyLimit = 16 << 10

    /// Who asks, and the cookie of a browser.
    static let session = [
        Route(.get, "/api/v1/session", "Who asks, and what they may do.", answers: [.ok(SessionInfo.self)]) { call in
            Answer(json: call.caller.session.json, fields: [.cacheControl: "no-store"])
        },
        Route(
            .post, "/api/v1/session", "Begins a session with a token: from then on a cookie says who asks.",
            .body(SessionRequest.self, example: #"{"token": "opamp_…"}"#), isOpen: true, bodyLimit: sessionBodyLimit,
            answers: [.created(SessionInfo.self, .setCookie)]
        ) { call, request in
            let begun = try await call.doorkeeper.beginSession(request.token, from: call.caller.address)
            return Answer(
                status: .created, json: begun.info.json,
                fields: [
                    .setCookie: SessionCookie.set(begun.secret, for: begun.time, isSecure: call.isSecure),
                    .cacheControl: "no-store",
                ])
        },
        // Whoever asks: what is ended is what the cookie names.
        Route(
            .delete, "/api/v1/session", "Ends the session that the cookie names.", answers: [.noContent(.setCookie)]
        ) { call in
            let secret = SessionCookie.value(in: call.fields[values: .cookie], isSecure: call.isSecure)
            call.doorkeeper.endSession(secret, of: call.caller)
            return Answer(status: .noContent, fields: [.setCookie: SessionCookie.ended(isSecure: call.isSecure)])
        },
    ]
}

extension Caller {
    fileprivate var session: SessionInfo {
        var info = SessionInfo()
        (info.name, info.role, info.kind, info.expiresAt) = (name, role, kind, expiresAt)
        return info
    }
}
