import NIOCore

/// Gives a connection its buffers for reading: a small one, which it keeps, and larger ones for a while when that was
/// filled.
///
/// With tens of thousands of agents, buffers that have grown with their first reports would be most of the memory.
struct ReadBuffers: RecvByteBufferAllocator {
    /// Enough for a heartbeat, over HTTP too.
    static let small = 512
    private static let large = 8 << 10
    private static let largest = 64 << 10

    private var size = Self.small

    /// Has a connection read with such buffers, one at a time: it keeps as many as it may read at a time.
    static func use(on channel: any Channel) throws {
        try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
        try channel.syncOptions?.setOption(.recvAllocator, value: ReadBuffers())
    }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        allocator.buffer(capacity: size)
    }

    /// nil has the connection reuse the one it keeps, unless `record` said that a larger one is wanted.
    func nextBufferSize() -> Int? { nil }

    mutating func record(actualReadBytes: Int) -> Bool {
        size = actualReadBytes < size ? Self.small : min(max(2 * size, Self.large), Self.largest)
        return size > Self.small
    }
}
