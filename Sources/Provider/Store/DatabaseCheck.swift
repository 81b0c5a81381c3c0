import GRDB

/// Whether a database is one of ours and sound.
enum DatabaseCheck {
    /// - Parameter isThorough: also whether every index agrees with its table; reads everything twice.
    /// - Throws: `.damaged` with the first finding.
    static func soundness(_ database: Database, isThorough: Bool) throws {
        let check = isThorough ? "integrity_check" : "quick_check"
        let finding = try String.fetchOne(database, sql: "PRAGMA \(check)(1)")
        if finding != "ok" { throw StoreError(.damaged, finding ?? "it cannot be checked") }
    }

    /// - Throws: `.newer` for steps of the schema that are not known here, `.damaged` for another program's database.
    static func schema(_ database: Database) throws {
        let applied = try Schema.migrator.appliedIdentifiers(database)
        let known = Schema.migrator.migrations
        if let unknown = applied.subtracting(known).min() {
            throw StoreError(
                .newer, "was written by a newer version (it has \"\(unknown)\"); start that version or a newer one")
        }
        if !applied.contains(known[0]) { throw StoreError(.damaged, "it is not a database of opamp-provider") }
    }
}
