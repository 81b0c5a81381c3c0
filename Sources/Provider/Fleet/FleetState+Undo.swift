import FleetAPI
import OpAMP

// How acts of people that could not be written are undone: nobody was told that they are done.
extension FleetState {
    /// An agent with everything that is taken out when it is forgotten.
    struct Forgotten: Sendable {
        fileprivate let record: AgentRecord
        fileprivate let vitals: Vitals
        fileprivate let aliases: [InstanceUID: InstanceUID]
        fileprivate let commands: [OpenCommand]
    }

    /// What forgetting this agent takes out.
    func everything(of position: Int) -> Forgotten {
        let uid = records[position].uid
        return Forgotten(
            record: records[position], vitals: vitals[position], aliases: aliases.filter { $0.value == uid },
            commands: (commandsByAgent[uid] ?? []).compactMap { commands[$0] }
        )
    }

    /// Brings a forgotten agent back, unless it has come by itself.
    mutating func bringBack(_ forgotten: Forgotten) {
        let uid = forgotten.record.uid
        if index.position(of: uid) == nil { append(forgotten.record, forgotten.vitals, link: nil) }
        aliases.merge(forgotten.aliases) { now, _ in now }
        for open in forgotten.commands where commands[open.command.id] == nil {
            commands[open.command.id] = open
            commandsByAgent[uid, default: []].append(open.command.id)
        }
        nextDeadline = .min
    }

    /// Makes a withdrawn command what it was before.
    mutating func undoCancelling(_ open: OpenCommand) {
        guard commands[open.command.id]?.command.state == .cancelled else { return }
        commands[open.command.id] = open
        nextDeadline = .min
    }
}
