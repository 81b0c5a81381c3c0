import Foundation
import GRDB

// The bodies of configurations: kept once for each hash, deflated.
extension Store {
    /// The body with this hash; nil where there is none. Waits for the database: not for event loops.
    func config(_ hash: String) throws -> [UInt8]? {
        try database.read { try Self.configBody(hash, in: $0) }
    }

    /// The body with this hash; nil where there is none.
    func config(_ hash: String) async throws -> [UInt8]? {
        try await database.read { try Self.configBody(hash, in: $0) }
    }

    /// Keeps a body under its hash, unless it is there already.
    static func keepConfig(_ hash: String, _ body: [UInt8], in database: Database) throws {
        let isThere = try database.cachedStatement(sql: "SELECT 1 FROM configs WHERE hash = ?")
        if try Int.fetchOne(isThere, arguments: [hash]) != nil { return }
        try database.cachedStatement(sql: "INSERT INTO configs (hash, body, size) VALUES (?, ?, ?)").execute(
            arguments: [hash, Compression.deflate.compress(body).blob, body.count])
    }

    /// The body with this hash, as it was before it was deflated; nil where there is none.
    ///
    /// - Throws: when what is stored does not become as many bytes as it was.
    static func configBody(_ hash: String, in database: Database) throws -> [UInt8]? {
        let sql = "SELECT body, size FROM configs WHERE hash = ?"
        guard let row = try Row.fetchOne(database, sql: sql, arguments: [hash]) else { return nil }
        let stored = Array(try row.value("body") as Data)
        // Without a size it is as it was before bodies were deflated.
        guard let size = Int.fromDatabaseValue(row["size"]) else { return stored }
        let body = try Compression.deflate.decompress(stored, limit: size)
        guard body.count == size else { throw UnreadableColumn("body") }
        return body
    }
}
