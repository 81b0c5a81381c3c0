import FleetAPI
import OpAMP
import SwiftProtobuf

// What an answer to an agent holds besides commands.
extension FleetState {
    func answer(to uid: InstanceUID) -> ServerToAgent {
        .with {
            $0.instanceUid = uid.data
            $0.capabilities = Self.capabilities.rawValue
        }
    }

    /// Tells the server's custom capabilities: with the first answer of a session, and again when they have changed.
    /// Spec: OpAMP, "CustomCapabilities".
    mutating func introduce(_ position: Int, _ reply: inout ServerToAgent) {
        guard !vitals[position].wasIntroduced || vitals[position].isIntroductionDue else { return }
        reply.customCapabilities.capabilities = catalogue.customCapabilities
        vitals[position].wasIntroduced = true
        vitals[position].isIntroductionDue = false
    }

    /// Asks for the available components when the agent names a hash of others than are known of it: once for each such
    /// message. Spec: OpAMP, "AvailableComponents Message".
    func askForComponents(after message: AgentToServer, _ reply: inout ServerToAgent) {
        guard message.hasAvailableComponents, message.availableComponents.components.isEmpty,
            !message.availableComponents.hash.isEmpty, let uid = InstanceUID(bytes: message.instanceUid),
            let position = index.position(of: uid)
        else { return }
        let facts = records[position].facts
        let known = (try? AvailableComponents(serializedBytes: facts.components))?.hash
        guard facts.capabilities.contains(.reportsAvailableComponents), known != message.availableComponents.hash else {
            return
        }
        reply.flags |= ServerToAgentFlags.reportAvailableComponents.rawValue
    }

    /// Asks for the full state after a gap in the numbers and of an agent not described: once each, and at most once
    /// a minute. Spec: OpAMP, "Agent Status Compression".
    mutating func askForFullState(_ position: Int, _ now: Moment, _ reply: inout ServerToAgent) {
        let last = vitals[position].askedFullStateAt
        let isDue = last.map { now.monotonic - $0 >= Self.fullStateInterval.nanoseconds } ?? true
        guard vitals[position].wantsFullState, isDue else { return }
        reply.flags |= ServerToAgentFlags.reportFullState.rawValue
        vitals[position].wantsFullState = false
        vitals[position].askedFullStateAt = now.monotonic
    }
}
