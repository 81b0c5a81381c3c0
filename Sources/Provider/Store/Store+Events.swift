import FleetAPI
import GRDB
import OpAMP

extension Store {
    /// Events, newest first.
    ///
    /// - Parameter before: only those with a lower number.
    func events(_ selection: EventSelection, limit: Int, before: Int = .max) async throws -> [FleetEvent] {
        try await database.read { database in
            guard let start = try Self.start(database, selection, before: before) else { return [] }
            var (condition, arguments) = start
            let kinds = selection.kinds?.sorted()
            if let uid = selection.uid {
                condition += " AND uid = ?"
                arguments += [uid.description]
                if let kinds {
                    condition += " AND +kind IN (\(kinds.map { _ in "?" }.joined(separator: ", ")))"
                    arguments += StatementArguments(kinds)
                }
                return try Self.events(database, condition, arguments, "number DESC", limit)
            }
            guard let kinds else { return try Self.events(database, condition, arguments, "number DESC", limit) }
            // Each kind by its index, then the newest of all.
            var events: [FleetEvent] = []
            for kind in kinds {
                events += try Self.events(
                    database, condition + " AND kind = ?", arguments + [kind], "number DESC", limit)
            }
            return Array(events.sorted { $0.number > $1.number }.prefix(limit))
        }
    }

    /// How many events there are of each kind; of each agent, too, where `byAgent`, else under an empty uid.
    func eventCounts(
        _ selection: EventSelection, byAgent: Bool
    ) async throws -> [(uid: String, kind: String, number: Int)] {
        try await database.read { database in
            guard var (condition, arguments) = try Self.start(database, selection, before: .max) else { return [] }
            if let uid = selection.uid {
                condition += " AND uid = ?"
                arguments += [uid.description]
            }
            if let kinds = selection.kinds?.sorted() {
                condition += " AND +kind IN (\(kinds.map { _ in "?" }.joined(separator: ", ")))"
                arguments += StatementArguments(kinds)
            }
            let uid = byAgent ? "uid" : "''"
            let sql = "SELECT \(uid) AS uid, kind, count(*) AS n FROM events WHERE \(condition) GROUP BY 1, 2"
            return try Row.fetchAll(database, sql: sql, arguments: arguments).map { ($0["uid"], $0["kind"], $0["n"]) }
        }
    }

    /// The condition for events before a number and since the moment asked for; nil where there can be none.
    private static func start(
        _ database: Database, _ selection: EventSelection, before: Int
    ) throws -> (condition: String, arguments: StatementArguments)? {
        guard let since = selection.since else { return ("number < ?", [before]) }
        // The clock may have been set back: the first one that is new enough, in the order they came.
        let sql = "SELECT min(number) FROM events INDEXED BY events_by_time WHERE at >= ?"
        guard let first = try Int.fetchOne(database, sql: sql, arguments: [since.nanoseconds]) else { return nil }
        return ("number < ? AND number >= ? AND +at >= ?", [before, first, since.nanoseconds])
    }

    /// Events of an agent, newest first.
    func events(of uid: InstanceUID, limit: Int) async throws -> [FleetEvent] {
        try await events(EventSelection(uid: uid), limit: limit)
    }

    /// The events with a higher number, lowest first.
    func events(after number: Int, limit: Int) async throws -> [FleetEvent] {
        try await database.read { try Self.events($0, "number > ?", [number], "number", limit) }
    }

    /// The number of the newest event ever written, though it may have been cleared away.
    func lastEventNumber() throws -> Int {
        try database.read { database in
            try Int.fetchOne(database, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'events'") ?? 0
        }
    }

    private static func events(
        _ database: Database, _ condition: String, _ arguments: StatementArguments, _ order: String, _ limit: Int
    ) throws -> [FleetEvent] {
        let sql = "SELECT number, at, uid, kind, text FROM events WHERE \(condition) ORDER BY \(order) LIMIT \(limit)"
        return try Row.fetchAll(database, sql: sql, arguments: arguments).map { row in
            var event = FleetEvent()
            (event.number, event.at) = (row["number"], Timestamp(nanoseconds: row["at"]))
            (event.kind, event.text, event.instanceUID) = (row["kind"], row["text"], row["uid"])
            return event
        }
    }
}
