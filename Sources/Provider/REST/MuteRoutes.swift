import FleetAPI
import HTTPTypes
import JSON

extension Route {
    /// For maintenance: nobody is told of agents that are lost or unhealthy.
    static let mutes = [
        Route(
            .put, "/api/v1/agents/{ref}/mute", "Keeps the webhook quiet about an agent for a while.", .agent,
            .body(MuteRequest.self, example: #"{"seconds": 3600}"#), for: .operator, answers: [.ok(Agent.self)],
            refusals: [404, 409]
        ) { call, agent, request in
            Answer(json: try await call.fleet.mute(agent, request, caller: call.caller).json)
        },
        Route(
            .put, "/api/v1/mutes", "The same for all agents that a filter matches.",
            .body(MutesRequest.self, example: #"{"filter": "host:web-*", "seconds": 3600}"#),
            for: .operator, answers: [.ok(MutesResult.self)], refusals: [404]
        ) { call, request in
            Answer(json: try await call.fleet.mute(request, caller: call.caller).json)
        },
    ]
}
