import FleetAPI
import OpAMP

// What depends on the role within a path.
extension Call {
    /// Refuses a caller of a lesser role; that is recorded.
    ///
    /// - Parameter what: what the role is needed for.
    /// - Throws: 403.
    func need(_ role: Role, for what: String) throws(Problem) {
        if caller.role < role { throw doorkeeper.forbidden(what, to: caller, needing: role) }
    }

    /// Refuses who may not send this command: a raw message, or a configuration, may do anything to an agent.
    func needRole(forCommand name: String) throws(Problem) {
        if [CommandKind.raw, CommandKind.config.name].contains(name) { try need(.admin, for: "command \(name)") }
    }

    /// Whether secrets of an agent are shown to who asks for it.
    ///
    /// - Parameters:
    ///   - unmasked: whether they ask for it.
    ///   - what: what holds them, as the audit says.
    /// - Returns: true only after it is on disk who reads them.
    /// - Throws: 403 to all but admins, 404 or 409 for a reference that does not mean one agent, 507 when it could not be
    ///   recorded.
    func shows(_ unmasked: Bool, _ what: String, of agent: String) async throws(Problem) -> Bool {
        guard unmasked else { return false }
        try need(.admin, for: "unmasked \(what)")
        let uid = try fleet.view(agent).record.uid
        try await doorkeeper.record("read_unmasked", uid.description, detail: what, by: caller)
        return true
    }
}
