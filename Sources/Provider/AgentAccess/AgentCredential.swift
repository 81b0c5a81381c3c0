package import Crypto
package import OpAMP

/// What an agent's connection showed of who it is. The one place where kinds of credentials are told apart.
///
/// `AgentGate` makes it of what a connection or a request shows, before any message is read; `FleetState` asks with
/// each message, once the uid is known, whether it allows to speak under that uid.
package enum AgentCredential: Sendable, Equatable {
    /// Nothing of this provider's; only where agents need nothing.
    case none
    /// What many agents know: it lets in under any uid that no agent has proved to be its own.
    case shared
    /// An enrolment token, by its id: it lets in under the uid that it was used for, until that agent has shown a token
    /// of its own.
    case enrolment(UInt64)
    /// The token of one agent, by its id and its digest: it lets in under the uid that it is bound to, wherever that
    /// moves.
    case token(UInt64, SHA256Digest)
    /// A client certificate that names one agent: it lets in under that uid.
    case certificate(InstanceUID)
}
