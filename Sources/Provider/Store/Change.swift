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
    case command(OpenCommand)
    /// That a caller's key stands for this request and this command.
    case idempotency(caller: String, key: String, request: String, command: String, at: Timestamp)
    case event(FleetEvent)

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
            for table in ["agents", "decisions", "commands", "events"] {
                try run(database, "UPDATE \(table) SET uid = ? WHERE uid = ?", names)
            }
            try run(database, "UPDATE aliases SET new = ? WHERE new = ?", names)
            try run(database, "INSERT OR REPLACE INTO aliases (new, old) VALUES (?, ?)", names)
        case .forget(let uid):
            try run(database, "DELETE FROM agents WHERE uid = ?", [uid.description])
            try run(database, "DELETE FROM aliases WHERE new = ?", [uid.description])
            try run(database, "DELETE FROM decisions WHERE uid = ?", [uid.description])
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
            try run(database, "INSERT OR IGNORE INTO configs (hash, body) VALUES (?, ?)", [hash, body.blob])
        case .command(let open):
            let command = open.command
            try run(
                database,
                "INSERT OR REPLACE INTO commands (id, uid, state, queued_at, body) VALUES (?, ?, ?, ?, ?)",
                [command.id, command.instanceUID, command.state.rawValue, command.queuedAt.nanoseconds, open.json.text]
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
        }
    }

    private func run(_ database: Database, _ sql: String, _ arguments: StatementArguments) throws {
        try database.cachedStatement(sql: sql).execute(arguments: arguments)
    }
}
