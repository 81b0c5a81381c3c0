import Dispatch
import FleetAPI
import HTTPTypes
package import Logging
import ServiceLifecycle
import Synchronization

/// Who may use the API of a provider: knows people and programs by tokens and sessions, and records who was refused.
///
/// Tokens are in memory as digests: no request waits for the database. What another process changes in the database,
/// the command line for example, counts within about a second while the service runs. Credentials of agents are not
/// known here.
package final class Doorkeeper: Sendable {
    /// An answer that ends a request.
    struct Refusal: Error {
        let problem: Problem
        var fields: HTTPFields = [:]
    }

    /// Who a token stands for.
    struct Identity: Sendable {
        let name: String
        let role: Role
        let kind: SessionInfo.Kind
        /// The token of this provider; nil for another one.
        var tokenID: String?
        var expiresAt: Timestamp?
    }

    struct State {
        var book = TokenBook()
        var sessions = Sessions()
        var failures = FailureLimiter()
        var refusals = RefusalLog()
        /// Of the database, when the tokens were read.
        var version = 0
    }

    /// Longer ones are nobody's.
    static let tokenLimit = 8_192
    private static let realm = #"Bearer realm="opamp-provider""#

    let store: Store
    let logger: Logger
    let state: Mutex<State>
    private let issuer: JWTIssuer?

    /// - Parameter issuer: whose tokens let in too; nil: nobody's.
    /// - Throws: when the tokens cannot be read: a provider must not run without knowing them.
    package init(fleet: Fleet, issuer: JWTIssuer? = nil, logger: Logger) throws(StoreError) {
        (store, self.issuer, self.logger) = (fleet.store, issuer, logger)
        var state = State()
        do {
            state.version = try store.queue.sync { [store] in try store.foreignVersion() }
            state.book.replace(try store.tokens())
        } catch { throw StoreError(error, "the tokens cannot be read") }
        self.state = Mutex(state)
    }

    /// Whether everybody has to say who they are: with an identity provider, or from the first token on that is not
    /// revoked.
    package var isRequired: Bool { issuer != nil || state.withLock { $0.book.isAnyInForce } }

    /// Who sends a request.
    ///
    /// - Parameter allowsAnonymous: whether, as long as nobody has to say who they are, this listener lets anybody do
    ///   anything.
    /// - Throws: 401 with what is wrong, 403 for a session that another page uses, 429 after too many wrong tokens.
    func caller(
        _ shown: Credentials, allowsAnonymous: Bool, at now: Moment = .now()
    ) async throws(Refusal) -> Caller {
        if !shown.authorization.isEmpty {
            guard shown.authorization.count == 1, let token = Credentials.bearerToken(shown.authorization[0]) else {
                throw failed("the Authorization header is not \"Bearer\" and one token", shown.address, now)
            }
            let identity = try await identify(token, from: shown.address, at: now)
            return Caller(
                name: identity.name, address: shown.address, role: identity.role, kind: identity.kind,
                expiresAt: identity.expiresAt)
        }
        if let secret = shown.session, let session = session(secret, at: now.wall) {
            guard !shown.isWrite || shown.isSameOrigin else {
                throw Refusal(
                    problem: .refused(
                        403, "Forbidden", field: "Origin", value: nil,
                        "a session may change something only from a page of this host, which sends its Origin; "
                            + "programs use a token"))
            }
            return Caller(
                name: session.name, address: shown.address, role: session.role, kind: .session,
                expiresAt: session.expiresAt)
        }
        if allowsAnonymous, !isRequired { return .anonymous(.admin, from: shown.address) }
        throw Self.unauthorized(
            shown.session == nil
                ? "this needs a token, as \"Authorization: Bearer TOKEN\"; an administrator makes one with: "
                    + "opamp-provider token create --data-dir DIR --name NAME --role viewer --expires 90d"
                : "the session has ended; begin another with a token", error: nil)
    }

    /// Who a token stands for.
    ///
    /// - Throws: 401 with what is wrong, 429 after too many wrong ones from this address.
    func identify(
        _ token: some StringProtocol, from address: String, at now: Moment
    ) async throws(Refusal) -> Identity {
        guard token.utf8.count <= Self.tokenLimit else { throw failed("the token is too long to be one", address, now) }
        if let issuer, JWT.isLike(token) { return try await identify(token, by: issuer, from: address, at: now) }
        let digest = TokenSecret.digest(of: token)
        let found = state.withLock { state in
            let found = state.book.token(digest)
            if let found, found.state(at: now.wall) == .active { state.book.note(use: found.id, at: now.wall) }
            return found
        }
        guard let found else { throw failed("the token is not known here", address, now) }
        switch found.state(at: now.wall) {
        case .active: break
        case .revoked: throw failed("the token was revoked; ask for a new one", address, now, name: found.name)
        case .expired: throw failed("the token has expired; ask for a new one", address, now, name: found.name)
        }
        return Identity(
            name: found.name, role: found.role, kind: .token, tokenID: found.id, expiresAt: found.expiresAt)
    }

    private func identify(
        _ token: some StringProtocol, by issuer: JWTIssuer, from address: String, at now: Moment
    ) async throws(Refusal) -> Identity {
        let wait = state.withLock { $0.failures.wait(address, at: now) }
        do throws(JWTIssuer.Refusal) {
            return try await issuer.identify(token, isLimited: wait != nil, at: now)
        } catch {
            switch error {
            case .invalid(let reason): throw failed(reason, address, now)
            case .notNow: throw Self.tooMany(wait ?? FailureLimiter.interval)
            case .noRole(let name):
                let claim = issuer.rules.roleClaim
                let entry = AuditEntry(
                    at: now.wall, by: name, from: address, action: "authenticate", target: "token",
                    outcome: "403 Forbidden", detail: "no role in the claim \(claim)")
                note(entry, key: name + " " + FailureLimiter.network(of: address), at: now)
                let allowed = Role.allCases.map(\.rawValue)
                throw Refusal(
                    problem: .refused(
                        403, "Forbidden", field: claim, value: nil,
                        "the token gives no role here: its claim \(claim) must be one of "
                            + "\(allowed.joined(separator: ", ")), or a list with one", allowed: allowed))
            case .unavailable:
                throw Refusal(
                    problem: Problem(
                        503, "Service Unavailable",
                        detail: "the keys of the identity provider could not be read; try again later"),
                    fields: [.retryAfter: "10"])
            }
        }
    }

    /// A session that is still good, and the token that it was begun with too.
    func session(_ secret: String, at now: Timestamp) -> Sessions.Session? {
        state.withLock { state in
            guard let session = state.sessions.session(secret, at: now) else { return nil }
            guard let id = session.tokenID else { return session }
            guard state.book.token(id: id)?.state(at: now) == .active else { return nil }
            state.book.note(use: id, at: now)
            return session
        }
    }

    // MARK: - Refusals

    /// Notes a wrong token; the refusal is 429 when there were too many.
    ///
    /// - Parameter name: whose token it was, where that is known.
    func failed(_ reason: String, _ address: String, _ now: Moment, name: String = "unknown") -> Refusal {
        let wait = state.withLock { state in
            let wait = state.failures.wait(address, at: now)
            // Who goes on while it has to wait is told what is wrong in the end, too.
            if wait == nil { state.failures.failed(address, at: now) }
            return wait
        }
        let entry = AuditEntry(
            at: now.wall, by: name, from: address, action: "authenticate", target: "token",
            outcome: "401 Unauthorized", detail: reason)
        note(entry, key: FailureLimiter.network(of: address), at: now)
        if let wait { return Self.tooMany(wait) }
        return Self.unauthorized(reason, error: "invalid_token")
    }

    /// The refusal of something that the caller's role does not allow.
    ///
    /// - Parameter what: the request, as method and path.
    func forbidden(_ what: String, to caller: Caller, needing role: Role, at now: Moment = .now()) -> Problem {
        let entry = AuditEntry(
            at: now.wall, by: caller.name, from: caller.address, action: "request", target: what,
            outcome: "403 Forbidden", detail: "needs the role \(role.rawValue)")
        note(entry, key: caller.name + " " + FailureLimiter.network(of: caller.address), at: now)
        return .missingRole(role, has: caller.role)
    }

    /// Records what somebody is about to do; on disk when this returns.
    ///
    /// - Throws: 507 when it could not be written: then it must not be done.
    func record(
        _ action: String, _ target: String, detail: String?, by caller: Caller, at now: Moment = .now()
    ) async throws(Problem) {
        let entry = AuditEntry(
            at: now.wall, by: caller.name, from: caller.address, action: action, target: target, outcome: "done",
            detail: detail)
        do { try await store.commit([.audit(entry)]) } catch {
            throw Problem(507, "Not stored", detail: "it could not be recorded, and so was not done")
        }
    }

    static func unauthorized(_ reason: String, error: String?) -> Refusal {
        let challenge = error.map { "\(realm), error=\"\($0)\"" } ?? realm
        return Refusal(
            problem: .refused(401, "Unauthorized", field: "Authorization", value: nil, reason),
            fields: [.wwwAuthenticate: challenge])
    }

    static func tooMany(_ wait: Duration) -> Refusal {
        let seconds = wait.components.seconds + 1
        return Refusal(
            problem: Problem(
                429, "Too Many Requests", detail: "too many wrong tokens from this address; try again in \(seconds) s"),
            fields: [.retryAfter: "\(seconds)"])
    }

    private func note(_ entry: AuditEntry, key: String, at now: Moment) {
        write(state.withLock { $0.refusals.take(entry, key: key, at: now) })
    }

    private func write(_ entries: [AuditEntry]) {
        guard !entries.isEmpty else { return }
        store.write(entries.map { .audit($0) })
        for entry in entries {
            logger.notice(
                "refused",
                metadata: [
                    "by": "\(entry.by)", "from": "\(entry.from)", "outcome": "\(entry.outcome)",
                    "reason": "\(entry.detail ?? "")",
                ])
        }
    }
}

