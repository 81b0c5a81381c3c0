import FleetAPI
import OpAMP
import Synchronization

// What the transports ask before they take a message.
extension Fleet {
    /// Whether the fleet knows an agent as approved, by its present uid or a former one.
    func isAdmitted(_ uid: InstanceUID) -> Bool {
        state.withLock { state in
            state.position(of: uid).map { state.records[$0].decisions.admission == .approved } ?? false
        }
    }

    /// Whether the provider was asked to end: agents are told to come again later.
    var isStopping: Bool { metrics.listeners.isStopping }

    /// The agents that are reached on a WebSocket.
    func agents(on link: Link) -> [InstanceUID] {
        state.withLock { state in
            let key = ObjectIdentifier(link)
            return (state.uidByLink[key].map { [$0] } ?? []) + (state.moreByLink[key] ?? []).sorted()
        }
    }
}

extension ServerToAgent {
    /// What an agent is told when the provider stops. Spec: OpAMP, "Throttling".
    static func stopping(_ uid: InstanceUID) -> ServerToAgent {
        var message = unavailable("the server is stopping; come again later", retryAfter: RetryHint.afterStop(uid))
        message.instanceUid = uid.data
        return message
    }
}
