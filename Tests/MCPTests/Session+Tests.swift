import JSON

@testable import MCP

/// A session that nothing was said in.
func fresh(callLimit: Int = 16) -> Session {
    Session(
        info: sampleInfo, instructions: "Be kind.", tools: sampleTools.map { (name: $0.name, listing: $0.listing) },
        callLimit: callLimit)
}

/// A session after its handshake.
func initialized(_ version: String = "2025-11-25", capabilities: JSON = [:]) -> Session {
    var session = fresh()
    _ = session.answer(initialize(version, capabilities: capabilities))
    return session
}

extension Session {
    /// All that one message leads to.
    mutating func steps(_ message: JSON, at now: ContinuousClock.Instant = .now) -> [Step] {
        receive(Array(message.text.utf8), at: now)
    }

    /// What one message leads to, if it is one step.
    mutating func step(_ message: JSON, at now: ContinuousClock.Instant = .now) -> Step? {
        let steps = steps(message, at: now)
        return steps.count == 1 ? steps[0] : nil
    }

    mutating func answer(_ line: String) -> JSON? {
        let steps = receive(Array(line.utf8))
        guard steps.count == 1, case .answer(let message) = steps[0] else { return nil }
        return message
    }

    mutating func answer(_ message: JSON) -> JSON? { answer(message.text) }

    mutating func code(_ message: JSON) -> JSON? { answer(message)?["error"]?["code"] }

    struct NotStarted: Error {
        let steps: [Step]
    }

    /// Starts the call that a message asks for.
    mutating func start(_ message: JSON, at now: ContinuousClock.Instant = .now) throws -> Call {
        let steps = steps(message, at: now)
        guard steps.count == 1, case .start(let call) = steps[0] else { throw NotStarted(steps: steps) }
        return call
    }
}
