import JSON

/// What a request is known by: a string or an integer, given back with the same type and value.
///
/// Spec: MCP 2025-11-25, basic "Requests" (never null).
enum RequestID: Sendable, Hashable {
    case integer(Int)
    case string(String)

    /// - Returns: nil for a value of any other kind.
    init?(_ json: JSON?) {
        switch json {
        case .integer(let number): self = .integer(number)
        case .string(let text): self = .string(text)
        default: return nil
        }
    }

    package var json: JSON {
        switch self {
        case .integer(let number): .integer(number)
        case .string(let text): .string(text)
        }
    }
}
