package import JSON

/// What a doctor found out about one thing.
package struct Finding: Sendable, Equatable {
    package enum Outcome: String, Sendable {
        case ok, warn, fail
    }

    /// What was looked at.
    package let check: String
    package let outcome: Outcome
    package let text: String
    /// The way out; nil where none is needed.
    package let advice: String?

    package init(_ check: String, _ outcome: Outcome, _ text: String, _ advice: String? = nil) {
        (self.check, self.outcome, self.text, self.advice) = (check, outcome, text, advice)
    }

    package var json: JSON {
        var object: JSON.Object = .init()
        object["check"] = .string(check)
        object["outcome"] = .string(outcome.rawValue)
        object["text"] = .string(text)
        object["advice"] = advice.map { .string($0) }
        return .object(object)
    }

    /// One line, and the way out on a second one.
    package var description: String {
        let word = outcome.rawValue + String(repeating: " ", count: 5 - outcome.rawValue.count)
        return "\(word) \(check): \(text)" + (advice.map { "\n      \($0)" } ?? "")
    }
}
