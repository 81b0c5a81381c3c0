import Crypto
package import FleetAPI
import Logging
import OpAMP
import Synchronization

// Enrolments and the tokens of agents: what people do about them, and what agents show.
extension Fleet {
    // MARK: - People

    func enrolments(at now: Moment = .now()) -> EnrolmentList {
        var list = EnrolmentList()
        (list.enrolments, list.asOf) = (state.withLock { $0.enrolments.list(at: now.wall) }, now.wall)
        return list
    }

    /// Makes an enrolment; it is on disk and in force when this returns.
    ///
    /// - Throws: 400 for what cannot be, 409 when there are too many, 507 when it could not be written.
    package func makeEnrolment(
        _ request: EnrolmentRequest, caller: Caller
    ) async throws(Problem) -> IssuedEnrolment {
        let made: (stored: StoredEnrolment, issued: IssuedEnrolment)
        do throws(ShapeError) {
            made = try StoredEnrolment.make(request, by: caller.name, at: Moment.now().wall)
        } catch {
            let values = ["name": request.name ?? "", "expires": request.expires, "uses": "\(request.uses)"]
            throw .badRequest(field: error.path, value: values[error.path], "\(error)")
        }
        let (stored, issued) = made
        return try await durably { state, now, effects throws(Problem) -> IssuedEnrolment in
            guard state.enrolments.count(at: now.wall) < EnrolmentBook.limit else {
                throw Problem(
                    409, "Too many enrolments",
                    detail: "there may be \(EnrolmentBook.limit) enrolments in force; revoke some first")
            }
            state.enrolments.insert(stored)
            let entry = stored.entry("create_enrolment", by: caller.name, from: caller.address, at: now.wall)
            effects.changes += [.enrolment(stored), .audit(entry)]
            return issued
        } undo: { state, _ in
            state.enrolments.remove(stored.id)
        }
    }

    /// Ends an enrolment, and lets in no more who used it and has not shown a token of its own; one that was revoked
    /// before stays so.
    ///
    /// - Throws: 404 for an unknown id, 507 when it could not be written.
    package func revokeEnrolment(_ id: String, caller: Caller) async throws(Problem) {
        _ = try await durably { state, now, effects throws(Problem) -> (id: UInt64, tokens: [OwnToken])? in
            guard let number = UInt64(hexDigits: id), let enrolment = state.enrolments[number] else {
                throw .refused(
                    404, "No such enrolment", field: "id", value: id.prefixUTF8(100),
                    "there is no enrolment with this id")
            }
            guard enrolment.revokedAt == nil else { return nil }
            state.enrolments.revoke(number, at: now.wall)
            let entry = enrolment.entry("revoke_enrolment", by: caller.name, from: caller.address, at: now.wall)
            effects.changes += [.enrolmentRevoked(number, at: now.wall), .audit(entry)]
            return (number, state.endClaims(of: number, at: now, &effects))
        } undo: { state, done in
            guard let done else { return }
            state.enrolments.revoke(done.id, at: nil)
            for token in done.tokens { state.ownTokens.unrevoke(token) }
        }
    }

    /// Has an agent offered a token of its own: its first one, or another, of which the former is good until it shows it.
    ///
    /// - Returns: the command that carries it, once it is on disk.
    /// - Throws: 404 and 409 for the reference, 409 for an agent that cannot be offered one, 507 when it could not be
    ///   written.
    package func offerToken(to reference: String, caller: Caller) async throws(Problem) -> Command {
        let uid = try view(reference).record.uid
        let id = try await notingRefusal(of: "offer", uid.description, detail: "a token", by: caller) {
            () async throws(Problem) -> String in
            try await durably { state, now, effects throws(Problem) -> String in
                guard let position = state.position(of: uid) else { throw FleetState.forgotten }
                return try state.desireToken(.randomID(), at: position, by: caller, at: now, &effects).get()
            } undo: { state, id in
                state.drop(id)
            }
        }
        let later = Moment.now()
        state.withLock { state in
            state.written(id)
            var effects = FleetState.Effects()
            state.push(to: uid, at: later, &effects)
            commit(effects)
        }
        return try await command(id, wait: .zero)
    }

    /// Ends the tokens that an agent has for itself, and the connection it opened with one.
    ///
    /// - Throws: 404 and 409 for the reference, 404 when it has none, 507 when it could not be written.
    package func revokeToken(of reference: String, caller: Caller) async throws(Problem) {
        let uid = try view(reference).record.uid
        _ = try await durably { state, now, effects throws(Problem) -> [OwnToken] in
            guard let position = state.position(of: uid) else { throw FleetState.forgotten }
            let tokens = state.revokeTokens(of: state.records[position].uid, at: now, &effects)
            guard !tokens.isEmpty else {
                throw Problem(404, "No token", detail: "the agent has no token of its own")
            }
            let ids = tokens.map(\.id.hexDigits).joined(separator: ", ")
            effects.audit(caller, "revoke_agent_token", uid.description, detail: "token \(ids)", at: now)
            return tokens
        } undo: { state, tokens in
            for token in tokens { state.ownTokens.unrevoke(token) }
        }
    }

