import FleetAPI
import GRDB

// What each step of clearing away does to the tables.
extension Sweep {
    /// The condition on a row of these tables that makes it need the body of a row of `configs`. The plus keeps that
    /// column's affinity from hiding the index of an expression.
    private static let references = [
        (table: "agents", condition: "\(configOfAgent) = +configs.hash"),
        (table: "revisions", condition: "hash = configs.hash"),
    ]

    /// The hash of the configuration that an agent runs on, as an index of `agents` holds it.
    static let configOfAgent = "CASE WHEN json_valid(facts) THEN json_extract(facts, '$.config_hash') END"

    /// What operations under way are going to offer; asked once for all rows.
    private static let offeredByOperations = """
        hash IN (
            SELECT json_extract(value, '$.hash')
            FROM operations, json_each(CASE WHEN json_valid(body) THEN body ELSE '{}' END, '$.offers.contents')
            WHERE state = 'running'
        )
        """

    private static let ended = CommandState.allCases.filter(\.isFinal).map { "'\($0.rawValue)'" }
        .joined(separator: ", ")

    /// Takes a step inside a transaction.
    ///
    /// - Parameter keyTime: now, as idempotency keys count it.
    mutating func take(
        _ step: Step, _ retention: Retention, at now: Timestamp, keyTime: Timestamp, in database: Database
    ) throws -> Result {
        switch step {
        case .surplusEvents: return try surplus("events", retention.eventLimit, in: database)
        case .surplusAudit: return try surplus("audit", retention.auditLimit, in: database)
        case .surplusCommands:
            let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM commands") ?? 0
            guard count > retention.commandLimit else { return Result() }
            return try delete(
                "commands", "state IN (\(Self.ended)) ORDER BY queued_at, id DESC", [],
                atMost: min(Self.rows, count - retention.commandLimit), in: database)
        case .oldEvents: return try old("events", now - .days(retention.eventsDays), in: database)
        case .oldAudit: return try old("audit", now - .days(retention.auditDays), in: database)
        case .oldCommands:
            let since = now - .days(retention.commandsDays)
            return try delete(
                "commands", "state IN (\(Self.ended)) AND queued_at < ?", [since.nanoseconds], in: database)
        case .oldKeys:
            // Those from the future, because the clock was set back before this start, count from now on.
            try database.execute(
                sql: "UPDATE idempotency SET at = ? WHERE at > ?",
                arguments: [keyTime.nanoseconds, keyTime.nanoseconds])
            return try delete("idempotency", "at < ?", [(keyTime - Retention.keyTime).nanoseconds], in: database)
        case .configs: return try unreferencedConfigs(in: database)
        }
    }

    /// The lowest numbers of a table whose rows are numbered in the order they came.
    private func surplus(_ table: String, _ limit: Int, in database: Database) throws -> Result {
        let last = try Int.fetchOne(database, sql: "SELECT max(number) FROM \(table)") ?? 0
        return try delete(table, "number <= ? ORDER BY number", [last - limit], in: database)
    }

    /// The oldest rows of such a table, as far as they are too old: of the first ones only, as later ones are younger.
    private func old(_ table: String, _ since: Timestamp, in database: Database) throws -> Result {
        try database.execute(
            sql: """
                DELETE FROM \(table)
                WHERE number IN (SELECT number FROM \(table) ORDER BY number LIMIT \(Self.rows)) AND at < ?
                """, arguments: [since.nanoseconds])
        return Result(deleted: database.changesCount, hasMore: database.changesCount == Self.rows)
    }

    private func delete(
        _ table: String, _ condition: String, _ arguments: StatementArguments, atMost limit: Int = rows,
        in database: Database
    ) throws -> Result {
        try database.execute(
            sql: "DELETE FROM \(table) WHERE rowid IN (SELECT rowid FROM \(table) WHERE \(condition) LIMIT \(limit))",
            arguments: arguments)
        return Result(deleted: database.changesCount, hasMore: database.changesCount == Self.rows)
    }

    private mutating func unreferencedConfigs(in database: Database) throws -> Result {
        let last = try Int64.fetchOne(
            database,
            sql: "SELECT max(rowid) FROM (SELECT rowid FROM configs WHERE rowid > ? ORDER BY rowid LIMIT \(Self.rows))",
            arguments: [configsDone])
        guard let last else {
            configsDone = 0
            return Result()
        }
        var needs = try Self.references.filter { try database.tableExists($0.table) }.map {
            "EXISTS (SELECT 1 FROM \($0.table) WHERE \($0.condition))"
        }
        if try database.tableExists("operations") { needs.append(Self.offeredByOperations) }
        let isNeeded = needs.joined(separator: " OR ")
        try database.execute(
            sql: "DELETE FROM configs WHERE rowid > ? AND rowid <= ? AND NOT (\(isNeeded))",
            arguments: [configsDone, last])
        configsDone = last
        return Result(deleted: database.changesCount, hasMore: true)
    }
}

extension Duration {
    fileprivate static func days(_ count: Int) -> Duration { .seconds(count * 86_400) }
}
