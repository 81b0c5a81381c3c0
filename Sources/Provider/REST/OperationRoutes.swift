import FleetAPI
import HTTPTypes
import JSON
import ServiceLifecycle

extension Route {
    /// Commands for many agents: what would happen, starting, how far it is, ending.
    static let operations = [
        Route(
            .post, "/api/v1/operations",
            "Sends a command to all agents that a filter matches, or with `dry_run` says what that would do.",
            .body(OperationRequest.self, example: #"{"filter": "host:web-*", "command": "restart", "dry_run": true}"#),
            .idempotencyKey, for: .operator, bodyLimit: configBodyLimit,
            answers: [.ok(OperationPlan.self), .accepted(FleetOperation.self, .location)], refusals: [409, 422]
        ) { call, request, key in
            try call.needRole(forCommand: request.command)
            if request.dryRun { return Answer(json: try await call.fleet.plan(request, caller: call.caller).json) }
            let operation = try await call.fleet.start(request, caller: call.caller, idempotencyKey: key)
            return Answer(
                status: .accepted, json: operation.json, fields: [.location: "/api/v1/operations/\(operation.id)"])
        },
        Route(
            .get, "/api/v1/operations", "Operations, the newest first.", .pageSize, .cursor,
            answers: [.ok(OperationPage.self)]
        ) { call, limit, cursor in
            Answer(json: try await call.fleet.operations(limit: limit, cursor: cursor).json)
        },
        Route(
            .get, "/api/v1/operations/{id}", "How far an operation is; waits for its end when asked to.",
            .path("id", "from the answer that started it"), .waitSeconds, answers: [.ok(FleetOperation.self)],
            refusals: [404]
        ) { call, id, wait in
            // A provider that stops answers with the state known then.
            try await cancelWhenGracefulShutdown {
                Answer(json: try await call.fleet.operation(id, wait: .seconds(wait)).json)
            }
        },
        Route(
            .delete, "/api/v1/operations/{id}", "Ends an operation: what has not been sent stays unsent.",
            .path("id", "from the answer that started it"), for: .operator, answers: [.ok(FleetOperation.self)],
            refusals: [404, 409]
        ) { call, id in
            Answer(json: try await call.fleet.cancelOperation(id, caller: call.caller).json)
        },
    ]
}
