package import OpAMP

/// Who a simulated agent is: everything about it that a restart does not change.
package struct AgentProfile: Sendable, Equatable {
    package var uid: InstanceUID
    package let type: AgentType
    package let version: String
    package let hostName: String
    package let hostIP: String
    package let osDescription: String
    package let architecture: String
    package let namespace: String
    package let environment: String
    package let team: String
    package var capabilities: AgentCapabilities
    /// The custom capabilities it reports.
    package let customCapabilities: [String]
    package let pipeline: Pipeline
    /// Chooses what its configuration says.
    let configSeed: UInt64
    /// How long before the start of the simulation it was started.
    package let age: Duration

    package var description: AgentDescription {
        var description = AgentDescription()
        description.identifyingAttributes = [
            KeyValue("service.name", type.serviceName),
            KeyValue("service.namespace", namespace),
            KeyValue("service.version", version),
            KeyValue("service.instance.id", "\(type.serviceName)-\(hostName)"),
        ]
        description.nonIdentifyingAttributes = [
            KeyValue("host.name", hostName),
            KeyValue("host.ip", hostIP),
            KeyValue("host.arch", architecture),
            KeyValue("os.type", "linux"),
            KeyValue("os.description", osDescription),
            KeyValue("deployment.environment", environment),
            KeyValue("team", team),
        ]
        return description
    }
}
