import FleetAPI
import OpAMP

/// Which events are meant.
struct EventSelection: Sendable {
    /// Any agent if nil.
    var uid: InstanceUID?
    /// Any kind if nil.
    var kinds: Set<String>?
    var since: Timestamp?

    /// - Parameter uidNow: of the agent that is meant, should it have been given another one meanwhile.
    func matches(_ event: FleetEvent, uidNow: InstanceUID? = nil) -> Bool {
        if let kinds, !kinds.contains(event.kind) { return false }
        if let since, event.at < since { return false }
        guard let uid else { return true }
        let found = InstanceUID(event.instanceUID)
        return found == uid || found == uidNow
    }
}
