import FleetAPI
import Foundation
import GRDB

// Tokens of people, as they are stored.
extension Store {
    /// The tokens; waits for the database: not for event loops.
    func tokens() throws -> [StoredToken] { try database.read { try StoredToken.all(in: $0) } }

    /// What differs after another process has written to the database.
    ///
    /// Must be called on the store's queue.
    func foreignVersion() throws -> Int {
        try database.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA data_version") ?? 0 }
    }

    /// Writes changes; returns once they are on disk.
    ///
    /// - Throws: when they are not and never will be.
    func commit(_ changes: [Change]) async throws(StoreError) {
        let result = await withCheckedContinuation { continuation in
            write(changes) { continuation.resume(returning: $0) }
        }
        try result.get()
    }
}

extension StoredToken {
    static func all(in database: Database) throws -> [StoredToken] {
        try Row.fetchAll(database, sql: "SELECT * FROM tokens ORDER BY created_at, id").map { row in
            try row.read("tokens", "id") {
                guard let role = Role(rawValue: try row.value("role")) else { throw UnreadableColumn("role") }
                return StoredToken(
                    id: try row.value("id"), name: try row.value("name"), role: role,
                    digest: Array(try row.value("digest") as Data),
                    createdAt: Timestamp(nanoseconds: try row.value("created_at")),
                    createdBy: try row.value("created_by"), expiresAt: try row.time("expires_at"),
                    revokedAt: try row.time("revoked_at"), lastUsedAt: try row.time("last_used_at"))
            }
        }
    }

    /// - Throws: for a name that another token has which is not revoked.
    func insert(into database: Database) throws {
        try database.execute(
            sql: """
                INSERT INTO tokens (id, name, role, digest, created_at, created_by, expires_at)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                id, name, role.rawValue, digest.blob, createdAt.nanoseconds, createdBy, expiresAt?.nanoseconds,
            ])
        try database.execute(
            sql: """
                DELETE FROM tokens WHERE id IN (
                    SELECT id FROM tokens WHERE revoked_at IS NOT NULL ORDER BY revoked_at DESC
                    LIMIT -1 OFFSET \(TokenBook.revokedLimit))
                """)
    }
}
