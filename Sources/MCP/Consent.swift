/// What came of asking a person.
package enum Consent: Sendable, Equatable {
    case accepted
    case declined
    /// The question was dismissed, or nobody can be asked any more: the input has ended.
    case cancelled
    case timedOut
    /// The client says that it can ask, and did not: its words, or what was wrong with its answer.
    case failed(String)
    /// The client does not say that it can ask people (`elicitation`), or there is no client.
    case unsupported
}

/// Which actions a person confirms before they are done.
package enum ConfirmationPolicy: String, Sendable, CaseIterable {
    case never
    /// Those on more than one agent, and what cannot be undone: where a client can ask. The plan is what else protects.
    case bulk
    /// All; where a client cannot ask, nothing is done.
    case always
}

extension ToolCall {
    /// Goes on only where the policy lets this action be done; to be called before anything is.
    ///
    /// A handler may ask once, and is run from its start again with the answer (MCP 2026-07-28), so the message must
    /// be the same then: counts and names, no ages. Where the policy is `bulk` and the client cannot ask, it goes on.
    ///
    /// - Parameters:
    ///   - message: what will be done, to what, as a person decides it; text of agents cleaned.
    ///   - isBulk: whether the policy `bulk` includes this action.
    /// - Throws: unless a person accepts; what it throws must leave the handler.
    package func requireConfirmation(_ message: String, isBulk: Bool) async throws {
        guard policy == .always || policy == .bulk && isBulk else { return }
        switch try await confirm(message) {
        case .accepted: return
        case .declined:
            throw ToolFailure(
                "refused: declined when the client asked for confirmation; nothing was done",
                try: "if no question was shown, the client cannot ask: see --confirm")
        case .cancelled:
            throw ToolFailure(
                "refused: the question for confirmation was dismissed; nothing was done",
                try: "if no question was shown, the client cannot ask: see --confirm")
        case .timedOut:
            throw ToolFailure(
                "refused: nobody answered the question for confirmation in time; nothing was done",
                try: "repeat the call when somebody is there to answer")
        case .failed(let reason):
            throw ToolFailure(
                "refused: the client could not ask for confirmation (\(reason)); nothing was done",
                try: "use a client that can, or start with --confirm never")
        case .unsupported where policy == .bulk: return
        case .unsupported: throw CannotAsk()
        }
    }
}

/// A person must be asked, and the client does not say that it can.
struct CannotAsk: Error, CustomStringConvertible {
    let description = """
        refused: --confirm always needs a client that can ask a person (elicitation); nothing was done; use such a \
        client, or start with --confirm bulk
        """
}
