import GRDB

/// The tables, step by step: a step that has been released never changes.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("v1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE agents (
                        uid TEXT PRIMARY KEY NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
                        sequence TEXT NOT NULL, transport TEXT NOT NULL, facts TEXT NOT NULL, health BLOB NOT NULL,
                        components BLOB NOT NULL
                    );
                    CREATE TABLE aliases (old TEXT PRIMARY KEY NOT NULL, new TEXT NOT NULL);
                    CREATE TABLE configs (hash TEXT PRIMARY KEY NOT NULL, body BLOB NOT NULL);
                    CREATE TABLE commands (
                        id TEXT PRIMARY KEY NOT NULL, uid TEXT NOT NULL, state TEXT NOT NULL,
                        queued_at INTEGER NOT NULL, body TEXT NOT NULL
                    );
                    CREATE INDEX commands_by_time ON commands (queued_at DESC, id);
                    CREATE INDEX commands_by_agent ON commands (uid, queued_at DESC, id);
                    CREATE INDEX commands_by_state ON commands (state, queued_at DESC, id);
                    CREATE TABLE idempotency (
                        caller TEXT NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL, command TEXT NOT NULL,
                        at INTEGER NOT NULL, PRIMARY KEY (caller, key)
                    );
                    CREATE TABLE events (
                        number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, uid TEXT NOT NULL,
                        kind TEXT NOT NULL, text TEXT
                    );
                    CREATE INDEX events_by_agent ON events (uid, number DESC);
                    """
            )
        }
        migrator.registerMigration("v2 decisions") { database in
            try database.execute(
                sql: "CREATE TABLE decisions (uid TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL);"
            )
        }
        migrator.registerMigration("v3 configurations") { database in
            try database.execute(
                sql: """
                    CREATE TABLE revisions (
                        uid TEXT NOT NULL, kind TEXT NOT NULL, number INTEGER NOT NULL, hash TEXT NOT NULL,
                        state TEXT NOT NULL, error TEXT, body TEXT NOT NULL, PRIMARY KEY (uid, kind, number)
                    );
                    CREATE INDEX revisions_by_hash ON revisions (hash);
                    """
            )
        }
        migrator.registerMigration("v4 operations") { database in
            try database.execute(
                sql: """
                    CREATE TABLE operations (
                        id TEXT PRIMARY KEY NOT NULL, state TEXT NOT NULL, started_at INTEGER NOT NULL,
                        body TEXT NOT NULL
                    );
                    CREATE INDEX operations_by_time ON operations (started_at DESC, id);
                    CREATE TABLE operation_targets (
                        operation TEXT NOT NULL, place INTEGER NOT NULL, uid BLOB NOT NULL, state TEXT NOT NULL,
                        command BLOB, reason TEXT, PRIMARY KEY (operation, place)
                    ) WITHOUT ROWID;
                    ALTER TABLE commands ADD COLUMN operation TEXT;
                    CREATE INDEX commands_by_operation ON commands (operation, queued_at DESC, id)
                        WHERE operation IS NOT NULL;
                    """
            )
        }
        migrator.registerMigration("v5 settings") { database in
            try database.execute(
                sql: "CREATE TABLE settings (name TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL);"
            )
        }
        migrator.registerMigration("v6 audit, retention, deflated configurations") { database in
            try database.execute(
                sql: """
                    CREATE TABLE audit (
                        number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, "by" TEXT NOT NULL,
                        "from" TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL, outcome TEXT NOT NULL,
                        detail TEXT
                    );
                    CREATE INDEX idempotency_by_time ON idempotency (at);
                    CREATE INDEX agents_by_config ON agents (
                        CASE WHEN json_valid(facts) THEN json_extract(facts, '$.config_hash') END
                    );
                    ALTER TABLE configs ADD COLUMN size INTEGER;
                    """
            )
        }
        migrator.registerMigration("v10 access") { database in
            // An entry of the audit is never changed, and goes only when it is a day older than the newest one, or one
            // of more than there may be.
            try database.execute(
                sql: """
                    CREATE TABLE tokens (
                        id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL, digest BLOB NOT NULL,
                        created_at INTEGER NOT NULL, created_by TEXT NOT NULL, expires_at INTEGER, revoked_at INTEGER,
                        last_used_at INTEGER
                    );
                    CREATE UNIQUE INDEX tokens_by_name ON tokens (name) WHERE revoked_at IS NULL;
                    CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
                    BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;
                    CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
                    WHEN EXISTS (SELECT 1 FROM audit WHERE number = NEW.number)
                    BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;
                    CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
                    WHEN OLD.number > (SELECT max(number) FROM audit) - 1000000
                        AND OLD.at > (SELECT at FROM audit ORDER BY number DESC LIMIT 1) - 86400000000000
                    BEGIN SELECT RAISE(ABORT, 'entries of the audit are kept for a day at least'); END;
                    """
            )
        }
        migrator.registerMigration("v12 events") { database in
            try database.execute(
                sql: """
                    CREATE INDEX events_by_kind ON events (kind);
                    CREATE INDEX events_by_time ON events (at);
                    CREATE TABLE notices (uid TEXT PRIMARY KEY NOT NULL, condition TEXT NOT NULL);
                    """
            )
        }
        migrator.registerMigration("v13 enrolments") { database in
            try database.execute(
                sql: """
                    CREATE TABLE enrolments (
                        id TEXT PRIMARY KEY NOT NULL, name TEXT, digest BLOB NOT NULL, created_at INTEGER NOT NULL,
                        created_by TEXT NOT NULL, expires_at INTEGER NOT NULL, uses INTEGER NOT NULL,
                        used INTEGER NOT NULL, revoked_at INTEGER, last_used_at INTEGER
                    );
                    CREATE TABLE agent_tokens (
                        id TEXT PRIMARY KEY NOT NULL, uid TEXT NOT NULL, digests BLOB NOT NULL,
                        issued_at INTEGER NOT NULL, enrolment TEXT, shown_at INTEGER, forgotten_at INTEGER,
                        revoked_at INTEGER
                    );
                    CREATE INDEX agent_tokens_by_agent ON agent_tokens (uid);
                    CREATE INDEX agent_tokens_revoked ON agent_tokens (revoked_at) WHERE revoked_at IS NOT NULL;
                    """
            )
        }
        return migrator
    }
}
