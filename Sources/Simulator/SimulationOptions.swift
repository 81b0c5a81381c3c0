import OpAMP

/// What a simulated fleet is made of and how it behaves.
package struct SimulationOptions: Sendable {
    package var agents: Int
    package var seed: UInt64
    package var heartbeat = Duration.seconds(30)
    /// Of 100 agents, 0 to 100; anything above 0 means at least one agent. The same holds for the others.
    package var unhealthyPercent = 2.0
    package var ignoringPercent = 0.0
    package var uptimePercent = 0.0
    /// How many agents report each configuration they are offered as failed.
    package var configFailurePercent = 0.0
    /// Agents keep their instance UID, whatever they are offered.
    package var keepsUIDs = false
    /// How often agents without heartbeats report all the same; zero for not at all.
    package var poll = Duration.zero
    /// How many connections agents that poll share; nil for one each, up to 1,000.
    package var connections: Int?
    /// The bearer token that goes with every request and every upgrade.
    package var token: BearerToken?
    /// Whether that is an enrolment token, which each agent exchanges for one of its own.
    package var enrols = false
    /// How they know the server over TLS; nil: they connect without.
    package var tls: ClientTLS?
    /// Where the agents connect to.
    package var serverURL = ""
    package var answerDelay = Duration.zero
    /// How long after the start of the simulation agents fall silent; nil for never.
    package var silentAfter: Duration?
    package var silentPercent = 100.0
    /// How many agents use the instance UID of the first.
    package var clones = 0

    package init(agents: Int, seed: UInt64) {
        self.agents = agents
        self.seed = seed
    }

    /// The agents, in the same order and with the same faults for the same options.
    package func fleet(startingAt now: UnixTime) -> [SimulatedAgent] {
        let unhealthy = choose(unhealthyPercent, stream: 1)
        let ignoring = choose(ignoringPercent, stream: 2)
        let uptime = choose(uptimePercent, stream: 3)
        let failing = choose(configFailurePercent, stream: 5)
        let silent = silentAfter == nil ? [] : choose(silentPercent, stream: 4)
        let profiles = AgentProfile.fleet(of: agents, seed: seed)
        return profiles.enumerated().map { index, profile in
            var profile = profile
            if 1...max(clones, 1) ~= index, clones > 0 { profile.uid = profiles[0].uid }
            var random = SeededGenerator(seed: seed, stream: 1 << 32 + UInt64(index))
            var behaviour = Behaviour()
            behaviour.heartbeat = heartbeat
            behaviour.answerDelay = answerDelay
            behaviour.poll = poll
            behaviour.serverURL = serverURL
            behaviour.keepsUID = keepsUIDs
            behaviour.enrols = enrols
            if enrols {
                profile.capabilities.formUnion([.acceptsOpAMPConnectionSettings, .reportsConnectionSettingsStatus])
            }
            behaviour.failsConfigurations = failing.contains(index)
            behaviour.ignoresCommands = ignoring.contains(index)
            behaviour.reportsUptimeAsStartTime = uptime.contains(index)
            behaviour.silentFrom = silent.contains(index) ? silentAfter.map { now + $0 } : nil
            let fault = Fault.make(for: profile.pipeline, using: &random)
            return SimulatedAgent(
                profile, behaviour, fault: unhealthy.contains(index) ? fault : nil, seed: random.next(), at: now
            )
        }
    }

    private func choose(_ percent: Double, stream: UInt64) -> Set<Int> {
        if percent <= 0 || agents == 0 { return [] }
        var random = SeededGenerator(seed: seed, stream: 1 << 40 + stream)
        let count = max(1, Int((Double(agents) * percent / 100).rounded()))
        return Set((0..<agents).shuffled(using: &random).prefix(count))
    }
}
