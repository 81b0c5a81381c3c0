import FleetAPI
import GRDB
import JSON
import OpAMP

/// One thing to be written.
enum Change: Sendable {
    /// Everything known of an agent.
    case agent(AgentRecord, Vitals)
    /// Only when agents were last heard, and with which number.
    case seen([(uid: InstanceUID, lastSeen: Timestamp, sequence: UInt64)])
    /// An agent goes on under another uid, with all that is stored of it.
    case rename(from: InstanceUID, to: InstanceUID)
    /// An agent and what people decided about it.
    case forget(InstanceUID)
    /// What people decided about an agent, or what is kept of it when the agent itself is forgotten.
    case decisions(InstanceUID, Decisions, at: Timestamp)
    case settings(ProviderSettings)
    /// The files of an effective configuration, kept once per content.
    case config(hash: String, body: [UInt8])
    /// A revision that was offered, and which older one must stay though it is beyond the limit.
    case revision(InstanceUID, OfferKind, ConfigRevision, sparing: Int?)
    /// What became of a revision.
    case outcome(InstanceUID, OfferKind, revision: Int, OfferState, error: String?)
    case command(OpenCommand)
    /// An operation without its targets.
    case operation(OpenOperation)
    /// The targets of a new operation, none of which has a command.
    case operationTargets(_ operation: String, [InstanceUID])
    /// What became of one target of an operation.
    case operationTarget(_ operation: String, Int, TargetState, command: InstanceUID?, reason: String?)
    /// That a caller's key stands for this request and this command.
    case idempotency(caller: String, key: String, request: String, command: String, at: Timestamp)
    case event(FleetEvent)
    /// What people were told of an agent over the webhook.
    case told(InstanceUID, Condition)
    /// Forgets what people were told.
    case toldNothing
    /// What a person did, beside the act.
    case audit(AuditEntry)
    /// A token that was made.
    case token(StoredToken)
    /// The end of a token.
    case tokenRevoked(id: String, at: Timestamp)
    /// When tokens were last used.
    case tokensUsed([(id: String, at: Timestamp)])
    /// The content of a configuration, or of settings, under another hash too.
    case copyConfig(from: ContentHash, to: ContentHash)
    /// An enrolment that was made.
    case enrolment(StoredEnrolment)
    /// How many agents an enrolment has let in.
    case enrolmentUsed(UInt64, used: Int, at: Timestamp)
    case enrolmentRevoked(UInt64, at: Timestamp)
    /// A token of an agent as it is now, and the end of one, and those that nobody needs to know of any more.
    case ownToken(OwnToken)
    case ownTokenRevoked(UInt64, at: Timestamp)
    case ownTokensGone([UInt64])

