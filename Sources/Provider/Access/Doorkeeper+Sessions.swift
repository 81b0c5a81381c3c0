import FleetAPI
import Logging
import Synchronization

// Sessions of browsers.
extension Doorkeeper {
    /// Begins a session for who shows a token.
    ///
    /// - Returns: the secret for the cookie, for how long, and who it is.
    /// - Throws: as `identify`.
    func beginSession(
        _ token: String, from address: String, at now: Moment = .now()
    ) async throws(Refusal) -> (secret: String, time: Duration, info: SessionInfo) {
        let identity = try await identify(token, from: address, at: now)
        let (secret, session) = state.withLock { state in
            state.sessions.begin(
                identity.name, identity.role, tokenID: identity.tokenID, until: identity.expiresAt, at: now.wall)
        }
        tell("login", identity.name, address, at: now)
        var info = SessionInfo()
        (info.name, info.role, info.kind) = (session.name, session.role, .session)
        info.expiresAt = session.expiresAt
        return (secret, session.expiresAt - now.wall, info)
    }

    /// Ends the session of a cookie, if there is one.
    func endSession(_ secret: String?, of caller: Caller, at now: Moment = .now()) {
        guard let secret, session(secret, at: now.wall) != nil else { return }
        state.withLock { $0.sessions.end(secret) }
        tell("logout", caller.name, caller.address, at: now)
    }

    private func tell(_ action: String, _ name: String, _ address: String, at now: Moment) {
        let entry = AuditEntry(
            at: now.wall, by: name, from: address, action: action, target: "session", outcome: "done", detail: nil)
        store.write([.audit(entry)])
        logger.notice("\(action)", metadata: ["by": "\(name)", "from": "\(address)"])
    }
}
