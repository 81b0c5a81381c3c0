package import FleetAPI
import HTTP
import JSON

// What changes many agents, or what people decide about one.
extension FleetClient {
    /// What a command for all agents of a filter would do; changes nothing.
    package func plan(_ request: OperationRequest) async throws -> OperationPlan {
        var request = request
        request.dryRun = true
        return try await send(.post, Path("operations"), body: try request.json.bytes(), timeout: timeout)
    }

    /// Starts a command for many agents. It is on disk when this returns; the provider goes on with it alone.
    ///
    /// A connection that breaks is tried once more; the provider sees by the key that it is the same request.
    package func start(_ request: OperationRequest) async throws -> FleetOperation {
        try await send(
            .post, Path("operations"), headers: [idempotencyKey()], body: try request.json.bytes(), timeout: timeout)
    }

    /// The commands of an operation.
    package func commands(operation: String, limit: Int) async throws -> CommandPage {
        try await get(Path("commands").with("operation", operation).with("limit", String(limit)))
    }

    /// Changes the labels of an agent.
    package func label(_ agent: String, _ request: LabelsRequest) async throws -> Agent {
        try await send(
            .put, try self.agent(agent).adding("labels"), body: try request.json.bytes(), timeout: timeout)
    }

    /// Offers an agent an interval of heartbeats.
    ///
    /// - Returns: the command that carries it; it has ended already where the agent has the interval.
    package func offerHeartbeat(_ request: HeartbeatRequest, to agent: String) async throws -> Command {
        try await send(
            .put, try self.agent(agent).adding("heartbeat"), headers: [idempotencyKey()],
            body: try request.json.bytes(), timeout: timeout)
    }

    /// Decides who is let in; each decision has a result of its own.
    package func decide(_ request: AdmissionRequest) async throws -> AdmissionResults {
        try await send(.post, Path("approvals"), body: try request.json.bytes(), timeout: timeout)
    }
}
