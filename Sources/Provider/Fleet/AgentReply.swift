package import OpAMP

/// What a message of an agent is answered with.
package struct AgentReply: Sendable, Equatable {
    /// How a conversation ends with its answer.
    package enum Ending: Sendable, Equatable {
        /// The agent may not speak to this server: HTTP 403, WebSocket close 1008.
        case forbidden
        /// What the agent said cannot be accepted from it at all: HTTP 400, WebSocket close 1008.
        case refused
    }

    package var message: ServerToAgent
    /// nil: the conversation goes on.
    package var ending: Ending?

    package init(_ message: ServerToAgent, ending: Ending? = nil) {
        (self.message, self.ending) = (message, ending)
    }
}
