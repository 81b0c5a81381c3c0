import Dispatch
import FleetAPI
import GRDB
import JSON
import OpAMP

// What was offered to agents, revision by revision.
extension Store {
    /// How many revisions of one agent and kind are kept.
    static let revisionLimit = 100

    /// Runs something on the store's queue, after what waits there.
    func soon(_ work: @escaping @Sendable () -> Void) { queue.async(execute: work) }

    /// Returns once what waited to be written has been.
    func settle() async {
        await withCheckedContinuation { continuation in write([]) { _ in continuation.resume() } }
    }

    /// The revisions of an agent, newest first.
    ///
    /// - Parameter before: only those with a lower number.
    func revisions(
        of uid: InstanceUID, _ kind: OfferKind, before: Int?, limit: Int
    ) async throws -> (revisions: [ConfigRevision], matched: Int) {
        try await database.read { database in
            let agent: StatementArguments = [uid.description, kind.rawValue]
            return (
                try Self.revisions(
                    database, "number < ? ORDER BY number DESC LIMIT ?", agent + [before ?? Int.max, limit]
                ),
                try Int.fetchOne(
                    database, sql: "SELECT count(*) FROM revisions WHERE uid = ? AND kind = ?", arguments: agent
                ) ?? 0
            )
        }
    }

    /// One revision of an agent; nil where it never was, or is no longer kept.
    func revision(_ number: Int, of uid: InstanceUID, _ kind: OfferKind) async throws -> ConfigRevision? {
        try await database.read {
            try Self.revisions($0, "number = ?", [uid.description, kind.rawValue, number]).first
        }
    }

    /// The newest revision of an agent before this one that was applied and has another content.
    func lastApplied(before number: Int, otherThan hash: String, of uid: InstanceUID) async throws -> ConfigRevision? {
        let condition = "number < ? AND state = 'applied' AND hash != ? ORDER BY number DESC LIMIT 1"
        return try await database.read {
            try Self.revisions($0, condition, [uid.description, OfferKind.config.rawValue, number, hash]).first
        }
    }

    private static func revisions(
        _ database: Database, _ condition: String, _ arguments: StatementArguments
    ) throws -> [ConfigRevision] {
        let sql = "SELECT body, state, error FROM revisions WHERE uid = ? AND kind = ? AND \(condition)"
        return try Row.fetchAll(database, sql: sql, arguments: arguments).map { row in
            var revision = try ConfigRevision(json: JSON(parsing: row["body"] as String))
            revision.state = OfferState(rawValue: row["state"]) ?? revision.state
            revision.error = row["error"]
            return revision
        }
    }
}
