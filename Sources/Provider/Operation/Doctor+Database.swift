import FleetAPI
import GRDB
import JSON

// The database: whether it is sound, of which version, and how much is in it.
extension Doctor {
    /// What the database says of itself.
    struct StoredFacts: Sendable {
        var agents = 0
        var settings = ProviderSettings()
        /// Rows, and how old the oldest one is.
        var events: (count: Int, oldest: Timestamp?) = (0, nil)
        var audit: (count: Int, oldest: Timestamp?) = (0, nil)
        /// When the last thing happened that was stored.
        var newest: Timestamp?
    }

    func examineDatabase() -> ([Finding], StoredFacts?) {
        let path = StoreDirectory.databasePath(in: directory)
        guard let size = DurableFile.size(of: path) else {
            return ([Finding("database", .warn, "there is none at \(path)", "a provider makes it when it starts")], nil)
        }
        let restore =
            "stop the provider and restore a backup: opamp-provider restore --data-dir "
            + "\(shellWord(directory)) --from FILE"
        guard size > 0 else { return ([Finding("database", .fail, "\(path) is empty", restore)], nil) }
        do {
            let database = try StoreBackup.open(path, isReadOnly: true)
            defer { try? database.close() }
            return try database.read { database in
                try DatabaseCheck.soundness(database, isThorough: false)
                try DatabaseCheck.schema(database)
                let text = "\(path) is sound, \(size >> 20) MiB"
                let missing = Set(Schema.migrator.migrations)
                    .subtracting(try Schema.migrator.appliedIdentifiers(database))
                guard missing.isEmpty else {
                    return (
                        [
                            Finding(
                                "database", .warn, text + ", of an earlier version",
                                "the provider brings it to this version when it starts; make a backup before that")
                        ], nil
                    )
                }
                let facts = try Self.facts(database)
                return ([Finding("database", .ok, text + ", \(facts.agents) agents")], facts)
            }
        } catch {
            let error = StoreError(error, "cannot be read")
            let advice: String? =
                switch error.kind {
                case .damaged: restore
                case .newer: "start that version of the provider or a newer one"
                default: "give the user who runs this access to the data directory, or try again"
                }
            return ([Finding("database", .fail, "\(path): \(error)", advice)], nil)
        }
    }

    private static func facts(_ database: Database) throws -> StoredFacts {
        var facts = StoredFacts()
        facts.agents = try Int.fetchOne(database, sql: "SELECT count(*) FROM agents") ?? 0
        if let body = try String.fetchOne(database, sql: "SELECT body FROM settings WHERE name = 'provider'") {
            facts.settings = try ProviderSettings(json: JSON(parsing: body))
        }
        func history(_ table: String) throws -> (Int, Timestamp?) {
            let oldest = try Int64.fetchOne(database, sql: "SELECT at FROM \(table) ORDER BY number LIMIT 1")
            return (
                try Int.fetchOne(database, sql: "SELECT count(*) FROM \(table)") ?? 0,
                oldest.map { Timestamp(nanoseconds: $0) }
            )
        }
        (facts.events, facts.audit) = (try history("events"), try history("audit"))
        let seen = try Int64.fetchOne(database, sql: "SELECT max(last_seen) FROM agents") ?? 0
        let told = try Int64.fetchOne(database, sql: "SELECT at FROM events ORDER BY number DESC LIMIT 1") ?? 0
        facts.newest = max(seen, told) > 0 ? Timestamp(nanoseconds: max(seen, told)) : nil
        return facts
    }

    func examineHistory(_ stored: StoredFacts) -> [Finding] {
        let settings = stored.settings
        let limits = Retention(settings)
        var findings: [Finding] = []
        let histories = [
            ("events", stored.events, limits.eventsDays, limits.eventLimit),
            ("audit", stored.audit, limits.auditDays, limits.auditLimit),
        ]
        for (name, history, days, limit) in histories {
            let text = "\(history.count) kept of \(name), for \(days) days and at most \(limit)"
            // What is cleared away goes in small steps while a provider runs.
            let isLate = history.oldest.map { $0 + .seconds((days + 1) * 86_400) < now } ?? false
            if isLate || history.count > limit + limit / 10 {
                findings.append(
                    Finding(
                        "retention", .warn, text + "; there is more", "a provider that runs clears it away within hours"
                    ))
            } else {
                findings.append(Finding("retention", .ok, text))
            }
        }
        return findings
    }
}
