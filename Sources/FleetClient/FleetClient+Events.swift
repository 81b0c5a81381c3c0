package import FleetAPI

extension FleetClient {
    /// One page of what happened, newest first.
    ///
    /// - Parameters:
    ///   - filter: only what happened to agents that match it now.
    ///   - kinds: some of `FleetEvent.kinds`; all when empty.
    ///   - since: a time, or an age such as `5m`.
    ///   - isCounted: whether all that is selected is counted by kind, too.
    package func events(
        agent: String? = nil, filter: String? = nil, kinds: [String] = [], since: String? = nil,
        isCounted: Bool = false,
        limit: Int, cursor: String? = nil
    ) async throws -> EventPage {
        try await get(
            Path("events").with("agent", agent).with("filter", filter).with("kind", list(kinds)).with("since", since)
                .with("counts", isCounted ? "true" : nil).with("limit", String(limit)).with("cursor", cursor))
    }
}