extension Doorkeeper: Service {
    private static let saveInterval = Duration.seconds(600)

    /// Looks for what others change in the database until the service is stopped; then writes what is left.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.watchTime() }
                if let issuer = self.issuer { group.addTask { await issuer.watchTime() } }
            }
        }
        saveUses()
        write(state.withLock { $0.refusals.flush(at: .now(), isAtOnce: true) })
    }

    private func watchTime() async {
        var savedAt = Moment.now()
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            let now = Moment.now()
            store.soon { self.look() }
            write(state.withLock { $0.refusals.flush(at: now) })
            if now.monotonic - savedAt.monotonic >= Self.saveInterval.nanoseconds {
                saveUses()
                savedAt = now
            }
        }
    }

    /// Reads the tokens again if another process has written to the database. On the store's queue.
    func look() {
        do {
            let version = try store.foreignVersion()
            guard version != state.withLock({ $0.version }) else { return }
            let tokens = try store.tokens()
            state.withLock { state in
                state.version = version
                state.book.replace(tokens)
            }
        } catch {
            logger.error("the former tokens stay in force", metadata: ["reason": "\(error)"])
        }
    }

    /// Writes when tokens were used, as far as that is not written.
    func saveUses() {
        let uses = state.withLock { $0.book.takeUses() }
        if !uses.isEmpty { store.write([.tokensUsed(uses)]) }
    }
}

extension Problem {
    /// The refusal of something that needs another role.
    static func missingRole(_ needed: Role, has role: Role) -> Problem {
        .refused(
            403, "Forbidden", field: "role", value: role.rawValue, "this needs the role \(needed.rawValue)",
            allowed: Role.allCases.filter { $0 >= needed }.map(\.rawValue))
    }
}
