import Dispatch
import FleetAPI
import Foundation
import GRDB
import JSON
import Logging
import OpAMP
import Synchronization

/// What survives the process: agents, commands, configurations and events, in one SQLite file or in memory.
///
/// All writes go through one queue, in the order they were given, as many as are waiting in one transaction. A durable
/// one reaches the disk before its completion is called; the others are collected for a fraction of a second.
final class Store: Sendable {
    typealias Completion = WriteQueue.Completion

    /// `sqlite` or `memory`.
    let kind: String
    let database: any DatabaseWriter
    let queue = DispatchQueue(label: "store")
    private let waiting = Mutex(WriteQueue())
    /// Both are used on the queue alone.
    private let backlog = Mutex(Backlog())
    private let sweeping = Mutex(Sweep())
    private let writes = Mutex((durations: Histogram(), errors: 0))
    /// Every event, once it is written.
    let feed = EventFeed()
    /// The events of the transaction that is under way, with their numbers; used on the queue alone.
    private let written = Mutex<[FleetEvent]>([])
    private let directory: StoreDirectory?
    private let logger: Logger
    /// When it was opened.
    private let started: Moment

    /// - Parameters:
    ///   - directory: made with access for its owner only if it is not there; nil keeps everything in memory.
    ///   - now: from when on the time of idempotency keys is counted.
    /// - Throws: when the directory or the database in it cannot be used, or another provider has it.
    init(
        directory path: String?, logger: Logger = Logger(label: "store"), at now: Moment = .now()
    ) throws(StoreError) {
        (self.logger, started) = (logger, now)
        if let path {
            let directory = try StoreDirectory(path)
            if !directory.closedToOthers.isEmpty {
                logger.warning(
                    "closed to others than the owner",
                    metadata: ["closed": "\(directory.closedToOthers.joined(separator: ", "))"])
            }
            do { database = try Self.openDatabase(in: directory) } catch {
                throw directory.explained(StoreError(error, "cannot be opened"))
            }
            (self.directory, kind) = (directory, "sqlite")
        } else {
            (directory, kind) = (nil, "memory")
            do {
                database = try DatabaseQueue(configuration: Self.configuration)
                try Schema.migrator.migrate(database)
            } catch { throw StoreError(error, "cannot make a database in memory") }
        }
        do { try feed.begin(after: lastEventNumber()) } catch { throw StoreError(error, "the events cannot be read") }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "fleet"
        // Somebody may look at the file with other programs.
        configuration.busyMode = .timeout(2)
        return configuration
    }

    private static func openDatabase(in directory: StoreDirectory) throws -> any DatabaseWriter {
        if try !directory.hasDatabase() { try makeDatabase(in: directory) }
        let database = try DatabasePool(path: directory.databasePath, configuration: configuration)
        try database.read { database in
            if !directory.wasStoppedCleanly { try DatabaseCheck.soundness(database, isThorough: false) }
            try DatabaseCheck.schema(database)
        }
        do { try Schema.migrator.migrate(database) } catch {
            let error = StoreError(error, "it cannot be brought to this version")
            throw error.isOfOneChange ? StoreError(.damaged, error.description) : error
        }
        return database
    }

    /// Makes an empty database under another name first: one that is there is whole, whenever the process ends.
    private static func makeDatabase(in directory: StoreDirectory) throws {
        let path = directory.databasePath + ".new"
        for file in [path, path + "-journal"] { DurableFile.remove(file) }
        // Never readable for others, not even for a moment; SQLite's files beside it follow it.
        try DurableFile.make(path)
        let database = try DatabaseQueue(path: path, configuration: configuration)
        try Schema.migrator.migrate(database)
        try database.close()
        try DurableFile.sync(path)
        try DurableFile.move(path, to: directory.databasePath)
    }

    /// Queues changes; they are written in the order of these calls.
    ///
    /// - Parameter completion: makes the changes durable; called on the store's queue once they are on disk, or with the
    ///   reason why they are not and never will be. Without it they are tried again until they can be written, as far
    ///   as there is room to keep them.
    func write(_ changes: [Change], completion: Completion? = nil) {
        guard let completion else {
            if !changes.isEmpty { writeLater { $0.add(WriteQueue.Group(changes: changes)) } }
            return
        }
        write(changes, keeping: { _ in false }, completion: completion)
    }

