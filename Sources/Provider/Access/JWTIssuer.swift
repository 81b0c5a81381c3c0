import Crypto
import FleetAPI
package import Logging
import Synchronization

/// Knows people and programs by tokens of an identity provider.
///
/// Its keys are read again each five minutes from a URL, at once from a file that has changed, and, at most once a
/// minute, when a token names a key that is not known. When they cannot be read, the last good ones stay in force.
package final class JWTIssuer: Sendable {
    private static let refreshInterval = Duration.seconds(300)
    /// As long as there are no keys at all.
    private static let firstInterval = Duration.seconds(10)
    private static let unknownKeyInterval = Duration.seconds(60)
    /// Tokens whose signature is known to be right, so that it is verified once.
    static let knownLimit = 10_000

    /// Why a token stands for nobody.
    enum Refusal: Error, Equatable {
        case invalid(String)
        case noRole(name: String)
        /// Its signature would have to be verified, which costs too much for who has failed so often.
        case notNow
        /// There are no keys.
        case unavailable
    }

    private struct State {
        var keys: JWTKeys?
        var version: AgentTokenFile.Version?
        /// On the monotonic clock; nil before the first time.
        var readAt: Int64?
        var isReading = false
        /// The claims of tokens whose signature is right, by their digests.
        var known: [[UInt8]: Doorkeeper.Identity] = [:]
        var trouble: String?
    }

    let rules: JWTRules
    private let source: JWTSource
    private let logger: Logger
    private let state = Mutex(State())

    package init(source: JWTSource, rules: JWTRules, logger: Logger) {
        (self.source, self.rules, self.logger) = (source, rules, logger)
    }

    /// Reads the keys for the first time.
    ///
    /// - Throws: for a file that cannot be used. A URL that does not answer is tried again while the provider runs.
    package func start() async throws(JWTSource.Unusable) {
        await refresh(at: .now())
        if case .file = source, let trouble = state.withLock({ $0.trouble }) {
            throw JWTSource.Unusable(description: trouble)
        }
    }

    /// Who a token stands for.
    ///
    /// - Parameter isLimited: whether who shows it has failed too often lately.
    func identify(
        _ text: some StringProtocol, isLimited: Bool, at now: Moment
    ) async throws(Refusal) -> Doorkeeper.Identity {
        let digest = Array(TokenSecret.digest(of: text))
        if let identity = state.withLock({ $0.known[digest] }) {
            guard let end = identity.expiresAt, now.wall < end + JWTRules.leeway else {
                state.withLock { $0.known[digest] = nil }
                throw .invalid("the token has expired; ask for a new one")
            }
            return identity
        }
        if isLimited { throw .notNow }
        let token: JWT
        do { token = try JWT(text) } catch { throw .invalid("the token is not a JSON web token as it should be") }
        guard JWTKeys.isAllowed(token.algorithm) else {
            throw .invalid("the token is signed in a way that is not taken; RS, PS, ES and EdDSA are")
        }
        var isRight = try keys().verify(token)
        if isRight == nil, isDue(after: Self.unknownKeyInterval, at: now) {
            await refresh(at: now)
            isRight = try keys().verify(token)
        }
        guard let isRight else { throw .invalid("the token is signed with a key that the issuer does not publish") }
        guard isRight else { throw .invalid("the signature of the token is wrong") }
        let identity: Doorkeeper.Identity
        do throws(JWTRules.Refusal) { identity = try rules.identity(token.claims, at: now.wall) } catch {
            switch error {
            case .invalid(let reason): throw .invalid(reason)
            case .noRole(let name): throw .noRole(name: name)
            }
        }
        state.withLock { state in
            if state.known.count >= Self.knownLimit { state.known = [:] }
            state.known[digest] = identity
        }
        return identity
    }

    /// Looks once a second until the task is cancelled.
    func watchTime() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            await tick(at: .now())
        }
    }

    /// One look at whether the keys must be read again.
    func tick(at now: Moment) async {
        switch source {
        case .file(let path):
            let version = AgentTokenFile.Version(of: path)
            guard version != nil, version != state.withLock({ $0.version }) else { return }
        case .url:
            let hasKeys = state.withLock { $0.keys != nil }
            guard isDue(after: hasKeys ? Self.refreshInterval : Self.firstInterval, at: now) else { return }
        }
        await refresh(at: now)
    }

    private func keys() throws(Refusal) -> JWTKeys {
        guard let keys = state.withLock({ $0.keys }) else { throw .unavailable }
        return keys
    }

    private func isDue(after interval: Duration, at now: Moment) -> Bool {
        state.withLock { state in
            guard !state.isReading else { return false }
            return state.readAt.map { now.monotonic - $0 >= interval.nanoseconds } ?? true
        }
    }

    private func refresh(at now: Moment) async {
        let isMine = state.withLock { state in
            guard !state.isReading else { return false }
            (state.isReading, state.readAt) = (true, now.monotonic)
            if case .file(let path) = source { state.version = AgentTokenFile.Version(of: path) }
            return true
        }
        guard isMine else { return }
        var trouble: String?
        var keys: JWTKeys?
        do {
            keys = try await JWTKeys(try await source.read())
        } catch { trouble = "\(error)" }
        let before = state.withLock { [keys, trouble] state in
            state.isReading = false
            // What a key that is gone has signed counts no more.
            if let keys { (state.keys, state.known) = (keys, [:]) }
            defer { state.trouble = trouble }
            return state.trouble
        }
        if let trouble, trouble != before {
            logger.error(
                "keys for JSON web tokens cannot be read; the former ones stay in force",
                metadata: ["from": "\(source)", "reason": "\(trouble)"])
        } else if let keys {
            logger.debug("keys for JSON web tokens read", metadata: ["from": "\(source)", "count": "\(keys.count)"])
        }
    }
}
