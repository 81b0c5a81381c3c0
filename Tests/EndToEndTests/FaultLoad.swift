import HTTP
import JSON
import TestSupport

/// One kind of thing that people ask of a provider while it may be killed at any moment.
struct FaultLoad: Sendable {
    let name: String
    /// Asks once and notes what was acknowledged; throws when the provider is gone.
    let ask: @Sendable (FaultWriter, inout SeededRandom) async throws -> Void

    static let all = [
        // The first two carry an id to the agent, the others do not.
        command(["command": "chatops", "parameters": ["tag": "ok"]]),
        command(["command": "nullcommand"]),
        command(["command": "resync"]),
        command(["command": "restart"]),
        withdrawal, keyed, forgetting, labels, settings, admission, configurations, heartbeats, operations,
    ]

    private static func command(_ request: JSON) -> FaultLoad {
        FaultLoad(name: request["command"]?.string ?? "") { writer, random in
            let uid = writer.agents.randomElement(using: &random) ?? ""
            guard let command = try await writer.ask(.post, "agents/\(uid)/commands", request, accepting: 202) else {
                return
            }
            writer.ledger.saw(command, isAcknowledged: true)
            let id = command["id"]?.string ?? ""
            if Bool.random(using: &random), let again = try await writer.ask(.get, "commands/\(id)", accepting: 200) {
                writer.ledger.saw(again)
            }
        }
    }

    /// Withdraws a command that waits for an agent that is away.
    private static let withdrawal = FaultLoad(name: "withdrawal") { writer, random in
        let path = "agents/\(writer.absent)/commands"
        guard let command = try await writer.ask(.post, path, ["command": "resync"], accepting: 202) else { return }
        writer.ledger.saw(command, isAcknowledged: true)
        let id = command["id"]?.string ?? ""
        guard Bool.random(using: &random), let ended = try await writer.ask(.delete, "commands/\(id)", accepting: 200)
        else { return }
        if ended["state"] != "cancelled" { writer.ledger.complain("withdrawn, but \(ended.text)") }
        writer.ledger.saw(ended)
    }

    /// A command with a key, which is asked for again after the next start.
    private static let keyed = FaultLoad(name: "keyed") { writer, random in
        let uid = writer.agents.randomElement(using: &random) ?? ""
        let request: JSON = ["command": "chatops", "parameters": ["tag": "keyed"]]
        let (key, path) = ("key-\(random.next())", "agents/\(uid)/commands")
        guard let command = try await writer.ask(.post, path, request, key: key, accepting: 202) else { return }
        writer.ledger.saw(command, isAcknowledged: true)
        writer.ledger.remember(key: key, request: request.text, path: path, id: command["id"]?.string ?? "")
    }

    /// An agent that is connected is never forgotten, whatever happens.
    private static let forgetting = FaultLoad(name: "forgetting") { writer, random in
        let uid = writer.agents.randomElement(using: &random) ?? ""
        if try await writer.ask(.delete, "agents/\(uid)", accepting: 204) != nil {
            writer.ledger.complain("\(uid) was forgotten while connected")
        }
    }

    /// A label of an agent of the writer's own, so that one value follows the other.
    private static let labels = FaultLoad(name: "labels") { writer, random in
        let uid = writer.agents[writer.number % writer.agents.count]
        try await writer.put(
            "label \(uid)", "\(random.next())", .put, "agents/\(uid)/labels"
        ) { ["labels": ["round": .string($0)]] }
    }

    /// The days that events are kept, by one writer alone.
    private static let settings = FaultLoad(name: "settings") { writer, random in
        guard writer.number == 0 else { return }
        let days = Int.random(in: 1...3000, using: &random)
        try await writer.put("settings", "\(days)", initial: "30", .put, "settings") {
            ["keep_events_days": .integer(Int($0) ?? 1)]
        }
    }

    /// An agent that is blocked and let in again, by one writer alone.
    private static let admission = FaultLoad(name: "admission") { writer, random in
        guard writer.number == 1 else { return }
        let isBlocked = Bool.random(using: &random)
        try await writer.put(
            "admission", isBlocked ? "blocked" : "approved", initial: "approved", .post, "approvals"
        ) { value in
            let verb: JSON = value == "blocked" ? "block" : "unblock"
            return ["decisions": [["agent": .string(writer.absent), "decision": verb]]]
        }
    }

