import NIOCore
import Testing

@testable import Provider

@Test func `what is kept for reading is small, and what is needed for a large message is let go`() {
    var buffers = ReadBuffers()
    var pool = NIOPooledRecvBufferAllocator(capacity: 1, recvAllocator: buffers)
    func read(_ count: Int) -> Int {
        let allocator = ByteBufferAllocator()
        let (buffer, read) = pool.buffer(allocator: allocator) { buffer in
            let read = min(count, buffer.writableBytes)
            buffer.writeRepeatingByte(1, count: read)
            return read
        }
        pool.record(actualReadBytes: read)
        return buffer.storageCapacity
    }
    #expect(read(40) == 512)
    #expect(
        [read(512), read(100_000), read(100_000), read(100_000), read(100_000), read(100_000)]
            == [512, 8 << 10, 16 << 10, 32 << 10, 64 << 10, 64 << 10])
    #expect(read(1) == 64 << 10, "the last part")
    #expect(read(40) == 512 && read(40) == 512 && pool.count == 1)
    let isSmall = buffers.record(actualReadBytes: 511)
    #expect(!isSmall)
}