    /// Queues durable changes, of which some are tried again though the completion was told that they are not on disk.
    ///
    /// - Parameter keeps: which ones; the others are not and never will be written then.
    func write(
        _ changes: [Change], keeping keeps: @escaping @Sendable (Change) -> Bool, completion: @escaping Completion
    ) {
        writeLater { $0.add(WriteQueue.Group(changes: changes, completion: completion, keeps: keeps)) }
    }

    /// The time that idempotency keys have and are asked for with: that of the wall clock at the start and what has passed
    /// since, so that while the provider runs no jump of the wall clock ends or keeps a key.
    func keyTime(at now: Moment) -> Timestamp {
        started.wall + .nanoseconds(now.monotonic - started.monotonic)
    }

    /// Returns once everything given so far is on disk, or could not be written.
    func settled() async {
        await withCheckedContinuation { continuation in write([]) { _ in continuation.resume() } }
    }

    /// Why nothing can be written at present; nil while all is well.
    var trouble: StoreError? { waiting.withLock { $0.trouble } }

    /// How much there is to write, and how writing went since the start.
    struct Load: Sendable {
        var queued = 0
        /// What could not be written and is tried again, and what was given up.
        var kept = 0
        var dropped = 0
        var errors = 0
        var writes = Histogram()
    }

    /// At present.
    var writeLoad: Load {
        let (kept, dropped) = backlog.withLock { ($0.changes.count, $0.dropped) }
        let (writes, errors) = writes.withLock { ($0.durations, $0.errors) }
        return Load(
            queued: waiting.withLock { $0.count }, kept: kept, dropped: dropped, errors: errors, writes: writes)
    }

