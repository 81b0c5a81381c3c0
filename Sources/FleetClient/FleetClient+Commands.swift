package import FleetAPI
import HTTP

// Commands that were asked for, and operations: one command for many agents.
extension FleetClient {
    /// Withdraws a command that has not been sent.
    package func cancelCommand(_ id: String) async throws -> Command {
        try await send(.delete, try Path("commands").adding(segment(id)), timeout: timeout)
    }

    /// An operation as it is now, or as soon as it has ended.
    ///
    /// - Parameters:
    ///   - id: 32 hex digits.
    ///   - waitSeconds: how long the provider may wait for the end, at most 45.
    ///   - timeout: for the rest of the request; the usual one when nil.
    package func operation(_ id: String, waitSeconds: Int = 0, timeout: Duration? = nil) async throws -> FleetOperation
    {
        let path = try Path("operations").adding(segment(id)).with(
            "wait_seconds", waitSeconds > 0 ? "\(waitSeconds)" : nil)
        return try await send(.get, path, timeout: (timeout ?? self.timeout) + .seconds(waitSeconds))
    }

    /// Ends an operation: what has not been sent stays unsent.
    package func cancelOperation(_ id: String) async throws -> FleetOperation {
        try await send(.delete, try Path("operations").adding(segment(id)), timeout: timeout)
    }
}
