import FleetAPI
import Logging
import OpAMP
import Synchronization

/// Tells the log what becomes of agents: one line for each change of state, nothing for messages that change none.
struct EventLog: Sendable {
    /// What is no change of state; told to those who look for reasons.
    private static let details: Set<String> = ["custom_message", "labelled", "config_changed", "certificate_requested"]

    private let fleet: Fleet
    private var reader: EventReader
    /// Agents that were told to be unhealthy: another error of theirs is no change of state.
    private var unhealthy: Set<String> = []

    init(_ fleet: Fleet) {
        self.fleet = fleet
        reader = EventReader(fleet.store, after: .max)
    }

    /// Logs what was written since the last step.
    mutating func step() async {
        while let events = try? await reader.next(), !events.isEmpty {
            let hosts = fleet.hosts(of: events)
            for (event, host) in zip(events, hosts) {
                var metadata: Logger.Metadata = ["uid": "\(event.instanceUID)"]
                if let host { metadata["host"] = "\(clean(host))" }
                if let text = event.text { metadata["reason"] = "\(clean(SecretMask.masked(message: text)))" }
                fleet.logger.log(level: level(of: event), "agent \(event.kind)", metadata: metadata)
            }
        }
    }

    private mutating func level(of event: FleetEvent) -> Logger.Level {
        switch event.kind {
        case "unhealthy": return unhealthy.insert(event.instanceUID).inserted ? .info : .debug
        case "healthy", "forgotten": unhealthy.remove(event.instanceUID)
        default: break
        }
        return Self.details.contains(event.kind) ? .debug : .info
    }
}

extension Fleet {
    /// The hosts of the agents that events are about, as they told them; nil where there is none, or no agent any more.
    func hosts(of events: [FleetEvent]) -> [String?] {
        state.withLock { state in
            events.map { event in
                InstanceUID(event.instanceUID).flatMap { state.position(of: $0) }
                    .flatMap { state.records[$0].facts.host?.text }
            }
        }
    }
}
