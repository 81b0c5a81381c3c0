import FleetAPI
import OpAMP

/// What could not be written and nobody was told about: kept until it can be.
///
/// Of each agent and each command only the newest state stays. It is bounded: past the limit the oldest events go
/// first, then the oldest of everything else.
struct Backlog: Sendable {
    /// The most changes kept.
    static let limit = 100_000
    /// The most bytes of configuration bodies kept.
    static let configLimit = 64 << 20

    /// In the order they happened.
    private(set) var changes: [Change] = []
    /// How many were given up for want of room since the beginning.
    private(set) var dropped = 0

    var isEmpty: Bool { changes.isEmpty }

    /// Keeps changes that came after those kept so far.
    mutating func keep(_ more: [Change]) {
        changes = Self.newest(changes + more)
        var configRoom = Self.configLimit
        // The newest bodies stay.
        changes = changes.reversed().filter { change in
            guard case .config(_, let body) = change else { return true }
            configRoom -= body.count
            if configRoom < 0 { dropped += 1 }
            return configRoom >= 0
        }.reversed()
        var surplus = changes.count - Self.limit
        guard surplus > 0 else { return }
        dropped += surplus
        changes.removeAll { change in
            guard surplus > 0, case .event = change else { return false }
            surplus -= 1
            return true
        }
        changes.removeFirst(max(0, surplus))
    }

    /// Hands over everything that is kept.
    mutating func takeAll() -> [Change] {
        defer { changes = [] }
        return changes
    }

    /// The changes without those that a later one makes void.
    private static func newest(_ changes: [Change]) -> [Change] {
        var agents: Set<InstanceUID> = []
        var seen: Set<InstanceUID> = []
        var decided: Set<InstanceUID> = []
        var texts: Set<String> = []
        var kept: [Change] = []
        for change in changes.reversed() {
            switch change {
            case .agent(let record, _):
                guard agents.insert(record.uid).inserted else { continue }
                seen.insert(record.uid)
            case .seen(let agents):
                let rest = agents.filter { seen.insert($0.uid).inserted }
                if !rest.isEmpty { kept.append(.seen(rest)) }
                continue
            case .decisions(let uid, _, _):
                guard decided.insert(uid).inserted else { continue }
            case .command(let open):
                guard texts.insert(open.command.id).inserted else { continue }
            case .config(let hash, _):
                guard texts.insert(hash).inserted else { continue }
            case .rename(let old, let new):
                // What was said under these uids before belongs to somebody else than what was said after.
                for uid in [old, new] {
                    agents.remove(uid)
                    seen.remove(uid)
                    decided.remove(uid)
                }
            case .forget(let uid):
                agents.remove(uid)
                seen.remove(uid)
            default: break
            }
            kept.append(change)
        }
        return kept.reversed()
    }
}
