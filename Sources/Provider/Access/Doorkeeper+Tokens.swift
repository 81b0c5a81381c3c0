import FleetAPI
import Logging
import Synchronization

// Tokens as administrators see and change them.
extension Doorkeeper {
    func tokens(at now: Moment = .now()) -> AccessTokenList {
        var list = AccessTokenList()
        (list.tokens, list.asOf) = (state.withLock { $0.book.list(at: now.wall) }, now.wall)
        return list
    }

    /// Makes a token; it is on disk and in force when this returns.
    ///
    /// - Throws: 400 for what cannot be, 409 for a name that is taken, too many, or a first token that would lock out
    ///   every administrator, 507 when it could not be written.
    func makeToken(_ request: TokenRequest, by caller: Caller) async throws(Problem) -> IssuedToken {
        let now = Moment.now()
        let made: (stored: StoredToken, issued: IssuedToken)
        do throws(ShapeError) {
            made = try StoredToken.make(request, by: caller.name, at: now.wall)
        } catch {
            throw .badRequest(
                field: error.path, value: error.path == "name" ? request.name : request.expires, "\(error)")
        }
        if state.withLock({ $0.book.count }) >= TokenBook.limit {
            throw Problem(409, "Too many tokens", detail: "there may be \(TokenBook.limit) tokens; revoke some first")
        }
        guard isRequired || request.role == .admin else {
            throw .refused(
                409, "No administrator", field: "role", value: request.role.rawValue,
                "the first token must be one of an admin: from then on nobody gets in without", allowed: ["admin"])
        }
        do {
            try await store.commit([
                .token(made.stored),
                .audit(made.stored.entry("create_token", by: caller.name, from: caller.address, at: now.wall)),
            ])
        } catch {
            throw error.isOfOneChange ? .tokenNameTaken(request.name) : .tokenNotStored
        }
        await readTokens()
        return made.issued
    }

    /// Ends a token, and the sessions that were begun with it; one that was revoked before stays so.
    ///
    /// - Throws: 404 for an unknown id, 507 when it could not be written.
    func revokeToken(_ id: String, by caller: Caller) async throws(Problem) {
        guard let token = state.withLock({ $0.book.token(id: id) }) else {
            throw .refused(
                404, "No such token", field: "id", value: id.prefixUTF8(100), "there is no token with this id")
        }
        let now = Moment.now()
        guard token.revokedAt == nil else { return }
        do {
            try await store.commit([
                .tokenRevoked(id: id, at: now.wall),
                .audit(token.entry("revoke_token", by: caller.name, from: caller.address, at: now.wall)),
            ])
        } catch { throw .tokenNotStored }
        await readTokens()
    }

    /// Takes over what is stored.
    private func readTokens() async {
        await withCheckedContinuation { continuation in
            store.soon { [self] in
                do {
                    let tokens = try store.tokens()
                    state.withLock { $0.book.replace(tokens) }
                } catch {
                    logger.error("the former tokens stay in force", metadata: ["reason": "\(error)"])
                }
                continuation.resume()
            }
        }
    }
}

extension StoredToken {
    /// What the audit says of what was done with it.
    func entry(_ action: String, by name: String, from address: String, at now: Timestamp) -> AuditEntry {
        AuditEntry(at: now, by: name, from: address, action: action, target: id, outcome: "done", detail: summary)
    }
}

extension Problem {
    fileprivate static let tokenNotStored = Problem(
        507, "Not stored", detail: "it could not be written to disk and was not done")

    fileprivate static func tokenNameTaken(_ name: String) -> Problem {
        .refused(
            409, "Name taken", field: "name", value: name,
            "there is a token of this name; revoke that one first, or choose another name")
    }
}
