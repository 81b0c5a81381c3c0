import FleetAPI
import Foundation
import GRDB
import JSON
import OpAMP

// Operations as they are stored.
extension Store {
    /// Past this many operations that have ended the oldest are dropped.
    static let operationLimit = 1_000

    /// Operations with their targets.
    static func operations(
        _ database: Database, _ condition: String, _ arguments: StatementArguments
    ) throws -> [OpenOperation] {
        let bodies = try String.fetchAll(
            database, sql: "SELECT body FROM operations WHERE \(condition)", arguments: arguments)
        return try bodies.map { body in
            var operation = try OpenOperation(json: JSON(parsing: body))
            let rows = try Row.fetchCursor(
                database,
                sql: "SELECT uid, state, command, reason FROM operation_targets WHERE operation = ? ORDER BY place",
                arguments: [operation.id])
            var targets: [OpenOperation.Target] = []
            while let row = try rows.next() { targets.append(try target(row, of: operation.id)) }
            operation.take(targets)
            return operation
        }
    }

    func operation(_ id: String) async throws -> OpenOperation? {
        try await database.read { try Self.operations($0, "id = ?", [id]).first }
    }

    /// Operations without their targets but with the counts of them, newest first.
    ///
    /// - Parameter after: the last operation of the page before.
    func operations(limit: Int, after: String?) async throws -> (operations: [OpenOperation], matched: Int) {
        try await database.read { database in
            let isAfter = after == nil ? "1" : "(started_at, id) < (SELECT started_at, id FROM operations WHERE id = ?)"
            let bodies = try String.fetchAll(
                database,
                sql: "SELECT body FROM operations WHERE \(isAfter) ORDER BY started_at DESC, id DESC LIMIT ?",
                arguments: after.map { [$0, limit] } ?? [limit])
            let operations = try bodies.map { body in
                var operation = try OpenOperation(json: JSON(parsing: body))
                let sql = "SELECT state, count(*) FROM operation_targets WHERE operation = ? GROUP BY state"
                var counts: [TargetState: Int] = [:]
                for row in try Row.fetchAll(database, sql: sql, arguments: [operation.id]) {
                    counts[try Self.state(row[0])] = row[1]
                }
                operation.take(counts: counts)
                return operation
            }
            return (operations, try Int.fetchOne(database, sql: "SELECT count(*) FROM operations") ?? 0)
        }
    }

    private static func target(_ row: Row, of operation: String) throws -> OpenOperation.Target {
        guard let uid = InstanceUID(bytes: row["uid"] as Data) else {
            throw StoreError(.database, "a target of operation \(operation) has no uid")
        }
        return OpenOperation.Target(
            uid: uid, state: try state(row["state"]),
            commandID: (row["command"] as Data?).flatMap { InstanceUID(bytes: $0) }, reason: row["reason"])
    }

    private static func state(_ text: String) throws -> TargetState {
        guard let state = TargetState(rawValue: text) else {
            throw StoreError(.database, "a target of an operation is \(text)")
        }
        return state
    }
}
