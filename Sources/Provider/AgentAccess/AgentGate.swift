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
        fileprivate var certificate: ClientCertificate?
        fileprivate var isVoid = false

        /// Nothing is let in with it any more.
        static let void = Pass(credential: .none, isVoid: true)

        /// Whether the file still holds the token that it was let in with, where that was one of a file, and its
        /// certificate still counts, where it was let in with one.
        var isInForce: Bool { !isVoid && grant?.isInForce() ?? true && certificate?.isInForce() ?? true }
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

    /// What the values of the Authorization fields, or the certificate of the connection, let in with; nil: nothing.
    /// Counts nothing.
    func pass(_ authorization: [String], _ certificate: ClientCertificate? = nil, at now: Moment = .now()) -> Pass? {
        try? found(authorization, certificate, at: now)
    }

    /// The same for a request that is answered if it is refused: that counts as a failure of its address.
    ///
    /// - Throws: 401 with what is wrong, 429 after too many failures. What is right is let in all the same.
    func enter(
        _ authorization: [String], _ certificate: ClientCertificate? = nil, from address: String?,
        at now: Moment = .now()
    ) throws(Refusal) -> Pass {
        do throws(FleetState.TokenRefusal) { return try found(authorization, certificate, at: now) } catch {
            fleet.metrics.refusedAgents.add(1)
            throw failed(error.reason, address ?? "unknown", now)
        }
    }

    /// A certificate that names an agent comes before any token, another one only where no token is shown. A token of
    /// ours that lets nobody in is refused even where none is needed; what is not ours is nobody's then.
    private func found(
        _ authorization: [String], _ certificate: ClientCertificate?, at now: Moment
    ) throws(FleetState.TokenRefusal) -> Pass {
        if let certificate, certificate.isInForce(at: now) {
            if let uid = certificate.uid { return Pass(credential: .certificate(uid), certificate: certificate) }
            if authorization.isEmpty { return Pass(credential: .shared, certificate: certificate) }
        }
        if let tokens, tokens.accept(authorization, at: now) {
            return Pass(credential: .shared, grant: tokens.grant(authorization))
        }
        if authorization.count == 1, let token = Credentials.bearerToken(authorization[0]),
            let credential = try fleet.credential(of: token, at: now)
        {
            return Pass(credential: credential)
        }
        if !isRequired { return Pass(credential: .none) }
        throw FleetState.TokenRefusal(reason: "agents need an Authorization header with a bearer token")
    }

    private func failed(_ reason: String, _ address: String, _ now: Moment) -> Refusal {
        let wait = failures.withLock { failures in
            let wait = failures.wait(address, at: now)
            // Who goes on while it has to wait is told what is wrong in the end, too.
            if wait == nil { failures.failed(address, at: now) }
            return wait
        }
        fleet.noteRefused(by: "agent", from: address, 401, reason, target: "agent", at: now)
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
