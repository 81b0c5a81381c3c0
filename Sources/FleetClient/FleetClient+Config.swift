package import FleetAPI

// Configurations, as the provider shows them: with secrets masked.
extension FleetClient {
    /// The configuration of one agent.
    ///
    /// - Parameter parts: which of it; all when empty.
    package func config(of agent: String, _ parts: [AgentConfig.Part] = []) async throws -> AgentConfig {
        try await get(try self.agent(agent).adding("config").with("which", list(parts.map(\.rawValue))))
    }

    /// The configurations that were offered to an agent, newest first, without their contents.
    package func revisions(of agent: String, limit: Int) async throws -> ConfigRevisionPage {
        try await get(try self.agent(agent).adding("config").adding("revisions").with("limit", String(limit)))
    }

    /// One configuration that was offered to an agent, with its contents.
    package func revision(_ number: Int, of agent: String) async throws -> ConfigRevision {
        try await get(try self.agent(agent).adding("config").adding("revisions").adding(String(number)))
    }
}
