import NIOCore
import NIOWebSocket
@testable import Provider
import Testing
import TestSupport

/// A frame as an agent sends it.
private func bytes(
    _ opcode: UInt8, _ payload: [UInt8], flags: UInt8 = 0x80, mask: [UInt8]? = [1, 2, 3, 4], long: Bool = false
) -> [UInt8] {
    let masked = mask == nil ? 0 : 0x80 as UInt8
    var bytes = [flags | opcode]
    if payload.count < 126, !long {
        bytes.append(masked | UInt8(payload.count))
    } else if payload.count < 65_536, !long {
        bytes += [masked | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)]
    } else {
        bytes += [masked | 127]
        bytes += stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: payload.count >> $0) }
    }
    bytes += mask ?? []
    return bytes + payload.enumerated().map { index, byte in mask.map { byte ^ $0[index % 4] } ?? byte }
}

@Test(arguments: [0, 1, 125, 126, 127, 65_535, 65_536], [1, 7, 1 << 20])
func `frames are read however their bytes are cut`(length: Int, chunk: Int) throws {
    let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
    let sent = bytes(2, payload) + bytes(9, [5]) + bytes(0, [], flags: 0) + bytes(2, [1], mask: nil, long: true)
    var reader = FrameReader()
    var frames: [WebSocketFrame] = []
    for start in stride(from: 0, to: sent.count, by: chunk) {
        reader.append(ByteBuffer(bytes: sent[start..<min(sent.count, start + chunk)]))
        while let frame = try reader.next(limit: 65_536) { frames.append(frame) }
    }
    #expect(reader.heldBytes == 0)
    try #require(frames.count == 4)
    #expect(Array(buffer: frames[0].unmaskedData) == payload)
    #expect(frames[0].opcode == .binary && frames[0].fin && frames[0].maskKey != nil)
    #expect(frames[1].opcode == .ping && Array(buffer: frames[1].unmaskedData) == [5])
    #expect(frames[2].opcode == .continuation && !frames[2].fin)
    #expect(frames[3].maskKey == nil && Array(buffer: frames[3].unmaskedData) == [1])
}

@Test func `a frame over the limit is refused by its header alone`() throws {
    var reader = FrameReader()
    let header = bytes(2, Array(repeating: 0, count: 1001)).prefix(8)
    reader.append(ByteBuffer(bytes: header.dropLast()))
    #expect(try reader.next(limit: 1000) == nil)
    reader.append(ByteBuffer(bytes: header.suffix(1)))
    #expect(throws: NIOWebSocketError.invalidFrameLength) { try reader.next(limit: 1000) }
    #expect(try reader.next(limit: 1001) == nil)
    var huge = FrameReader()
    huge.append(ByteBuffer(bytes: [0x82, 0xff] + Array(repeating: 0xff, count: 12)))
    #expect(throws: NIOWebSocketError.invalidFrameLength) { try huge.next(limit: 1 << 30) }
}

@Test func `a control frame is read when the message that it interrupts may not grow any more`() throws {
    var reader = FrameReader()
    reader.append(ByteBuffer(bytes: bytes(9, Array(repeating: 1, count: 125))))
    #expect(try reader.next(limit: 0)?.opcode == .ping)
    reader.append(ByteBuffer(bytes: bytes(0, [])))
    #expect(try reader.next(limit: 0)?.opcode == .continuation)
    reader.append(ByteBuffer(bytes: bytes(0, [1])))
    #expect(throws: NIOWebSocketError.invalidFrameLength) { try reader.next(limit: 0) }
}

@Test func `a control frame that is long or cut into fragments is refused`() {
    var long = FrameReader()
    long.append(ByteBuffer(bytes: bytes(9, Array(repeating: 0, count: 126))))
    #expect(throws: NIOWebSocketError.multiByteControlFrameLength) { try long.next(limit: 1000) }
    var cut = FrameReader()
    cut.append(ByteBuffer(bytes: bytes(9, [], flags: 0)))
    #expect(throws: NIOWebSocketError.fragmentedControlFrame) { try cut.next(limit: 1000) }
}

@Test func `reserved bits are told`() throws {
    for (flags, bits) in [(0xc0, [true, false, false]), (0xa0, [false, true, false]), (0x90, [false, false, true])] {
        var reader = FrameReader()
        reader.append(ByteBuffer(bytes: bytes(2, [0], flags: UInt8(flags))))
        let frame = try #require(try reader.next(limit: 10))
        #expect([frame.rsv1, frame.rsv2, frame.rsv3] == bits)
    }
}

@Test func `random bytes are read within the limit`() {
    var random = SeededRandom()
    for _ in 1...300 {
        var reader = FrameReader()
        for _ in 1...10 {
            reader.append(
                ByteBuffer(bytes: (0..<40).map { _ in UInt8.random(in: 0...255, using: &random) }))
            do {
                while let frame = try reader.next(limit: 100) { #expect(frame.data.readableBytes <= 125) }
            } catch {
                break
            }
            #expect(reader.heldBytes <= 125 + 14)
        }
    }
}

@Test(arguments: [0, 1, 125, 126, 65_535, 65_536])
func `a frame that is written is read back`(length: Int) throws {
    let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
    var reader = FrameReader()
    reader.append(ByteBuffer(frame: .binary, payload))
    reader.append(ByteBuffer(frame: .ping, []))
    let frame = try #require(try reader.next(limit: length))
    #expect(frame.fin && frame.opcode == .binary && frame.maskKey == nil && Array(buffer: frame.data) == payload)
    #expect(try reader.next(limit: 0)?.opcode == .ping)
    #expect(reader.heldBytes == 0)
}
