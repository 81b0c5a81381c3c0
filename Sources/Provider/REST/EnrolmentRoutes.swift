import FleetAPI
import HTTPTypes
import JSON

extension Route {
    /// What lets agents in for the first time, and the tokens that agents have for themselves.
    static let enrolments = [
        Route(
            .get, "/api/v1/enrolments", "All enrolments, without their tokens, the newest first.", for: .admin,
            answers: [.ok(EnrolmentList.self)]
        ) { call in
            Answer(json: call.fleet.enrolments().json)
        },
        Route(
            .post, "/api/v1/enrolments", "Makes an enrolment; this answer alone tells its token.",
            .optionalBody(EnrolmentRequest.self, example: #"{"name": "rack-7", "expires": "24h", "uses": 20}"#),
            for: .admin, answers: [.created(IssuedEnrolment.self, .location)], refusals: [409]
        ) { call, request in
            let issued = try await call.fleet.makeEnrolment(request, caller: call.caller)
            return Answer(
                status: .created, json: issued.json,
                fields: [.location: "/api/v1/enrolments/\(issued.id)", .cacheControl: "no-store"])
        },
        Route(
            .delete, "/api/v1/enrolments/{id}",
            "Ends an enrolment at once; agents that have shown a token of their own stay.",
            .path("id", "as the list shows it"), for: .admin, answers: [.noContent()], refusals: [404]
        ) { call, id in
            try await call.fleet.revokeEnrolment(id, caller: call.caller)
            return Answer(status: .noContent)
        },
        Route(
            .post, "/api/v1/agents/{ref}/token",
            "Offers an agent a token of its own, or another one: the former is good until it shows it.", .agent,
            for: .admin, answers: offerAnswers, refusals: [404, 409]
        ) { call, agent in
            accepted(try await call.fleet.offerToken(to: agent, caller: call.caller))
        },
        Route(
            .delete, "/api/v1/agents/{ref}/token",
            "Ends the token that an agent has for itself, and its connection.", .agent, for: .admin,
            answers: [.noContent()], refusals: [404, 409]
        ) { call, agent in
            try await call.fleet.revokeToken(of: agent, caller: call.caller)
            return Answer(status: .noContent)
        },
    ]
}
