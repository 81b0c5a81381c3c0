/// Why bytes are not an OpAMP message we accept, or a message cannot be sent.
package enum OpAMPError: Error, Equatable, CustomStringConvertible {
    /// A WebSocket message without a byte, not even the header.
    case empty
    /// A WebSocket message whose header is not 0.
    case unsupportedHeader(UInt8)
    /// Longer than the limit; nothing of it was decoded.
    case tooLarge(bytes: Int, limit: Int)
    /// Not the protobuf it should be: cut, wrong wire types, text that is not UTF-8, nested too deeply.
    case malformed(reason: String)
    /// The `data` of a custom message that is not what its capability defines.
    case malformedData(reason: String)

    package var description: String {
        switch self {
        case .empty: "an empty WebSocket message; expected a header of 0 and a protobuf message"
        case .unsupportedHeader(let header): "WebSocket message header \(header); only 0 is defined"
        case .tooLarge(let bytes, let limit): "a message of \(bytes) bytes; the limit is \(limit)"
        case .malformed(let reason): "not an OpAMP message: \(reason)"
        case .malformedData(let reason): "custom message data: \(reason)"
        }
    }
}