    /// Writes what is waiting and closes the database.
    ///
    /// - Throws: also when something could not be written and is lost by that.
    func close() throws(StoreError) {
        flushNow()
        let lost = backlog.withLock { $0.changes.count }
        do {
            // All of it in the one file: nothing in the log that a later start would have to go through.
            if directory != nil { try database.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) } }
            try database.close()
        } catch { throw StoreError(error, "cannot close the database") }
        directory?.markCleanStop()
        directory?.release()
        if lost > 0 {
            let reason = trouble.map { "\($0)" } ?? "unknown reason"
            throw StoreError(.unwritable, "\(lost) changes could not be written and are lost: \(reason)")
        }
    }

    /// Writes what is waiting at once; returns when that was tried.
    func flushNow() { queue.sync { flush() } }

    /// Takes one small step of clearing away history that need not be kept, between two writes.
    ///
    /// Meant to be called once a second. What becomes free is used again: the file stops growing, but never shrinks.
    func sweep(_ retention: Retention, at now: Moment) {
        queue.async { self.takeSweepStep(retention, at: now) }
    }

    /// Bounds the size of the database, as a full disk would; for tests.
    ///
    /// - Parameter pages: nil for no bound; never less than there are.
    func limitPages(to pages: Int?) throws {
        try database.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA max_page_count = \(pages ?? 1_073_741_823)")
        }
    }

    // MARK: - Writing

    private func writeLater(_ delay: (inout WriteQueue) -> DispatchTimeInterval?) {
        guard let delay = waiting.withLock({ delay(&$0) }) else { return }
        queue.asyncAfter(deadline: .now() + delay) { self.flush() }
    }

    /// Writes what waits in one transaction; if a change in it is to blame, each by itself.
    private func flush() {
        let (isDurable, groups) = waiting.withLock { ($0.isDurable, $0.takeAll()) }
        let kept = backlog.withLock { $0.takeAll() }
        let batch = (kept.isEmpty ? [] : [WriteQueue.Group(changes: kept)]) + groups
        guard !batch.isEmpty else { return }
        let synchronous = isDurable ? "FULL" : "NORMAL"
        var results: [Result<Void, StoreError>]
        let start = ContinuousClock.now
        do {
            do {
                try write(batch, synchronous: synchronous)
                results = batch.map { _ in .success(()) }
            } catch {
                let error = StoreError(error, "cannot write")
                guard error.isOfOneChange else { throw error }
                results = try writeApart(batch, synchronous: synchronous)
            }
            ended(with: nil)
            writes.withLock { $0.durations.add(start.duration(to: .now)) }
            feed.publish(written.withLock { $0 })
        } catch {
            let error = StoreError(error, "cannot write")
            writes.withLock { $0.errors += 1 }
            results = batch.map { _ in .failure(error) }
            backlog.withLock { $0.keep(batch.flatMap { group in group.changes.filter(group.keeps) }) }
            ended(with: error)
        }
        let told = Array(zip(batch, results))
        for (group, result) in told where result.isSuccess { group.completion?(result) }
        // What was decided last is undone first.
        for (group, result) in told.reversed() where !result.isSuccess { group.completion?(result) }
        if !backlog.withLock({ $0.isEmpty }) { writeLater { $0.schedule() } }
    }

    /// Notes how a write ended; logged when that changes.
    private func ended(with error: StoreError?) {
        let before = waiting.withLock { waiting in
            defer { waiting.trouble = error }
            return waiting.trouble
        }
        switch (before?.kind, error) {
        case (nil, let error?):
            let message: Logger.Message = error.kind == .full ? "database full" : "database cannot be written"
            logger.error(message, metadata: ["reason": "\(error)"])
        case (_?, nil):
            let dropped = backlog.withLock { $0.dropped }
            logger.notice("writing again", metadata: ["dropped": "\(dropped)"])
        default: break
        }
    }

    private func write(_ batch: [WriteQueue.Group], synchronous: String) throws {
        try transaction(synchronous: synchronous) { database in
            written.withLock { $0 = [] }
            for group in batch { try write(group.changes, to: database) }
        }
    }

    private func write(_ changes: [Change], to database: Database) throws {
        for change in changes {
            try change.write(to: database)
            guard case .event(var event) = change else { continue }
            event.number = Int(database.lastInsertedRowID)
            written.withLock { $0.append(event) }
        }
    }

    /// Writes each group by itself, and of a group that fails or that nobody waits for each change.
    private func writeApart(
        _ batch: [WriteQueue.Group], synchronous: String
    ) throws -> [Result<Void, StoreError>] {
        var results: [Result<Void, StoreError>] = []
        try transaction(synchronous: synchronous) { database in
            results = []
            written.withLock { $0 = [] }
            for group in batch {
                var refusal: StoreError?
                if group.completion != nil {
                    refusal = try attempt(group.changes, in: database)
                    if refusal == nil {
                        results.append(.success(()))
                        continue
                    }
                }
                for change in group.changes where group.keeps(change) {
                    if let error = try attempt([change], in: database) { refusal = refusal ?? error }
                }
                if let refusal {
                    writes.withLock { $0.errors += 1 }
                    logger.error("a change cannot be written", metadata: ["reason": "\(refusal)"])
                }
                results.append(refusal.map { .failure($0) } ?? .success(()))
            }
        }
        return results
    }

    /// - Returns: why these changes, and only they, cannot be written; then none of them is.
    private func attempt(_ changes: [Change], in database: Database) throws -> StoreError? {
        let before = written.withLock { $0.count }
        do {
            try database.inSavepoint {
                try write(changes, to: database)
                return .commit
            }
            return nil
        } catch {
            written.withLock { $0.removeSubrange(before...) }
            let refusal = StoreError(error, "cannot write")
            guard refusal.isOfOneChange else { throw error }
            return refusal
        }
    }

    private func takeSweepStep(_ retention: Retention, at now: Moment) {
        sweeping.withLock { sweep in
            guard let step = sweep.step(at: now) else { return }
            do {
                var result = Sweep.Result()
                try transaction(synchronous: "NORMAL") { database in
                    result = try sweep.take(step, retention, at: now.wall, keyTime: keyTime(at: now), in: database)
                }
                sweep.did(result, at: now)
            } catch {
                logger.debug("history not cleared away", metadata: ["step": "\(step)", "reason": "\(error)"])
                sweep.failed(at: now)
            }
        }
    }

    private func transaction(synchronous: String, _ body: (Database) throws -> Void) throws {
        try database.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = \(synchronous)")
            try database.inTransaction(.immediate) {
                try body(database)
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
        var keptLabels: [InstanceUID: (labels: [String: String], since: Timestamp)] = [:]
        var settings = ProviderSettings()
        /// Queued and sent ones, and those still waiting for late proof, oldest first.
        var commands: [OpenCommand] = []
        /// Those that run.
        var operations: [OpenOperation] = []
        var enrolments: [StoredEnrolment] = []
        var ownTokens: [OwnToken] = []
        /// Ids.
        var revokedTokens: [UInt64] = []
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
                while let row = try agents.next() {
                    fleet.agents.append(try row.read("agents", "uid") { try Self.agent(row, &interned) })
                }
                fleet.keptLabels = try Self.keptLabels(database)
                if let body = try String.fetchOne(database, sql: "SELECT body FROM settings WHERE name = 'provider'") {
                    fleet.settings = try ProviderSettings(json: JSON(parsing: body))
                }
                for row in try Row.fetchAll(database, sql: "SELECT old, new FROM aliases") {
                    let (old, new) = try row.read("aliases", "old") { (try row.uid("old"), try row.uid("new")) }
                    fleet.aliases[old] = new
                }
                let commands = try Row.fetchCursor(
                    database,
                    sql: """
                        SELECT id, body FROM commands
                        WHERE state IN ('queued', 'sent') OR state = 'unconfirmed' AND queued_at >= ?
                        ORDER BY queued_at, id
                        """,
                    arguments: [since.nanoseconds]
                )
                while let row = try commands.next() {
                    fleet.commands.append(
                        try row.read("commands", "id") { try OpenCommand(json: JSON(parsing: row.value("body"))) })
                }
                fleet.operations = try Self.operations(database, "state = 'running'", [])
                fleet.enrolments = try StoredEnrolment.all(in: database)
                fleet.ownTokens = try OwnToken.all(in: database)
                fleet.revokedTokens = try OwnToken.revoked(in: database)
                return fleet
            }
        } catch {
            let error = StoreError(error, "the fleet cannot be read")
            throw directory?.explained(error) ?? error
        }
    }

    private static func agent(_ row: Row, _ interned: inout InternedTexts) throws -> StoredAgent {
        guard let sequence = UInt64(try row.value("sequence") as String) else { throw UnreadableColumn("sequence") }
        var facts = try AgentFacts(json: JSON(parsing: row.value("facts")))
        facts.health = Array(try row.value("health") as Data)
        facts.components = Array(try row.value("components") as Data)
        facts.findNames(&interned)
        let decisions: String? = row["decisions"] == DatabaseValue.null ? nil : try row.value("decisions")
        return StoredAgent(
            record: AgentRecord(
                uid: try row.uid("uid"), firstSeen: Timestamp(nanoseconds: try row.value("first_seen")), facts: facts,
                decisions: try decisions.map { try Decisions(json: JSON(parsing: $0)) } ?? .none
            ),
            lastSeen: Timestamp(nanoseconds: try row.value("last_seen")), sequence: sequence,
            transport: AgentTransport(rawValue: try row.value("transport")) ?? .http
        )
    }

    private static func keptLabels(
        _ database: Database
    ) throws -> [InstanceUID: (labels: [String: String], since: Timestamp)] {
        let sql = "SELECT uid, body, at FROM decisions WHERE uid NOT IN (SELECT uid FROM agents)"
        var kept: [InstanceUID: (labels: [String: String], since: Timestamp)] = [:]
        for row in try Row.fetchAll(database, sql: sql) {
            guard let uid = InstanceUID(row["uid"] as String) else { continue }
            let labels = try Decisions(json: JSON(parsing: row["body"] as String)).labels
            kept[uid] = (labels, Timestamp(nanoseconds: row["at"]))
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

    /// The request and the command that a caller's key stands for.
    ///
    /// - Parameter since: as `keyTime(at:)` has it; a key that is older stands for nothing.
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

extension Result {
    fileprivate var isSuccess: Bool { if case .success = self { true } else { false } }
}

extension [UInt8] {
    /// As SQLite takes bytes.
    var blob: Data { Data(self) }
}
