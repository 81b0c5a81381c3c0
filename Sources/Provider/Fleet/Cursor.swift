import FleetAPI
import OpAMP

/// Where a page of agents ended: the number its last agent was ordered by, and that agent.
///
/// Opaque to clients, and short: it costs them tokens.
struct Cursor {
    let number: Int64
    let reference: String

    var text: String { "\(String(number, radix: 36)).\(reference)" }

    init(number: Int64, reference: String) {
        (self.number, self.reference) = (number, reference)
    }

    /// - Throws: 400 when the text is no cursor of ours.
    init(_ text: String) throws(Problem) {
        let parts = text.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let number = Int64(parts[0], radix: 36) else { throw Self.invalid(text) }
        self.init(number: number, reference: String(parts[1]))
    }

    static func invalid(_ text: String) -> Problem {
        var problem = Problem(
            400, "Invalid cursor",
            detail: "the cursor is not from an answer of this fleet, or its agent is gone; "
                + "ask for the first page again, without a cursor"
        )
        (problem.field, problem.value) = ("cursor", text)
        return problem
    }
}
