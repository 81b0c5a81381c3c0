import Foundation
import GRDB

// The bodies of configurations, kept once for each hash.
extension Store {
    /// The content with this hash; nil where there is none. Waits for the database: not for event loops.
    func config(_ hash: String) throws -> [UInt8]? {
        try database.read { try Self.config($0, hash) }
    }

    /// The content with this hash; nil where there is none.
    func config(_ hash: String) async throws -> [UInt8]? {
        try await database.read { try Self.config($0, hash) }
    }

    private static func config(_ database: Database, _ hash: String) throws -> [UInt8]? {
        try Data.fetchOne(database, sql: "SELECT body FROM configs WHERE hash = ?", arguments: [hash]).map { Array($0) }
    }
}
