import OpAMP

extension AgentProfile {
    /// The health of the agent, its pipeline and every component.
    ///
    /// - Parameter fault: makes its component, the pipeline and the agent unhealthy; nil means all is well.
    func health(startTime: UInt64, fault: Fault?, at now: UnixTime) -> ComponentHealth {
        func health(_ fault: Fault?, startTime: UInt64 = 0) -> ComponentHealth {
            var health = ComponentHealth()
            health.healthy = fault == nil
            health.status = fault == nil ? "running" : "degraded"
            health.lastError = fault?.message ?? ""
            health.startTimeUnixNano = startTime
            health.statusTimeUnixNano = now.nanoseconds
            return health
        }
        var pipelineHealth = health(fault)
        for component in pipeline.components {
            pipelineHealth.componentHealthMap[component.name] = health(fault?.component == component.name ? fault : nil)
        }
        var top = health(fault, startTime: startTime)
        top.componentHealthMap["pipeline"] = pipelineHealth
        return top
    }
}
