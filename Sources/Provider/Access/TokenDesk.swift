package import FleetAPI
import GRDB

/// Tokens in a data directory, for the command line: whether a provider runs on it or not.
///
/// A provider that runs takes a change over within about a second.
package struct TokenDesk {
    private let desk: StoreDesk

    package init(dataDirectory: String) {
        desk = StoreDesk(directory: dataDirectory)
    }

    /// Makes a token; on disk when this returns. The directory is made if it is not there.
    package func create(_ request: TokenRequest) throws -> IssuedToken {
        let now = Moment.now().wall
        let made = try StoredToken.make(request, by: StoreDesk.caller, at: now)
        return try desk.changing { database in
            let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM tokens WHERE revoked_at IS NULL") ?? 0
            guard count < TokenBook.limit else {
                throw StoreError(.change, "there may be \(TokenBook.limit) tokens; revoke some first")
            }
            let taken = "SELECT id FROM tokens WHERE name = ? AND revoked_at IS NULL"
            if let id = try String.fetchOne(database, sql: taken, arguments: [request.name]) {
                throw StoreError(
                    .change,
                    "there is a token of the name \(request.name); choose another name, or revoke that one with: "
                        + "opamp-provider token revoke --data-dir \(shellWord(desk.directory)) \(id)")
            }
            try Change.token(made.stored).write(to: database)
            try audit("create_token", made.stored, at: now, in: database)
            return made.issued
        }
    }

    package func list() throws -> [AccessToken] {
        try desk.needDatabase()
        let now = Moment.now().wall
        return try desk.changing { try StoredToken.all(in: $0) }.reversed().map { $0.shown(at: now) }
    }

    /// Ends a token; one that was revoked before stays so.
    ///
    /// - Returns: the token, and whether another one is in force: without, everybody on this machine gets in.
    package func revoke(_ id: String) throws -> (token: AccessToken, isAnyLeft: Bool) {
        try desk.needDatabase()
        let now = Moment.now().wall
        return try desk.changing { database in
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

    private func audit(_ action: String, _ token: StoredToken, at now: Timestamp, in database: Database) throws {
        let entry = token.entry(action, by: StoreDesk.caller, from: StoreDesk.address, at: now)
        try Change.audit(entry).write(to: database)
    }
}