    func write(to database: Database) throws {
        switch self {
        case .agent(let record, let vitals):
            try run(
                database,
                """
                INSERT OR REPLACE INTO agents (uid, first_seen, last_seen, sequence, transport, facts, health, components)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    record.uid.description, record.firstSeen.nanoseconds, vitals.lastSeen.wall.nanoseconds,
                    String(vitals.sequence), vitals.transport.rawValue, record.facts.json.text,
                    record.facts.health.blob, record.facts.components.blob,
                ]
            )
        case .seen(let agents):
            for agent in agents {
                try run(
                    database, "UPDATE agents SET last_seen = ?, sequence = ? WHERE uid = ?",
                    [agent.lastSeen.nanoseconds, String(agent.sequence), agent.uid.description]
                )
            }
        case .rename(let old, let new):
            let names: StatementArguments = [new.description, old.description]
            for table in ["agents", "decisions", "commands", "events", "revisions", "agent_tokens"] {
                try run(database, "UPDATE \(table) SET uid = ? WHERE uid = ?", names)
            }
            try run(database, "UPDATE OR REPLACE notices SET uid = ? WHERE uid = ?", names)
            try run(database, "UPDATE aliases SET new = ? WHERE new = ?", names)
            try run(database, "INSERT OR REPLACE INTO aliases (new, old) VALUES (?, ?)", names)
        case .forget(let uid):
            try run(database, "DELETE FROM agents WHERE uid = ?", [uid.description])
            try run(database, "DELETE FROM aliases WHERE new = ?", [uid.description])
            try run(database, "DELETE FROM decisions WHERE uid = ?", [uid.description])
            try run(database, "DELETE FROM revisions WHERE uid = ?", [uid.description])
            try run(database, "DELETE FROM notices WHERE uid = ?", [uid.description])
        case .decisions(let uid, let decisions, let at):
            try run(
                database, "INSERT OR REPLACE INTO decisions (uid, body, at) VALUES (?, ?, ?)",
                [uid.description, decisions.json.text, at.nanoseconds]
            )
        case .settings(let settings):
            try run(
                database, "INSERT OR REPLACE INTO settings (name, body) VALUES ('provider', ?)", [settings.json.text]
            )
        case .config(let hash, let body):
            try Store.keepConfig(hash, body, in: database)
        case .revision(let uid, let kind, let revision, let spared):
            try run(
                database,
                """
                INSERT OR REPLACE INTO revisions (uid, kind, number, hash, state, error, body)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    uid.description, kind.rawValue, revision.revision, revision.hash, revision.state.rawValue,
                    revision.error, revision.json.text,
                ]
            )
            try run(
                database, "DELETE FROM revisions WHERE uid = ? AND kind = ? AND number <= ? AND number IS NOT ?",
                [uid.description, kind.rawValue, revision.revision - Store.revisionLimit, spared]
            )
        case .outcome(let uid, let kind, let revision, let state, let error):
            try run(
                database, "UPDATE revisions SET state = ?, error = ? WHERE uid = ? AND kind = ? AND number = ?",
                [state.rawValue, error, uid.description, kind.rawValue, revision]
            )
        case .command(let open):
            let command = open.command
            try run(
                database,
                """
                INSERT OR REPLACE INTO commands (id, uid, state, queued_at, body, operation) VALUES (?, ?, ?, ?, ?, ?)
                """,
                [
                    command.id, command.instanceUID, command.state.rawValue, command.queuedAt.nanoseconds,
                    open.json.text, command.operation,
                ]
            )
        case .operation(let operation):
            try run(
                database,
                "INSERT OR REPLACE INTO operations (id, state, started_at, body) VALUES (?, ?, ?, ?)",
                [operation.id, operation.state.rawValue, operation.startedAt.nanoseconds, operation.json.text]
            )
        case .operationTargets(let operation, let uids):
            for (place, uid) in uids.enumerated() {
                try run(
                    database, "INSERT INTO operation_targets (operation, place, uid, state) VALUES (?, ?, ?, ?)",
                    [operation, place, uid.bytes.blob, TargetState.waiting.rawValue]
                )
            }
            try dropOldOperations(database)
        case .operationTarget(let operation, let place, let state, let command, let reason):
            try run(
                database,
                """
                UPDATE operation_targets SET state = ?, command = coalesce(?, command), reason = ?
                WHERE operation = ? AND place = ?
                """,
                [state.rawValue, command?.bytes.blob, reason, operation, place]
            )
        case .idempotency(let caller, let key, let request, let command, let at):
            try run(
                database,
                "INSERT OR REPLACE INTO idempotency (caller, key, request, command, at) VALUES (?, ?, ?, ?, ?)",
                [caller, key, request, command, at.nanoseconds]
            )
        case .event(let event):
            try run(
                database, "INSERT INTO events (at, uid, kind, text) VALUES (?, ?, ?, ?)",
                [event.at.nanoseconds, event.instanceUID, event.kind, event.text]
            )
        case .told(let uid, .well):
            try run(database, "DELETE FROM notices WHERE uid = ?", [uid.description])
        case .told(let uid, let condition):
            try run(
                database, "INSERT OR REPLACE INTO notices (uid, condition) VALUES (?, ?)",
                [uid.description, condition.rawValue])
        case .toldNothing:
            try run(database, "DELETE FROM notices", [])
        case .audit(let entry):
            try run(
                database,
                """
                INSERT INTO audit (at, "by", "from", action, target, outcome, detail) VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    entry.at.nanoseconds, entry.by, entry.from, entry.action, entry.target, entry.outcome,
                    entry.detail,
                ]
            )
        case .token(let token): try token.insert(into: database)
        case .tokenRevoked(let id, let at):
            try run(
                database, "UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", [at.nanoseconds, id])
        case .tokensUsed(let uses):
            for use in uses {
                try run(database, "UPDATE tokens SET last_used_at = ? WHERE id = ?", [use.at.nanoseconds, use.id])
            }
        case .copyConfig(let old, let new):
            try run(
                database,
                "INSERT OR IGNORE INTO configs (hash, body, size) SELECT ?, body, size FROM configs WHERE hash = ?",
                [new.hex, old.hex])
        case .enrolment(let enrolment): try enrolment.insert(into: database)
        case .enrolmentUsed(let id, let used, let at):
            try run(
                database, "UPDATE enrolments SET used = ?, last_used_at = ? WHERE id = ?",
                [used, at.nanoseconds, id.hexDigits])
        case .enrolmentRevoked(let id, let at):
            try run(
                database, "UPDATE enrolments SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
                [at.nanoseconds, id.hexDigits])
        case .ownToken(let token): try token.save(in: database)
        case .ownTokenRevoked(let id, let at): try OwnToken.revoke(id, at: at, in: database)
        case .ownTokensGone(let ids):
            for id in ids { try run(database, "DELETE FROM agent_tokens WHERE id = ?", [id.hexDigits]) }
        }
    }

    /// Past the limit the oldest operations that have ended are dropped; their commands stay.
    private func dropOldOperations(_ database: Database) throws {
        let old = """
            SELECT id FROM operations WHERE state != 'running' ORDER BY started_at DESC, id DESC
            LIMIT -1 OFFSET \(Store.operationLimit)
            """
        try run(database, "DELETE FROM operation_targets WHERE operation IN (\(old))", [])
        try run(database, "DELETE FROM operations WHERE id IN (\(old))", [])
    }

    private func run(_ database: Database, _ sql: String, _ arguments: StatementArguments) throws {
        try database.cachedStatement(sql: sql).execute(arguments: arguments)
    }
}
