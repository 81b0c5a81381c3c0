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
}
