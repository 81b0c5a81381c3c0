/// Why bytes could not be decompressed.
package enum CompressionError: Error, Equatable, CustomStringConvertible {
    /// Not what it should be: no such header, cut short, a wrong checksum, bytes after the end.
    case malformed(reason: String)
    /// It would unpack to more than the limit, in bytes.
    case tooLarge(limit: Int)
    /// Whoever was asked did not let the result grow.
    case noRoom

    package var description: String {
        switch self {
        case .malformed(let reason): "malformed compressed bytes: \(reason)"
        case .tooLarge(let limit): "unpacks to more than \(limit) bytes"
        case .noRoom: "no memory is left to unpack it"
        }
    }
}
