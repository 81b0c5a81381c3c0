import FleetAPI
import HTTPTypes
import JSON
import ServiceLifecycle

extension Route {
    /// Commands for many agents: what would happen, starting, how far it is, ending.
    static let operations = [
        Route(.post, "/api/v1/operations", for: .operator) { call in
            let request = try call.object(OperationRequest.self)
            if request.dryRun { return Answer(json: try call.fleet.plan(request, caller: call.caller).json) }
            let operation = try await call.fleet.start(
                request, caller: call.caller, idempotencyKey: try idempotencyKey(call.fields))
            return Answer(
                status: .accepted, json: operation.json, fields: [.location: "/api/v1/operations/\(operation.id)"])
        },
        Route(.get, "/api/v1/operations", ["limit", "cursor"]) { call in
            let limit = try call.query.number("limit", in: pageSizes, default: defaultPageSize)
            return Answer(json: try await call.fleet.operations(limit: limit, cursor: call.query["cursor"]).json)
        },
        Route(.get, "/api/v1/operations/{id}", ["wait_seconds"]) { call in
            let wait = Duration.seconds(try call.query.number("wait_seconds", in: waitSeconds, default: 0))
            // A provider that stops answers with the state known then.
            return try await cancelWhenGracefulShutdown {
                Answer(json: try await call.fleet.operation(call.arguments[0], wait: wait).json)
            }
        },
        Route(.delete, "/api/v1/operations/{id}", for: .operator) { call in
            Answer(json: try await call.fleet.cancelOperation(call.arguments[0], caller: call.caller).json)
        },
    ]
}
