package import JSON
import Synchronization

/// What the fleet has done so far. Written by every event loop, read once a second.
package final class Statistics: Sendable {
    private struct Counts {
        var connected = 0
        /// Agents whose first report has been answered at least once.
        var answered = 0
        var sent = 0
        var received = 0
        var malformed = 0
        var reconnects = 0
        /// Requests and upgrades that the server refused, by its answer.
        var refused: [String: Int] = [:]
        /// Whether the last attempt of any agent to connect failed.
        var isUnreachable = false
        var commands: [ReceivedCommand.Kind: Int] = [:]
        var done = 0
        var commandIDs = 0
        var repeatedCommandIDs = 0
    }

    private let agents: Int
    private let counts = Mutex(Counts())

    init(agents: Int) {
        self.agents = agents
    }

    func opened(again: Bool) {
        counts.withLock {
            $0.connected += 1
            $0.reconnects += again ? 1 : 0
            $0.isUnreachable = false
        }
    }

    /// - Returns: whether this is the first failure after a success.
    func failedToConnect() -> Bool {
        counts.withLock { counts in
            defer { counts.isUnreachable = true }
            return !counts.isUnreachable
        }
    }

    func closed() { counts.withLock { $0.connected -= 1 } }
    func sent() { counts.withLock { $0.sent += 1 } }
    func received() { counts.withLock { $0.received += 1 } }
    func refused(_ status: String) { counts.withLock { $0.refused[status, default: 0] += 1 } }
    func malformed() { counts.withLock { $0.malformed += 1 } }

    /// - Returns: whether this was the last agent that had not been answered.
    func answeredFirstTime() -> Bool {
        counts.withLock {
            $0.answered += 1
            return $0.answered == agents
        }
    }

    func saw(_ command: ReceivedCommand) {
        counts.withLock {
            $0.commands[command.kind, default: 0] += 1
            $0.done += command.isDone ? 1 : 0
            if command.id == nil { return }
            if command.isRepeated { $0.repeatedCommandIDs += 1 } else { $0.commandIDs += 1 }
        }
    }

    /// The counts as one JSON object; command kinds that have not been seen are there with 0.
    package var json: JSON {
        let counts = counts.withLock { $0 }
        let commands = ReceivedCommand.Kind.allCases.map {
            (key: $0.rawValue, value: JSON.integer(counts.commands[$0] ?? 0))
        }
        let refused = counts.refused.sorted { $0.key < $1.key }.map { (key: $0.key, value: JSON.integer($0.value)) }
        return [
            "agents": .integer(agents), "connected": .integer(counts.connected), "answered": .integer(counts.answered),
            "sent": .integer(counts.sent), "received": .integer(counts.received),
            "malformed": .integer(counts.malformed), "reconnects": .integer(counts.reconnects),
            "refused": .object(.init(refused)),
            "commands": .object(.init(commands)), "done": .integer(counts.done),
            "command_ids": .integer(counts.commandIDs),
            "repeated_command_ids": .integer(counts.repeatedCommandIDs),
        ]
    }
}
