import FleetAPI
import GRDB
import Glibc

/// The database in a data directory, for the command line: whether a provider runs on it or not.
struct StoreDesk {
    /// Who the audit says it was.
    static let caller = "command line"
    static var address: String { "user \(getuid())" }

    let directory: String

    func needDatabase() throws(StoreError) {
        guard DurableFile.size(of: StoreDirectory.databasePath(in: directory)) ?? 0 > 0 else {
            throw StoreError(.directory, "there is no database in \(directory)")
        }
    }

    /// Writes to the database, beside a provider if one runs.
    func changing<Result>(_ body: (Database) throws -> Result) throws -> Result {
        do {
            guard let store = try own() else { return try beside(body) }
            let result = Swift.Result { try Self.transaction(in: store.database, body) }
            try store.close()
            return try result.get()
        } catch let error as DatabaseError {
            throw StoreError(error, "the database in \(directory) cannot be changed")
        }
    }

    /// The store of the directory; nil while a provider uses it.
    private func own() throws(StoreError) -> Store? {
        do throws(StoreError) {
            return try Store(directory: directory)
        } catch {
            if error.kind == .inUse { return nil }
            throw error
        }
    }

    /// Uses a second connection; SQLite keeps the two apart.
    private func beside<Result>(_ body: (Database) throws -> Result) throws -> Result {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        let database = try DatabaseQueue(
            path: StoreDirectory.databasePath(in: directory), configuration: configuration)
        let isOfThisVersion = try database.read { try Schema.migrator.hasCompletedMigrations($0) }
        guard isOfThisVersion else {
            throw StoreError(
                .newer, "the provider that uses \(directory) is of another version; use the program of that version")
        }
        let result = try Self.transaction(in: database, body)
        try database.close()
        return result
    }

    private static func transaction<Result>(
        in database: any DatabaseWriter, _ body: (Database) throws -> Result
    ) throws -> Result {
        try database.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
            var result: Result?
            try database.inTransaction(.immediate) {
                result = try body(database)
                return .commit
            }
            guard let result else { throw StoreError(.database, "nothing was done") }
            return result
        }
    }
}
