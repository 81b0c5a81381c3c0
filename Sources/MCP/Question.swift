import JSON

/// Asks a person for a yes or a no, through the client.
///
/// The form has no fields: clients show such a question as two buttons. With a required tick some take Accept for a
/// form that was not filled in, and others accept without the tick.
/// Spec: MCP 2025-06-18 and 2025-11-25, client/elicitation; MCP 2026-07-28, basic "Multi round-trip requests".
struct Question: Error, Sendable, Equatable {
    let message: String

    static let method = "elicitation/create"

    var params: JSON {
        ["message": .string(message), "requestedSchema": ["type": "object", "properties": [:]]]
    }

    /// Whether a client's capabilities say that it can ask: an empty object means forms, too.
    static func isPossible(with capabilities: JSON?) -> Bool {
        guard let elicitation = capabilities?["elicitation"]?.object else { return false }
        return elicitation.members.isEmpty || elicitation["form"]?.object != nil
    }
}

extension Consent {
    /// - Parameter result: the client's answer to a question; nil when it is none.
    init?(result: JSON?) {
        switch result?["action"] {
        case "accept": self = .accepted
        case "decline": self = .declined
        case "cancel": self = .cancelled
        default: return nil
        }
    }
}
