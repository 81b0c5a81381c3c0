import Dispatch
import FleetAPI
import Foundation
import GRDB
import JSON
import OpAMP
import Synchronization

/// What survives the process: agents, commands, configurations and events, in one SQLite file or in memory.
///
/// All writes go through one queue, in the order they were given, as many as are waiting in one transaction. A durable
/// one reaches the disk before its completion is called; the others are collected for a fraction of a second.
final class Store: Sendable {
    typealias Completion = @Sendable (Result<Void, StoreError>) -> Void

    private struct Pending: Sendable {
        var changes: [Change] = []
        var completions: [Completion] = []
        /// Whether something durable waits, and so the batch must reach the disk.
        var isDurable = false
        var isScheduled = false
    }

    /// How long changes that nobody waits for are collected.
    private static let collectTime = DispatchTimeInterval.milliseconds(200)
    /// Past this many events the oldest are dropped.
    private static let eventLimit: Int64 = 1_000_000

    /// `sqlite` or `memory`.
    let kind: String
    let database: any DatabaseWriter
    private let queue = DispatchQueue(label: "store")
    private let pending = Mutex(Pending())
    private let directory: StoreDirectory?

    /// - Parameter directory: made with access for its owner only if it is not there; nil keeps everything in memory.
    /// - Throws: when the directory or the database in it cannot be used, or another provider has it.
    init(directory path: String?) throws(StoreError) {
        do {
            var configuration = Configuration()
            configuration.label = "fleet"
            if let path {
                let directory = try StoreDirectory(path)
                database = try DatabasePool(path: directory.databasePath, configuration: configuration)
                (self.directory, kind) = (directory, "sqlite")
            } else {
                database = try DatabaseQueue(configuration: configuration)
                (directory, kind) = (nil, "memory")
            }
            try Schema.migrator.migrate(database)
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(.database, "cannot open the database in \(path ?? "memory"): \(error)")
        }
    }

    /// Queues changes; they are written in the order of these calls.
    ///
    /// - Parameter completion: makes the changes durable; called on the store's queue once they are on disk, or with
    ///   the reason why they are not and never will be.
    func write(_ changes: [Change], completion: Completion? = nil) {
        let when = pending.withLock { pending -> DispatchTime? in
            pending.changes += changes
            if let completion {
                pending.completions.append(completion)
                if !pending.isDurable {
                    pending.isDurable = true
                    return .now()
                }
            } else if !pending.isScheduled, !pending.isDurable, !changes.isEmpty {
                pending.isScheduled = true
                return .now() + Self.collectTime
            }
            return nil
        }
        if let when { queue.asyncAfter(deadline: when) { self.flush() } }
    }

    /// Writes what is waiting and closes the database.
    func close() throws(StoreError) {
        queue.sync { flush() }
        do { try database.close() } catch { throw StoreError(.database, "cannot close the database: \(error)") }
    }

    private func flush() {
        let batch = pending.withLock { pending in
            defer { pending = Pending() }
            return pending
        }
        guard !batch.changes.isEmpty || !batch.completions.isEmpty else { return }
        let result: Result<Void, StoreError>
        do {
            try write(batch.changes, synchronous: batch.isDurable ? "FULL" : "NORMAL")
            result = .success(())
        } catch {
            result = .failure(StoreError(.database, "cannot write: \(error)"))
            // What nobody was told about is tried again with the next batch; the rest its caller has to repeat.
            if batch.completions.isEmpty { retry(batch.changes) }
        }
        for completion in batch.completions { completion(result) }
    }

    private func retry(_ changes: [Change]) {
        pending.withLock { pending in
            pending.changes = (changes + pending.changes).suffix(100_000)
        }
    }

    private func write(_ changes: [Change], synchronous: String) throws {
        try database.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = \(synchronous)")
            try database.inTransaction(.immediate) {
                for change in changes { try change.write(to: database) }
                try database.execute(
                    sql: "DELETE FROM events WHERE number <= (SELECT max(number) FROM events) - \(Self.eventLimit)"
                )
                return .commit
            }
        }
    }
}

// MARK: - Reading

extension Store {
    /// An agent as it was stored.
    struct StoredAgent: Sendable {
        let record: AgentRecord
        let lastSeen: Timestamp
        let sequence: UInt64
        let transport: AgentTransport
    }

    /// Everything a provider goes on with after a start.
    struct StoredFleet: Sendable {
        var agents: [StoredAgent] = []
        var aliases: [InstanceUID: InstanceUID] = [:]
        /// The labels of agents that were forgotten, in case they come back.
        var keptLabels: [InstanceUID: KeptLabels] = [:]
        var settings = ProviderSettings()
        /// Queued and sent ones, and those still waiting for late proof, oldest first.
        var commands: [OpenCommand] = []
        /// Those that run.
        var operations: [OpenOperation] = []
    }

