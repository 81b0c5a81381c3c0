package import NIOCore
package import NIOWebSocket

/// Cuts the bytes of an agent's WebSocket into frames; knows nothing of messages.
///
/// A frame is refused by its header, before its payload is collected. Spec: RFC 6455, section 5.2.
package struct FrameReader {
    /// nil while nothing is left over.
    private var bytes: ByteBuffer?

    package init() {}

    /// How many bytes wait for the rest of their frame.
    package var heldBytes: Int { bytes?.readableBytes ?? 0 }

    package mutating func append(_ more: ByteBuffer) {
        if bytes == nil { bytes = more } else { bytes?.writeImmutableBuffer(more) }
    }

    /// Forgets what is left over.
    package mutating func clear() {
        bytes = nil
    }

    /// The next whole frame; nil when it is not all there.
    ///
    /// - Parameter limit: the most bytes of its payload; a control frame, which may come within a message, has 125.
    package mutating func next(limit: Int) throws(NIOWebSocketError) -> WebSocketFrame? {
        guard var rest = bytes, let header = Header(rest) else { return nil }
        if header.isControl {
            guard header.isFinal else { throw .fragmentedControlFrame }
            guard header.length <= 125 else { throw .multiByteControlFrameLength }
        } else {
            guard header.length <= UInt64(limit) else { throw .invalidFrameLength }
        }
        // One owner at a time, so that reading does not copy what is there.
        bytes = nil
        guard rest.readableBytes >= header.size + Int(header.length) else {
            bytes = Self.withoutSlack(rest)
            return nil
        }
        let mask = rest.getSlice(at: rest.readerIndex + header.size - header.maskSize, length: header.maskSize)
        rest.moveReaderIndex(forwardBy: header.size)
        let payload = rest.readSlice(length: Int(header.length)) ?? ByteBuffer()
        if rest.readableBytes > 0 { bytes = rest }
        return WebSocketFrame(
            fin: header.isFinal, rsv1: header.first & 0x40 != 0, rsv2: header.first & 0x20 != 0,
            rsv3: header.first & 0x10 != 0, opcode: header.opcode,
            maskKey: header.maskSize == 0 ? nil : mask.flatMap { WebSocketMaskingKey($0.readableBytesView) },
            data: payload)
    }

    /// A few bytes do not keep the large buffer in memory in which they came.
    private static func withoutSlack(_ rest: ByteBuffer) -> ByteBuffer {
        rest.storageCapacity > 4 * rest.readableBytes + 256 ? ByteBuffer(rest.readableBytesView) : rest
    }

    /// The bytes before a payload.
    private struct Header {
        let first: UInt8
        let length: UInt64
        let maskSize: Int
        /// Of the whole header.
        let size: Int

        /// nil when it is not all there.
        init?(_ bytes: ByteBuffer) {
            let start = bytes.readerIndex
            guard let first = bytes.getInteger(at: start, as: UInt8.self),
                let second = bytes.getInteger(at: start + 1, as: UInt8.self)
            else { return nil }
            self.first = first
            maskSize = second & 0x80 == 0 ? 0 : 4
            let extra: Int
            switch second & 0x7f {
            case 126:
                guard let value = bytes.getInteger(at: start + 2, as: UInt16.self) else { return nil }
                (length, extra) = (UInt64(value), 2)
            case 127:
                guard let value = bytes.getInteger(at: start + 2, as: UInt64.self) else { return nil }
                (length, extra) = (value, 8)
            case let value: (length, extra) = (UInt64(value), 0)
            }
            size = 2 + extra + maskSize
            guard bytes.readableBytes >= size else { return nil }
        }

        var isFinal: Bool { first & 0x80 != 0 }
        var isControl: Bool { first & 0x08 != 0 }
        // Four bits always are an opcode.
        var opcode: WebSocketOpcode { WebSocketOpcode(encodedWebSocketOpcode: first & 0x0f)! }
    }
}
