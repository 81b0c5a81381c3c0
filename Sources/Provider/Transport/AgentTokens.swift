import Crypto
import FleetAPI
import Glibc
package import Logging
import Synchronization

/// The bearer tokens of agents, from a file that is read again when it changes. Only their digests are kept.
///
/// A changed file that cannot be used leaves the former tokens in force, and the log says why.
package final class AgentTokens: Sendable {
    /// What a refused request is told.
    package static let challenge = #"Bearer realm="opamp""#

    /// The file is looked at no more often.
    private static let checkInterval = Duration.seconds(1)

    private struct State {
        var digests: [SHA256Digest]
        var version: AgentTokenFile.Version
        /// On the monotonic clock.
        var checkedAt: Int64
    }

    private let path: String
    private let logger: Logger
    private let state: Mutex<State>

    /// - Throws: when the file cannot be used.
    package init(path: String, logger: Logger) throws(AgentTokenFile.Unusable) {
        let file = try AgentTokenFile(path: path)
        (self.path, self.logger) = (path, logger)
        state = Mutex(State(digests: file.digests, version: file.version, checkedAt: Moment.now().monotonic))
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

    private static func token(in authorization: String) -> Substring? {
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return parts[1].drop { $0 == " " }
    }
}
