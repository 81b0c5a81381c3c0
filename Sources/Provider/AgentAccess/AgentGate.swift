import FleetAPI
import HTTPTypes
import Synchronization

/// Lets agents in by what they show: asked before an upgrade, and for each request over plain HTTP.
///
/// What people show opens nothing here, and what agents show opens nothing of the API.
package final class AgentGate: Sendable {
    /// With what a connection was let in.
    struct Pass: Sendable {
        let credential: AgentCredential
        fileprivate var grant: AgentTokens.Grant?
        fileprivate var isVoid = false

        /// Nothing is let in with it any more.
        static let void = Pass(credential: .none, isVoid: true)

        /// Whether the file still holds the token that it was let in with, where that was one of a file.
        var isInForce: Bool { !isVoid && grant?.isInForce() ?? true }
    }

    /// An answer that ends a request.
    struct Refusal: Error {
        let problem: Problem
        var fields: HTTPFields = [:]
    }

    /// What a refused request is told. Spec: RFC 6750, section 3.
    private static let challenge = #"Bearer realm="opamp""#

    private let fleet: Fleet
    private let tokens: AgentTokens?
    /// Whether every agent must show something.
    package let isRequired: Bool
    private let failures = Mutex(FailureLimiter())

    /// - Parameters:
    ///   - tokens: those that many agents share; nil: there are none.
    ///   - isRequired: whether agents that show nothing are refused.
    package init(fleet: Fleet, tokens: AgentTokens? = nil, isRequired: Bool) {
        (self.fleet, self.tokens, self.isRequired) = (fleet, tokens, isRequired)
    }

    /// What the values of the Authorization fields let in with; nil: nothing. Counts nothing.
    func pass(_ authorization: [String]) -> Pass? {
        if let tokens, tokens.accept(authorization) {
            return Pass(credential: .shared, grant: tokens.grant(authorization))
        }
        return isRequired ? nil : Pass(credential: .none)
    }

    /// The same for a request that is answered if it is refused: that counts as a failure of its address.
    ///
    /// - Throws: 401 with what is wrong, 429 after too many failures. What is right is let in all the same.
    func enter(
        _ authorization: [String], from address: String?, at now: Moment = .now()
    ) throws(Refusal) -> Pass {
        if let pass = pass(authorization) { return pass }
        fleet.metrics.refusedAgents.add(1)
        throw failed("agents need an Authorization header with a bearer token", address ?? "unknown", now)
    }

    private func failed(_ reason: String, _ address: String, _ now: Moment) -> Refusal {
        let wait = failures.withLock { failures in
            defer { failures.failed(address, at: now) }
            return failures.wait(address, at: now)
        }
        if let wait {
            let seconds = wait.components.seconds + 1
            return Refusal(
                problem: Problem(
                    429, "Too Many Requests",
                    detail: "too many agents of this address had no token, or a wrong one; try again in \(seconds) s"),
                fields: [.retryAfter: "\(seconds)"])
        }
        return Refusal(
            problem: Problem(401, "Unauthorized", detail: reason), fields: [.wwwAuthenticate: Self.challenge])
    }
}
