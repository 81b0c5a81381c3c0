import FleetAPI
import Foundation
import GRDB
import OpAMP

// Enrolments and the tokens of agents, as they are stored.
extension Store {
    /// The enrolments, and the ids of the tokens that were revoked; waits for the database: not for event loops.
    func accessOfAgents() throws -> (enrolments: [StoredEnrolment], revokedTokens: [UInt64]) {
        try database.read { (try StoredEnrolment.all(in: $0), try OwnToken.revoked(in: $0)) }
    }
}

extension StoredEnrolment {
    static func all(in database: Database) throws -> [StoredEnrolment] {
        try Row.fetchAll(database, sql: "SELECT * FROM enrolments ORDER BY created_at, id").map { row in
            try row.read("enrolments", "id") {
                StoredEnrolment(
                    id: try row.id("id"), name: try row.text("name"), digest: Array(try row.value("digest") as Data),
                    createdAt: Timestamp(nanoseconds: try row.value("created_at")),
                    createdBy: try row.value("created_by"),
                    expiresAt: Timestamp(nanoseconds: try row.value("expires_at")), uses: try row.value("uses"),
                    used: try row.value("used"), revokedAt: try row.time("revoked_at"),
                    lastUsedAt: try row.time("last_used_at"))
            }
        }
    }

    /// Writes a new one. Of those that have ended the oldest are dropped, past a limit.
    func insert(into database: Database) throws {
        try database.execute(
            sql: """
                INSERT INTO enrolments (id, name, digest, created_at, created_by, expires_at, uses, used)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                id.hexDigits, name, digest.blob, createdAt.nanoseconds, createdBy, expiresAt.nanoseconds, uses, used,
            ])
        try database.execute(
            sql: """
                DELETE FROM enrolments WHERE id IN (
                    SELECT id FROM enrolments WHERE revoked_at IS NOT NULL OR used >= uses OR expires_at <= ?
                    ORDER BY created_at DESC LIMIT -1 OFFSET \(EnrolmentBook.endedLimit))
                """, arguments: [createdAt.nanoseconds])
    }
}

extension OwnToken {
    /// Those that are not revoked.
    static func all(in database: Database) throws -> [OwnToken] {
        let sql = "SELECT * FROM agent_tokens WHERE revoked_at IS NULL ORDER BY issued_at, id"
        return try Row.fetchAll(database, sql: sql).map { row in
            try row.read("agent_tokens", "id") {
                OwnToken(
                    id: try row.id("id"), uid: try row.uid("uid"),
                    issuedAt: Timestamp(nanoseconds: try row.value("issued_at")),
                    enrolment: try row.text("enrolment").flatMap { UInt64(hexDigits: $0) },
                    shownAt: try row.time("shown_at"), forgottenAt: try row.time("forgotten_at"),
                    digests: Array(try row.value("digests") as Data))
            }
        }
    }

    static func revoked(in database: Database) throws -> [UInt64] {
        try String.fetchAll(database, sql: "SELECT id FROM agent_tokens WHERE revoked_at IS NOT NULL")
            .compactMap { UInt64(hexDigits: $0) }
    }

    /// Writes a token, in place of an earlier state of it; one that was revoked stays so.
    func save(in database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO agent_tokens (id, uid, digests, issued_at, enrolment, shown_at, forgotten_at)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET uid = excluded.uid, digests = excluded.digests,
                    shown_at = excluded.shown_at, forgotten_at = excluded.forgotten_at
                """
        ).execute(arguments: [
            id.hexDigits, uid.description, digests.blob, issuedAt.nanoseconds, enrolment?.hexDigits,
            shownAt?.nanoseconds, forgottenAt?.nanoseconds,
        ])
    }

    /// Ends a token. Of those that have ended the oldest are dropped, past a limit.
    static func revoke(_ id: UInt64, at now: Timestamp, in database: Database) throws {
        try database.execute(
            sql: "UPDATE agent_tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
            arguments: [now.nanoseconds, id.hexDigits])
        try database.execute(
            sql: """
                DELETE FROM agent_tokens WHERE id IN (
                    SELECT id FROM agent_tokens WHERE revoked_at IS NOT NULL ORDER BY revoked_at DESC
                    LIMIT -1 OFFSET \(OwnTokenBook.revokedLimit))
                """)
    }
}

extension Row {
    /// nil where there is none.
    func time(_ column: String) throws(UnreadableColumn) -> Timestamp? {
        if (self[column] as DatabaseValue).isNull { return nil }
        return Timestamp(nanoseconds: try value(column))
    }

    fileprivate func text(_ column: String) throws(UnreadableColumn) -> String? {
        if (self[column] as DatabaseValue).isNull { return nil }
        return try value(column) as String
    }

    fileprivate func id(_ column: String) throws(UnreadableColumn) -> UInt64 {
        guard let id = UInt64(hexDigits: try value(column)) else { throw UnreadableColumn(column) }
        return id
    }
}