    /// Reads the fleet.
    ///
    /// - Parameter since: unconfirmed commands queued before are left out.
    func load(unconfirmedSince since: Timestamp) throws(StoreError) -> StoredFleet {
        do {
            return try database.read { database in
                var interned = InternedTexts()
                var fleet = StoredFleet()
                let agents = try Row.fetchCursor(
                    database,
                    sql: """
                        SELECT agents.*, decisions.body AS decisions FROM agents LEFT JOIN decisions USING (uid)
                        ORDER BY uid
                        """
                )
                while let row = try agents.next() { fleet.agents.append(try Self.agent(row, &interned)) }
                for row in try Row.fetchAll(database, sql: "SELECT old, new FROM aliases") {
                    if let old = InstanceUID(row[0] as String), let new = InstanceUID(row[1] as String) {
                        fleet.aliases[old] = new
                    }
                }
                fleet.keptLabels = try Self.keptLabels(database)
                if let body = try String.fetchOne(database, sql: "SELECT body FROM settings WHERE name = 'provider'") {
                    fleet.settings = try ProviderSettings(json: JSON(parsing: body))
                }
                fleet.commands = try Self.commands(
                    database,
                    "state IN ('queued', 'sent') OR state = 'unconfirmed' AND queued_at >= ? ORDER BY queued_at, id",
                    [since.nanoseconds]
                )
                fleet.operations = try Self.operations(database, "state = 'running'", [])
                return fleet
            }
        } catch {
            throw StoreError(.database, "cannot read the fleet: \(error)")
        }
    }

    private static func agent(_ row: Row, _ interned: inout InternedTexts) throws -> StoredAgent {
        guard let uid = InstanceUID(row["uid"] as String), let sequence = UInt64(row["sequence"] as String) else {
            throw StoreError(.database, "an agent row with uid \(row["uid"] as String)")
        }
        var facts = try AgentFacts(json: JSON(parsing: row["facts"] as String))
        facts.health = Array(row["health"] as Data)
        facts.components = Array(row["components"] as Data)
        facts.findNames(&interned)
        return StoredAgent(
            record: AgentRecord(
                uid: uid, firstSeen: Timestamp(nanoseconds: row["first_seen"]), facts: facts,
                decisions: try (row["decisions"] as String?).map { try Decisions(json: JSON(parsing: $0)) } ?? .none
            ),
            lastSeen: Timestamp(nanoseconds: row["last_seen"]), sequence: sequence,
            transport: AgentTransport(rawValue: row["transport"]) ?? .http
        )
    }

    private static func keptLabels(_ database: Database) throws -> [InstanceUID: KeptLabels] {
        let sql = "SELECT uid, body, at FROM decisions WHERE uid NOT IN (SELECT uid FROM agents)"
        var kept: [InstanceUID: KeptLabels] = [:]
        for row in try Row.fetchAll(database, sql: sql) {
            guard let uid = InstanceUID(row["uid"] as String) else { continue }
            let labels = try Decisions(json: JSON(parsing: row["body"] as String)).labels
            kept[uid] = KeptLabels(labels: labels, since: Timestamp(nanoseconds: row["at"]))
        }
        return kept
    }

    private static func commands(
        _ database: Database, _ condition: String, _ arguments: StatementArguments
    ) throws -> [OpenCommand] {
        try String.fetchAll(database, sql: "SELECT body FROM commands WHERE \(condition)", arguments: arguments)
            .map { try OpenCommand(json: JSON(parsing: $0)) }
    }

    func command(_ id: String) async throws -> OpenCommand? {
        try await database.read { try Self.commands($0, "id = ?", [id]).first }
    }

    /// Commands, newest first.
    ///
    /// - Parameter after: the last command of the page before.
    func commands(
        of uid: InstanceUID?, state: CommandState?, operation: String? = nil, limit: Int, after: String?
    ) async throws -> (commands: [OpenCommand], matched: Int) {
        var conditions = ["1"]
        var arguments = StatementArguments()
        if let uid {
            conditions.append("uid = ?")
            arguments += [uid.description]
        }
        if let state {
            conditions.append("state = ?")
            arguments += [state.rawValue]
        }
        if let operation {
            conditions.append("operation = ?")
            arguments += [operation]
        }
        let filter = (conditions.joined(separator: " AND "), arguments)
        if let after {
            conditions.append("(queued_at, id) < (SELECT queued_at, id FROM commands WHERE id = ?)")
            arguments += [after]
        }
        let page = (conditions.joined(separator: " AND "), arguments + [limit])
        return try await database.read { database in
            (
                try Self.commands(database, "\(page.0) ORDER BY queued_at DESC, id DESC LIMIT ?", page.1),
                try Int.fetchOne(database, sql: "SELECT count(*) FROM commands WHERE \(filter.0)", arguments: filter.1)
                    ?? 0
            )
        }
    }

    /// Events of an agent, newest first.
    func events(of uid: InstanceUID, limit: Int) async throws -> [FleetEvent] {
        try await database.read { database in
            let sql = "SELECT at, kind, text FROM events WHERE uid = ? ORDER BY number DESC LIMIT ?"
            return try Row.fetchAll(database, sql: sql, arguments: [uid.description, limit]).map { row in
                var event = FleetEvent()
                event.at = Timestamp(nanoseconds: row["at"])
                (event.kind, event.text, event.instanceUID) = (row["kind"], row["text"], uid.description)
                return event
            }
        }
    }

    /// The request and the command that a caller's key stands for since `since`.
    func idempotent(
        caller: String, key: String, since: Timestamp
    ) async throws -> (request: String, command: String)? {
        try await database.read { database in
            let sql = "SELECT request, command FROM idempotency WHERE caller = ? AND key = ? AND at >= ?"
            return try Row.fetchOne(database, sql: sql, arguments: [caller, key, since.nanoseconds]).map {
                ($0["request"], $0["command"])
            }
        }
    }
}

extension [UInt8] {
    /// As SQLite takes bytes.
    var blob: Data { Data(self) }
}