    // MARK: - Agents

    /// What a token lets in with.
    ///
    /// - Returns: nil when it is none of a form of ours.
    /// - Throws: why one of ours lets nobody in.
    func credential(
        of token: some StringProtocol, at now: Moment
    ) throws(FleetState.TokenRefusal) -> AgentCredential? {
        guard let form = AgentSecret.form(of: token) else { return nil }
        let digest = TokenSecret.digest(of: token)
        // A closure of withLock loses the type of what it throws.
        return try state.withLock { state -> Result<AgentCredential, FleetState.TokenRefusal> in
            do throws(FleetState.TokenRefusal) {
                return .success(try state.credential(form.kind, form.id, digest, at: now.wall))
            } catch { return .failure(error) }
        }.get()
    }

    /// Whether what a connection was opened with still lets in.
    func isInForce(_ credential: AgentCredential) -> Bool { state.withLock { $0.isInForce(credential) } }

    /// Exchanges an enrolment for a token of one agent; on disk, as a digest, when this returns. As long as the agent has
    /// not shown it, that can be repeated: each token is good then.
    ///
    /// - Throws: 403 when the enrolment is not for this agent, 507 when it could not be written.
    func exchangeEnrolment(_ id: UInt64, for uid: InstanceUID, from address: String) async throws(Problem)
        -> IssuedAgentToken
    {
        typealias Done = (
            issued: IssuedAgentToken, uid: InstanceUID, id: UInt64, before: OwnToken?, decisions: Decisions?
        )
        do throws(Problem) {
            return try await durably { state, now, effects throws(Problem) -> Done in
                let own = state.presentUID(of: uid)
                let before = state.ownTokens.claim(of: own, by: id)
                let decisions = state.position(of: own).map { state.records[$0].decisions }
                let reason = state.enrol(own, by: id, canTake: true, from: address, at: now, &effects)
                guard reason == nil, let claim = state.ownTokens.claim(of: own, by: id) else {
                    throw Problem(403, "Forbidden", detail: reason ?? "the enrolment token lets this agent in no more")
                }
                let secret = state.makeToken(claim.id, for: own, at: now, &effects)
                var issued = IssuedAgentToken()
                (issued.instanceUID, issued.token) = (own.description, secret.text)
                return (issued, own, claim.id, before, decisions)
            } undo: { state, done in
                if let before = done.before, before.id == done.id {
                    state.ownTokens.insert(before)
                } else {
                    state.ownTokens.remove(done.id)
                    state.enrolments.use(id, by: -1, at: Moment.now().wall)
                }
                guard let decisions = done.decisions, let position = state.position(of: done.uid) else { return }
                state.takeBack(state.records[position].decisions, of: done.uid, to: decisions)
            }.issued
        } catch {
            if error.status == 403 {
                noteRefused(by: "enrolment \(id.hexDigits)", from: address, 403, error.detail, target: "\(uid)")
            }
            throw error
        }
    }

    /// Puts an agent that was refused for what it showed on record: of many one entry a minute, with how many there were.
    func noteRefused(
        by name: String, from address: String, _ status: Int, _ reason: String, target: String, at now: Moment = .now()
    ) {
        let entry = AuditEntry(
            at: now.wall, by: name, from: address, action: "connect", target: target,
            outcome: status == 401 ? "401 Unauthorized" : "403 Forbidden", detail: reason)
        let key = "\(name) \(FailureLimiter.network(of: address))"
        let due = state.withLock { $0.refusals.take(entry, key: key, at: now) }
        guard !due.isEmpty else { return }
        store.write(due.map { .audit($0) })
        logger.notice("an agent is refused", metadata: ["from": "\(address)", "reason": "\(reason)"])
    }

    // MARK: - Other processes

    /// Takes over what another process has done to enrolments and tokens. On the store's queue.
    func lookForOthers() {
        do {
            let version = try store.foreignVersion()
            guard version != state.withLock({ $0.foreignVersion }) else { return }
            let stored = try store.accessOfAgents()
            state.withLock { state in
                var effects = FleetState.Effects()
                state.foreignVersion = version
                state.merge(stored.enrolments, revokedTokens: stored.revokedTokens, at: .now(), &effects)
                commit(effects)
            }
        } catch {
            logger.error("enrolments cannot be read again", metadata: ["reason": "\(error)"])
        }
    }
}
