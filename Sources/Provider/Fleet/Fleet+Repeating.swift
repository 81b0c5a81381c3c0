import Crypto
import FleetAPI
import Foundation
import JSON

/// What a person asks for of what is offered to an agent, as the audit and keys name it.
struct OfferAct: Sendable {
    /// A verb of the audit.
    let verb: String
    /// The name of the command that carries the offer.
    let what: String
    /// A reference to the agent.
    let agent: String
    let body: JSON
    let caller: Caller
    /// The key under which the caller may repeat the request.
    let idempotencyKey: String?
}

/// A request that its caller may repeat under a key of its own, and that gets the answer of then.
struct RepeatableRequest: Sendable {
    let key: IdempotencyKey
    /// What is asked for, so that the key is not taken for another request. A hash: bodies are large and hold secrets.
    let digest: String
    /// See `Store.keyTime`.
    let at: Timestamp

    /// nil for a request without a key.
    init?(_ act: OfferAct, at time: Timestamp) {
        guard let key = act.idempotencyKey else { return nil }
        self.key = IdempotencyKey(caller: act.caller.name, key: key)
        let body = hex(SHA256.hash(data: Data(act.body.text.utf8)))
        (digest, at) = ("\(act.verb) \(act.what) \(body) \(act.agent)", time)
    }

    /// That the key stands for this command; the empty id stands for none.
    func standing(for commandID: String) -> Change {
        .idempotency(caller: key.caller, key: key.key, request: digest, command: commandID, at: at)
    }
}

extension Fleet {
    /// Carries an act out, unless it was under its key before; notes it when it is refused by a decision.
    ///
    /// - Parameters:
    ///   - answer: gives the answer again, by what the key stands for.
    ///   - body: files what the key stands for with what it does, where the act has a key.
    /// - Throws: what they throw, 409 while the same request is under way, 422 for a key used for another request.
    func once<Answer: Sendable>(
        _ act: OfferAct, again answer: (_ id: String) async throws(Problem) -> Answer,
        _ body: (RepeatableRequest?) async throws(Problem) -> Answer
    ) async throws(Problem) -> Answer {
        try await notingRefusal(of: act.verb, auditTarget(act.agent), detail: act.what, by: act.caller) {
            () async throws(Problem) -> Answer in
            guard let request = RepeatableRequest(act, at: store.keyTime(at: .now())) else {
                return try await body(nil)
            }
            try reserve(request.key)
            defer { release(request.key) }
            guard let id = try await earlier(request.key, request.digest) else { return try await body(request) }
            return try await answer(id)
        }
    }

    /// The same for what queues a command: again it gives the command of then, as it is now.
    func once(
        _ act: OfferAct, _ body: (RepeatableRequest?) async throws(Problem) -> Command
    ) async throws(Problem) -> Command {
        try await once(act, again: { id async throws(Problem) in try await command(id, wait: .zero) }, body)
    }
}
