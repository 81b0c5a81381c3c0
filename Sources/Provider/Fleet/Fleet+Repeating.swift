import Crypto
import FleetAPI
import Foundation
import JSON

/// A request that its caller may repeat under a key of its own, and that gets the answer of then.
struct RepeatableRequest: Sendable {
    let key: IdempotencyKey
    /// What is asked for, so that the key is not taken for another request. A hash: bodies are large and hold secrets.
    let digest: String

    /// - Parameters:
    ///   - path: what is asked for, and of which agent.
    ///   - key: nil for a request without one, which then is not repeatable.
    init?(_ path: String, _ body: JSON, caller: Caller, key: String?) {
        guard let key else { return nil }
        self.key = IdempotencyKey(caller: caller.name, key: key)
        digest = path + " " + hex(SHA256.hash(data: Data(body.text.utf8)))
    }

    /// That the key stands for this command; the empty id stands for none.
    func standing(for commandID: String, at now: Moment) -> Change {
        .idempotency(caller: key.caller, key: key.key, request: digest, command: commandID, at: now.wall)
    }
}

extension Fleet {
    /// Carries a request out, unless it was under its key before.
    ///
    /// - Parameters:
    ///   - answer: gives the answer again, by what the key stands for.
    ///   - act: files what the key stands for with what it does.
    /// - Throws: what they throw, 409 while the same request is under way, 422 for a key used for another request.
    func once<Answer>(
        _ request: RepeatableRequest?, again answer: (_ id: String) async throws(Problem) -> Answer,
        _ act: () async throws(Problem) -> Answer
    ) async throws(Problem) -> Answer {
        guard let request else { return try await act() }
        try reserve(request.key)
        defer { release(request.key) }
        guard let id = try await earlier(request.key, request.digest) else { return try await act() }
        return try await answer(id)
    }

    /// The same for what queues a command: again it gives the command of then, as it is now.
    func once(
        _ request: RepeatableRequest?, _ act: () async throws(Problem) -> Command
    ) async throws(Problem) -> Command {
        try await once(request, again: { id async throws(Problem) in try await command(id, wait: .zero) }, act)
    }
}
