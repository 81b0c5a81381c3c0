import FleetClient
import MCP

/// A tool over a fleet: what the provider refuses is told in words for the model, with agents' text cleaned.
///
/// A tool that changes something says `refused` first then, or `unconfirmed` where it may have been done all the same.
func fleetTool<each Value: Sendable>(
    _ name: String, _ access: Access, _ description: String, _ field: repeat Field<each Value>,
    handler: @escaping @Sendable (FleetClient, ToolCall, repeat each Value) async throws -> String
) -> Tool<FleetSession> {
    sessionTool(name, access, description, repeat each field) { (session, call, value: repeat each Value) in
        try await handler(session.client, call, repeat each value)
    }
}

/// The same for a tool that needs more than the provider.
func sessionTool<each Value: Sendable>(
    _ name: String, _ access: Access, _ description: String, _ field: repeat Field<each Value>,
    handler: @escaping @Sendable (FleetSession, ToolCall, repeat each Value) async throws -> String
) -> Tool<FleetSession> {
    Tool(name, access, description, repeat each field) { (session, call, value: repeat each Value) in
        do {
            return try await handler(session, call, repeat each value)
        } catch let error as FleetError {
            if access == .reads { throw ToolFailure(error.text) }
            guard error.mayHaveHappened else { throw ToolFailure("refused: \(error.text)") }
            throw ToolFailure(
                "unconfirmed: \(error.text); the command may have been queued",
                try: "see command_status before repeating")
        }
    }
}
