import FleetAPI
import GRDB

extension Store {
    /// What people did, oldest first.
    ///
    /// - Parameters:
    ///   - number: only entries with a higher one.
    ///   - start: only from then on; `end`: only before.
    func audit(
        after number: Int64, from start: Timestamp, before end: Timestamp, limit: Int
    ) async throws -> [(number: Int64, entry: AuditEntry)] {
        try await database.read { database in
            let sql = "SELECT * FROM audit WHERE number > ? AND at >= ? AND at < ? ORDER BY number LIMIT ?"
            return try Row.fetchAll(database, sql: sql, arguments: [number, start.nanoseconds, end.nanoseconds, limit])
                .map { row in
                    (
                        row["number"],
                        AuditEntry(
                            at: Timestamp(nanoseconds: row["at"]), by: row["by"], from: row["from"],
                            action: row["action"], target: row["target"], outcome: row["outcome"],
                            detail: row["detail"]
                        )
                    )
                }
        }
    }
}
