package import SwiftProtobuf

/// One of the two messages of the protocol, as bytes of either transport and back.
///
/// A frame is the payload of one WebSocket message: the varint header 0, then the protobuf. A body is that of an
/// HTTP request or answer: the bare protobuf.
/// Spec: OpAMP, "WebSocket Message Format" and "Plain HTTP Transport".
package protocol OpAMPMessage: SwiftProtobuf.Message {}

extension AgentToServer: OpAMPMessage {}
extension ServerToAgent: OpAMPMessage {}

/// The most bytes of one message where the caller sets no limit of its own: 4 MiB, header included.
package let defaultMessageLimit = 4 << 20

extension OpAMPMessage {
    /// Decodes the payload of one WebSocket message.
    ///
    /// Messages of old clients, which have no header, are read too: no protobuf message begins with a byte below 8.
    package init(frame: some Collection<UInt8>, limit: Int = defaultMessageLimit) throws(OpAMPError) {
        guard frame.count <= limit else { throw .tooLarge(bytes: frame.count, limit: limit) }
        try self.init(whole: Array(frame))
    }

    private init(whole frame: [UInt8]) throws(OpAMPError) {
        switch frame.first {
        case nil: throw .empty
        case 0: try self.init(protobuf: Array(frame.dropFirst()))
        case let header? where header < 8: throw .unsupportedHeader(header)
        default: try self.init(protobuf: frame)
        }
    }

    /// Decodes an HTTP body. No byte at all is a message without any field set.
    package init(body: some Collection<UInt8>, limit: Int = defaultMessageLimit) throws(OpAMPError) {
        guard body.count <= limit else { throw .tooLarge(bytes: body.count, limit: limit) }
        try self.init(protobuf: Array(body))
    }

    /// The payload of one WebSocket message.
    package func frame(limit: Int = defaultMessageLimit) throws(OpAMPError) -> [UInt8] {
        [0] + (try body(limit: limit - 1))
    }

    /// The body of an HTTP request or answer.
    package func body(limit: Int = defaultMessageLimit) throws(OpAMPError) -> [UInt8] {
        let bytes: [UInt8]
        do {
            bytes = try serializedBytes()
        } catch {
            throw .malformed(reason: "\(error)")
        }
        guard bytes.count <= limit else { throw .tooLarge(bytes: bytes.count, limit: limit) }
        return bytes
    }

    private init(protobuf: [UInt8]) throws(OpAMPError) {
        do {
            try self.init(serializedBytes: protobuf)
        } catch {
            throw .malformed(reason: "\(error)")
        }
    }
}
