import Crypto
import FleetAPI
import Glibc
package import Logging
import Synchronization

/// The bearer tokens of agents, from a file that is read again when it changes. Only their digests are kept.
///
/// A changed file that cannot be used leaves the former tokens in force, and the log says why.
package final class AgentTokens: Sendable {
    /// The file is looked at no more often.
    private static let checkInterval = Duration.seconds(1)

    /// The token that a connection was opened with, as 8 bytes of its digest.
    struct Grant: Sendable {
        fileprivate let tokens: AgentTokens
        fileprivate let id: UInt64

        /// Whether the file still holds the token.
        func isInForce(at now: Moment = .now()) -> Bool { tokens.holds(id, at: now) }
    }

    private struct State {
        var digests: [SHA256Digest] { didSet { ids = Set(digests.map(\.id)) } }
        private(set) var ids: Set<UInt64>
        var version: AgentTokenFile.Version
        /// On the monotonic clock.
        var checkedAt: Int64

        init(_ file: AgentTokenFile, at now: Moment) {
            (digests, version, checkedAt) = (file.digests, file.version, now.monotonic)
            ids = Set(digests.map(\.id))
        }
    }

    private let path: String
    private let logger: Logger
    private let state: Mutex<State>

    /// - Throws: when the file cannot be used.
    package init(path: String, logger: Logger) throws(AgentTokenFile.Unusable) {
        let file = try AgentTokenFile(path: path)
        (self.path, self.logger) = (path, logger)
        state = Mutex(State(file, at: .now()))
    }

    /// Whether the values of the Authorization fields are one of the tokens. The time it takes tells nothing about them.
    ///
    /// Spec: RFC 6750, section 2.1.
    func accept(_ authorization: [String], at now: Moment = .now()) -> Bool {
        let digests = state.withLock { state in
            readAgain(&state, at: now)
            return state.digests
        }
        guard authorization.count == 1, let token = Self.token(in: authorization[0]) else { return false }
        let shown = SHA256.hash(data: Array(token.utf8))
        var isAccepted = false
        // Equality of digests takes the same time whatever they are, and all are compared.
        for digest in digests where digest == shown { isAccepted = true }
        return isAccepted
    }

    /// What a connection that showed these values of the Authorization fields is bound to: it ends when the file does not
    /// hold the token any more.
    func grant(_ authorization: [String]) -> Grant {
        let token = authorization.first.flatMap { Self.token(in: $0) } ?? ""
        return Grant(tokens: self, id: SHA256.hash(data: Array(token.utf8)).id)
    }

    private func holds(_ id: UInt64, at now: Moment) -> Bool {
        state.withLock { state in
            readAgain(&state, at: now)
            return state.ids.contains(id)
        }
    }

    private func readAgain(_ state: inout State, at now: Moment) {
        guard now.monotonic - state.checkedAt >= Self.checkInterval.nanoseconds else { return }
        state.checkedAt = now.monotonic
        guard let version = AgentTokenFile.Version(of: path), version != state.version else { return }
        // A file that cannot be used is reported once, not each second.
        state.version = version
        do {
            let file = try AgentTokenFile(path: path)
            (state.digests, state.version) = (file.digests, file.version)
            logger.notice("tokens of agents read again", metadata: ["count": "\(file.digests.count)"])
        } catch {
            logger.error("the former tokens of agents stay in force", metadata: ["reason": "\(error)"])
        }
    }

    private static func token(in authorization: String) -> Substring? { Credentials.bearerToken(authorization) }
}

extension SHA256Digest {
    /// The first 8 bytes.
    fileprivate var id: UInt64 { withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) } }
}
