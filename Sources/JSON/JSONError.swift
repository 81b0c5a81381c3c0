/// Why bytes are not the JSON we accept, or a value cannot be written.
package enum JSONError: Error, Equatable, CustomStringConvertible {
    /// Not JSON, or JSON with something refused on purpose: a duplicate key, a lone surrogate, `\u0000`,
    /// an integer beyond 64 bits. `position` is a byte offset.
    case invalid(reason: String, position: Int)
    case tooDeep(limit: Int)
    case tooLong(limit: Int)
    /// A number that JSON cannot express: infinite, or not a number.
    case notWritable

    package var description: String {
        switch self {
        case .invalid(let reason, let position): "not valid JSON at byte \(position): \(reason)"
        case .tooDeep(let limit): "JSON nested deeper than \(limit) levels"
        case .tooLong(let limit): "JSON longer than \(limit) bytes"
        case .notWritable: "a value that JSON cannot express"
        }
    }
}
