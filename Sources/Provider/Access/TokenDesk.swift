package import FleetAPI
import GRDB
import Glibc

/// Tokens in a data directory, for the command line: whether a provider runs on it or not.
///
/// A provider that runs takes a change over within about a second.
package struct TokenDesk {
    private let directory: String

    package init(dataDirectory: String) {
        directory = dataDirectory
    }

    /// Makes a token; on disk when this returns. The directory is made if it is not there.
    package func create(_ request: TokenRequest) throws -> IssuedToken {
        let now = Moment.now().wall
        let made = try StoredToken.make(request, by: Self.caller, at: now)
        return try changing { database in
            let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM tokens WHERE revoked_at IS NULL") ?? 0
            guard count < TokenBook.limit else {
                throw StoreError(.change, "there may be \(TokenBook.limit) tokens; revoke some first")
            }
            let taken = "SELECT id FROM tokens WHERE name = ? AND revoked_at IS NULL"
            if let id = try String.fetchOne(database, sql: taken, arguments: [request.name]) {
                throw StoreError(
                    .change,
                    "there is a token of the name \(request.name); choose another name, or revoke that one with: "
                        + "opamp-provider token revoke --data-dir \(shellWord(directory)) \(id)")
            }
            try Change.token(made.stored).write(to: database)
            try audit("create_token", made.stored, at: now, in: database)
            return made.issued
        }
    }

    package func list() throws -> [AccessToken] {
        try needDatabase()
        let now = Moment.now().wall
        return try changing { try StoredToken.all(in: $0) }.reversed().map { $0.shown(at: now) }
    }

    /// Ends a token; one that was revoked before stays so.
    ///
    /// - Returns: the token, and whether another one is in force: without, everybody on this machine gets in.
    package func revoke(_ id: String) throws -> (token: AccessToken, isAnyLeft: Bool) {
        try needDatabase()
        let now = Moment.now().wall
        return try changing { database in
            let tokens = try StoredToken.all(in: database)
            guard var token = tokens.first(where: { $0.id == id }) else {
                throw StoreError(.change, "there is no token with the id \(shellWord(id)); \"token list\" shows them")
            }
            if token.revokedAt == nil {
                try Change.tokenRevoked(id: id, at: now).write(to: database)
                try audit("revoke_token", token, at: now, in: database)
                token.revokedAt = now
            }
            return (token.shown(at: now), tokens.contains { $0.id != id && $0.revokedAt == nil })
        }
    }

    private static let caller = "command line"

    private func audit(_ action: String, _ token: StoredToken, at now: Timestamp, in database: Database) throws {
        let entry = token.entry(action, by: Self.caller, from: "user \(getuid())", at: now)
        try Change.audit(entry).write(to: database)
    }

    private func needDatabase() throws(StoreError) {
        guard DurableFile.size(of: StoreDirectory.databasePath(in: directory)) ?? 0 > 0 else {
            throw StoreError(.directory, "there is no database in \(directory)")
        }
    }

    /// Writes to the database, beside a provider if one runs.
    private func changing<Result>(_ body: (Database) throws -> Result) throws -> Result {
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
