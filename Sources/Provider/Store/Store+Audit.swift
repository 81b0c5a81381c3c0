import FleetAPI
import GRDB

/// Which entries of the audit are meant; nil is any.
struct AuditFilter: Sendable, Equatable {
    /// The uids that an agent has or had: its commands are meant too.
    var agent: [String]?
    var target: String?
    var action: String?
    var caller: String?
    var since: Timestamp?

    /// The condition on a row.
    fileprivate var condition: (sql: String, arguments: StatementArguments) {
        var conditions = ["1"]
        var arguments = StatementArguments()
        if let agent {
            let uids = agent.map { _ in "?" }.joined(separator: ", ")
            conditions.append("(target IN (\(uids)) OR target IN (SELECT id FROM commands WHERE uid IN (\(uids))))")
            arguments += StatementArguments(agent + agent)
        }
        for (column, value) in [("target", target), ("action", action), ("\"by\"", caller)] {
            guard let value else { continue }
            conditions.append("\(column) = ?")
            arguments += [value]
        }
        if let since {
            conditions.append("at >= ?")
            arguments += [since.nanoseconds]
        }
        return (conditions.joined(separator: " AND "), arguments)
    }
}

// What people did, as it is stored.
extension Store {
    /// What people did, newest first.
    ///
    /// - Parameter before: only entries with a lower number.
    func audit(
        _ filter: AuditFilter = AuditFilter(), limit: Int, before: Int64 = .max
    ) async throws -> [(number: Int64, entry: AuditEntry)] {
        let (condition, arguments) = filter.condition
        return try await database.read { database in
            let sql = "SELECT * FROM audit WHERE number < ? AND \(condition) ORDER BY number DESC LIMIT ?"
            return try Row.fetchAll(database, sql: sql, arguments: [before] + arguments + [limit]).map { row in
                (
                    row["number"],
                    AuditEntry(
                        at: Timestamp(nanoseconds: row["at"]), by: row["by"], from: row["from"],
                        action: row["action"], target: row["target"], outcome: row["outcome"], detail: row["detail"]
                    )
                )
            }
        }
    }

    /// How many entries there are.
    func auditCount(_ filter: AuditFilter) async throws -> Int {
        let (condition, arguments) = filter.condition
        return try await database.read { database in
            let sql = "SELECT count(*) FROM audit WHERE \(condition)"
            return try Int.fetchOne(database, sql: sql, arguments: arguments) ?? 0
        }
    }
}
