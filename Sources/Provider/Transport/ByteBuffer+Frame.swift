import NIOCore
import NIOWebSocket

extension ByteBuffer {
    /// One frame as a server sends it: final and not masked, header and payload in one piece.
    /// Spec: RFC 6455, section 5.2.
    init(frame opcode: WebSocketOpcode, _ payload: some Collection<UInt8>) {
        let length = payload.count
        self = ByteBufferAllocator().buffer(capacity: length + 10)
        writeInteger(0x80 | UInt8(webSocketOpcode: opcode))
        switch length {
        case ...125: writeInteger(UInt8(length))
        case ...0xffff: writeMultipleIntegers(126 as UInt8, UInt16(length))
        default: writeMultipleIntegers(127 as UInt8, UInt64(length))
        }
        writeBytes(payload)
    }
}
