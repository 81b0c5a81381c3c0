import JSON
import Synchronization

/// What the provider has acknowledged, and so must still know whenever and however it ended.
final class FaultLedger: Sendable {
    /// A command as it was last seen.
    struct Entry: Sendable {
        let uid: String
        let kind: String
        var state: String
    }

    /// A value that is written by one writer at a time.
    private struct Register: Sendable {
        /// Nil for nothing.
        var acknowledged: String?
        /// Asked for, and never answered.
        var underWay: String?
    }

    private struct State: Sendable {
        var commands: [String: Entry] = [:]
        var recent: Set<String> = []
        /// Commands by the key that a request carried.
        var keys: [(key: String, request: String, path: String, id: String)] = []
        var registers: [String: Register] = [:]
        /// Operations by id, with the state each was last seen in.
        var operations: [String: String] = [:]
        var violations: [String] = []
    }

    private let state = Mutex(State())

    var violations: [String] { state.withLock { $0.violations } }
    var commands: [String: Entry] { state.withLock { $0.commands } }
    /// Ids of the commands that were acknowledged since `beginRound`.
    var recent: Set<String> { state.withLock { $0.recent } }
    var keys: [(key: String, request: String, path: String, id: String)] { state.withLock { $0.keys } }
    var registers: [String] { state.withLock { Array($0.registers.keys) } }

    var operations: [String] { state.withLock { Array($0.operations.keys) } }

    func beginRound() {
        state.withLock { ($0.recent, $0.keys) = ([], []) }
    }

    func complain(_ text: String) {
        state.withLock { $0.violations.append(text) }
    }

    // MARK: - Commands

    /// Takes a command that the provider tells of: new, or further than it was last seen.
    func saw(_ command: JSON, isAcknowledged: Bool = false) {
        guard let id = command["id"]?.string, let now = command["state"]?.string else {
            return complain("not a command: \(command.text)")
        }
        state.withLock { state in
            if isAcknowledged { state.recent.insert(id) }
            if let before = state.commands[id] {
                if !Self.follows(now, before.state) { state.violations.append("\(id): \(before.state) → \(now)") }
                if command["instance_uid"]?.string != before.uid { state.violations.append("\(id): another agent") }
                state.commands[id]?.state = now
            } else if isAcknowledged {
                state.commands[id] = Entry(
                    uid: command["instance_uid"]?.string ?? "", kind: command["command"]?.string ?? "", state: now)
            }
        }
    }

    func remember(key: String, request: String, path: String, id: String) {
        state.withLock { $0.keys.append((key, request, path, id)) }
    }

    /// Whether a command may be in this state after it was in that one.
    private static func follows(_ now: String, _ before: String) -> Bool {
        switch before {
        case "queued": true
        case "sent": ["sent", "unconfirmed", "confirmed", "failed"].contains(now)
        // Late proof still counts.
        case "unconfirmed": ["unconfirmed", "confirmed", "failed"].contains(now)
        default: now == before
        }
    }

    /// Takes an operation that the provider tells of.
    func sawOperation(_ operation: JSON, isAcknowledged: Bool = false) {
        guard let id = operation["id"]?.string, let now = operation["state"]?.string else {
            return complain("not an operation: \(operation.text)")
        }
        state.withLock { state in
            guard let before = state.operations[id] else {
                if isAcknowledged { state.operations[id] = now }
                return
            }
            if before != "running", now != before { state.violations.append("\(id): \(before) → \(now)") }
            state.operations[id] = now
        }
    }

    // MARK: - Values

    /// Notes that a value is asked for, before it is.
    ///
    /// - Parameter initial: what was there before the first.
    func asks(_ name: String, _ value: String, initial: String?) {
        state.withLock { $0.registers[name, default: Register(acknowledged: initial)].underWay = value }
    }

    /// Notes the answer to what was asked for.
    func answered(_ name: String, isAcknowledged: Bool) {
        state.withLock { state in
            guard let register = state.registers[name] else { return }
            let value = isAcknowledged ? register.underWay : register.acknowledged
            state.registers[name] = Register(acknowledged: value, underWay: nil)
        }
    }

    /// Takes what is there after a start: what was acknowledged last, or what was under way.
    func found(_ name: String, _ value: String?) {
        state.withLock { state in
            guard let register = state.registers[name] else { return }
            let isUnderWay = value != nil && value == register.underWay
            if value != register.acknowledged, !isUnderWay {
                let expected = [register.acknowledged, register.underWay].compactMap(\.self)
                state.violations.append("\(name): \(value ?? "nothing") instead of \(expected)")
            }
            state.registers[name] = Register(acknowledged: value, underWay: nil)
        }
    }
}