    /// A configuration for an agent of the writer's own.
    private static let configurations = FaultLoad(name: "configurations") { writer, random in
        let uid = writer.agents[(writer.number + 4) % writer.agents.count]
        let (name, text) = ("config \(uid)", "# \(random.next())")
        writer.ledger.asks(name, text, initial: nil)
        let command = try await writer.ask(
            .put, "agents/\(uid)/config", ["files": ["fluent-bit.conf": ["content": .string(text)]]], accepting: 202)
        writer.ledger.answered(name, isAcknowledged: command != nil)
        if let command { writer.ledger.saw(command, isAcknowledged: true) }
    }

    /// A heartbeat interval for an agent of the writer's own.
    private static let heartbeats = FaultLoad(name: "heartbeats") { writer, random in
        let uid = writer.agents[(writer.number + 8) % writer.agents.count]
        let (name, seconds) = ("heartbeat \(uid)", Int.random(in: 20...5000, using: &random))
        writer.ledger.asks(name, "\(seconds)", initial: nil)
        let command = try await writer.ask(
            .put, "agents/\(uid)/heartbeat", ["seconds": .integer(seconds)], accepting: 202)
        writer.ledger.answered(name, isAcknowledged: command != nil)
        if let command { writer.ledger.saw(command, isAcknowledged: true) }
    }

    /// A command for all agents, by one writer alone; half of them are ended by a person.
    private static let operations = FaultLoad(name: "operations") { writer, random in
        guard writer.number == 2 else { return }
        let request: JSON = [
            "filter": "status:connected", "command": "chatops", "parameters": ["tag": "ok"], "max_in_flight": 12,
            "stop_after_failures": 1000, "confirm_seconds": 5,
        ]
        guard
            let plan = try await writer.ask(.post, "operations", request.with("dry_run", true), accepting: 200),
            let operation = try await writer.ask(
                .post, "operations", request.with("digest", plan["digest"] ?? .null), accepting: 202)
        else { return }
        writer.ledger.sawOperation(operation, isAcknowledged: true)
        let id = operation["id"]?.string ?? ""
        guard Bool.random(using: &random),
            let ended = try await writer.ask(.delete, "operations/\(id)", accepting: 200)
        else { return }
        writer.ledger.sawOperation(ended)
    }
}

extension JSON {
    /// The object with one more member.
    fileprivate func with(_ name: String, _ value: JSON) -> JSON {
        var object = object ?? .init()
        object[name] = value
        return .object(object)
    }
}

/// One of those who ask, one request after the other.
struct FaultWriter: Sendable {
    let number: Int
    let provider: Provider
    /// Uids of the agents that are meant: all of the fleet.
    let agents: [String]
    /// The uid of an agent that is known and away.
    let absent: String
    let ledger: FaultLedger

    /// Sends a request.
    ///
    /// - Returns: the answer; nil for a refusal.
    /// - Throws: when there is no answer, and for a status that says that the provider itself failed.
    func ask(
        _ method: HTTPRequest.Method, _ path: String, _ body: JSON? = nil, key: String? = nil, accepting status: Int
    ) async throws -> JSON? {
        try await provider.ask(method, path, body, key: key, accepting: status) { ledger.complain($0) }
    }

    /// Asks for a value and notes it once it is acknowledged.
    func put(
        _ name: String, _ value: String, initial: String? = nil, _ method: HTTPRequest.Method, _ path: String,
        _ body: (String) -> JSON
    ) async throws {
        ledger.asks(name, value, initial: initial)
        let answer = try await ask(method, path, body(value), accepting: 200)
        ledger.answered(name, isAcknowledged: answer != nil)
    }
}

extension Provider {
    /// Sends a request, as `FaultWriter.ask`.
    func ask(
        _ method: HTTPRequest.Method, _ path: String, _ body: JSON? = nil, key: String? = nil, accepting status: Int,
        complain: (String) -> Void
    ) async throws -> JSON? {
        let response = try await send(method, path, body, headers: key.map { [("Idempotency-Key", $0)] } ?? [])
        let text = String(decoding: response.body, as: UTF8.self)
        if response.status >= 500 { complain("\(method) \(path): \(response.status) \(text)") }
        guard response.status == status else { return nil }
        return text.isEmpty ? .null : try JSON(parsing: text)
    }
}
