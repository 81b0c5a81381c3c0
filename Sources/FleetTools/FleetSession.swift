package import FleetClient

/// What the tools work with for one client: the provider they ask, and the plans that wait for their second call.
package struct FleetSession: Sendable {
    /// How many agents a filter may change unless a number is given.
    package static let standardTargetLimit = 100
    package static let targetLimits = 1...10_000

    package let client: FleetClient
    let plans = PlanBook()
    /// The most agents that a filter may change; nil: the usual number, and never a whole fleet.
    let maxTargets: Int?

    /// - Parameter maxTargets: as a person gave it; within `targetLimits`.
    package init(_ client: FleetClient, maxTargets: Int? = nil) {
        (self.client, self.maxTargets) = (client, maxTargets)
    }
}
