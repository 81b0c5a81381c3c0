package import FleetAPI
import GRDB
package import OpAMP

/// Enrolments and the tokens of agents in a data directory, for the command line: whether a provider runs on it or not.
///
/// A provider that runs takes a change over within about a second.
package struct EnrolmentDesk {
    private let desk: StoreDesk

    package init(dataDirectory: String) {
        desk = StoreDesk(directory: dataDirectory)
    }

    /// Makes an enrolment; on disk when this returns. The directory is made if it is not there.
    package func create(_ request: EnrolmentRequest) throws -> IssuedEnrolment {
        let now = Moment.now().wall
        let made = try StoredEnrolment.make(request, by: StoreDesk.caller, at: now)
        return try desk.changing { database in
            guard EnrolmentBook(try StoredEnrolment.all(in: database)).count(at: now) < EnrolmentBook.limit else {
                throw StoreError(
                    .change, "there may be \(EnrolmentBook.limit) enrolments in force; revoke some first")
            }
            try Change.enrolment(made.stored).write(to: database)
            try audit("create_enrolment", made.stored, at: now, in: database)
            return made.issued
        }
    }

    package func list() throws -> [Enrolment] {
        try desk.needDatabase()
        let now = Moment.now().wall
        return try desk.changing { EnrolmentBook(try StoredEnrolment.all(in: $0)).list(at: now) }
    }

    /// Ends an enrolment, and lets in no more who used it and has not shown a token of its own; one that was revoked
    /// before stays so.
    package func revoke(_ id: String) throws -> Enrolment {
        try desk.needDatabase()
        let now = Moment.now().wall
        return try desk.changing { database in
            guard var enrolment = try StoredEnrolment.all(in: database).first(where: { $0.id.hexDigits == id }) else {
                throw StoreError(
                    .change, "there is no enrolment with the id \(shellWord(id)); \"enrolment list\" shows them")
            }
            if enrolment.revokedAt == nil {
                try Change.enrolmentRevoked(enrolment.id, at: now).write(to: database)
                let tokens = OwnTokenBook(try OwnToken.all(in: database))
                for claim in tokens.claims(by: enrolment.id) where !tokens.isShown(of: claim.uid) {
                    try Change.ownTokenRevoked(claim.id, at: now).write(to: database)
                }
                try audit("revoke_enrolment", enrolment, at: now, in: database)
                enrolment.revokedAt = now
            }
            return enrolment.shown(at: now)
        }
    }

    /// The agents that have a token of their own, with those tokens, oldest first.
    package func tokens() throws -> [(uid: InstanceUID, token: AgentToken)] {
        try desk.needDatabase()
        return try desk.changing { try OwnToken.all(in: $0) }.map { ($0.uid, $0.info) }
    }

    /// Ends the tokens that an agent has for itself.
    ///
    /// - Returns: how many there were.
    package func revokeTokens(of uid: InstanceUID) throws -> Int {
        try desk.needDatabase()
        let now = Moment.now().wall
        return try desk.changing { database in
            let tokens = try OwnToken.all(in: database).filter { $0.uid == uid }
            guard !tokens.isEmpty else {
                throw StoreError(.change, "there is no token of the agent \(uid); \"agent-token list\" shows them")
            }
            for token in tokens { try Change.ownTokenRevoked(token.id, at: now).write(to: database) }
            let entry = AuditEntry(
                at: now, by: StoreDesk.caller, from: StoreDesk.address, action: "revoke_agent_token",
                target: uid.description, outcome: "done",
                detail: "token \(tokens.map(\.id.hexDigits).joined(separator: ", "))")
            try Change.audit(entry).write(to: database)
            return tokens.count
        }
    }

    private func audit(
        _ action: String, _ enrolment: StoredEnrolment, at now: Timestamp, in database: Database
    ) throws {
        let entry = enrolment.entry(action, by: StoreDesk.caller, from: StoreDesk.address, at: now)
        try Change.audit(entry).write(to: database)
    }
}
