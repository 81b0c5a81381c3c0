import FleetAPI

extension Store.StoredFleet {
    /// Brings what seems to come from the future, because the clock was set back since, to just before now.
    ///
    /// Agents and commands keep their order among themselves, and a command the time it may wait.
    mutating func moveBefore(_ now: Timestamp) {
        let agents = self.agents.indices.filter { self.agents[$0].lastSeen >= now }
            .sorted { self.agents[$0].lastSeen < self.agents[$1].lastSeen }
        for (place, index) in agents.enumerated() {
            let agent = self.agents[index]
            let lastSeen = now - .nanoseconds(agents.count - place)
            var record = agent.record
            if record.firstSeen > lastSeen {
                record = AgentRecord(
                    uid: record.uid, firstSeen: lastSeen, facts: record.facts, decisions: record.decisions)
            }
            self.agents[index] = Store.StoredAgent(
                record: record, lastSeen: lastSeen, sequence: agent.sequence, transport: agent.transport)
        }
        // They come in the order they were queued: those from the future last.
        for index in self.commands.indices {
            var command = self.commands[index].command
            if command.queuedAt >= now {
                let jump = command.queuedAt - (now - .nanoseconds(self.commands.count - index))
                command.queuedAt = command.queuedAt - jump
                command.expiresAt = command.expiresAt - jump
                command.sentAt = command.sentAt.map { $0 - jump }
            }
            command.sentAt = command.sentAt.map { min($0, now) }
            self.commands[index].command = command
        }
    }
}
