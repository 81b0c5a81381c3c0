import FleetAPI
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

extension Stage {
    static let people = Caller(name: "ann", address: "10.0.0.1:5")

    /// Makes an enrolment.
    @discardableResult
    mutating func enrolment(uses: Int = 1, expires: String = "24h") throws -> IssuedEnrolment {
        let request = EnrolmentRequest(name: "rack-7", expires: expires, uses: uses)
        let made = try StoredEnrolment.make(request, by: "ann", at: now.wall)
        state.enrolments.insert(made.stored)
        return made.issued
    }

    /// What a token lets in with.
    func credential(_ token: String) throws -> AgentCredential {
        let form = try #require(AgentSecret.form(of: token))
        return try state.credential(form.kind, form.id, TokenSecret.digest(of: token), at: now.wall)
    }

    /// A WebSocket, or an exchange over HTTP, that showed a token.
    func link(_ token: String, over transport: AgentTransport) throws -> Link {
        let credential = try credential(token)
        let push: (@Sendable (ServerToAgent) -> Void)?
        if transport == .http { push = nil } else { push = { _ in } }
        return Link(transport: transport, remoteAddress: "10.1.2.3:4", credential: credential, push: push)
    }

    /// The token that was handed over last, with its hash.
    func handedOver() throws -> (token: String, hash: ContentHash) {
        let content = try #require(effects.deliveries.last?.content ?? effects.reoffers.last?.contents.last)
        return (try #require(content.token).text, content.hash)
    }

    /// Forgets what followed so far.
    mutating func forgetEffects() { effects = FleetState.Effects() }

    /// Enrols an agent and has it show its token.
    ///
    /// - Returns: the token, and a link that showed it.
    mutating func verified(
        _ agent: inout Reporter, over transport: AgentTransport = .http
    ) throws -> (token: String, link: Link) {
        let issued = try enrolment()
        send(agent.full(), over: try link(issued.token, over: transport))
        let token = try handedOver().token
        let own = try link(token, over: transport)
        let reply = reply(to: agent.full(), over: own)
        try #require(reply.ending == nil && !reply.message.hasErrorResponse, "\(reply)")
        return (token, own)
    }

    /// The outcomes in the audit so far, with what was done.
    var audit: [AuditEntry] {
        effects.changes.compactMap { if case .audit(let entry) = $0 { entry } else { nil } }
    }

    func identity(_ uid: InstanceUID) -> AgentIdentity? { vitals(uid)?.identity }
}

extension Reporter {
    /// One that can be offered a token, and says what became of settings.
    static func enrolling(_ number: UInt64 = 1) -> Reporter {
        var agent = Reporter(number)
        agent.capabilities.formUnion([
            .acceptsOpAMPConnectionSettings, .reportsConnectionSettingsStatus, .reportsHeartbeat,
        ])
        return agent
    }
}
