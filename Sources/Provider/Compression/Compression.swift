import CZlib

/// The two ways in which bytes are made smaller; both whole in memory.
package enum Compression: Sendable {
    /// With header and checksum, as HTTP calls it `gzip`; several members in a row are one text. Spec: RFC 1952.
    case gzip
    /// The bare compressed bytes, for what is stored beside its own length and hash. Spec: RFC 1951.
    case deflate

    /// Any byte can be compressed; what does not gain grows by a few bytes.
    ///
    /// - Parameter bytes: fewer than 4 GiB.
    package func compress(_ bytes: RawSpan) -> [UInt8] {
        // A window no larger than the input needs: setting up the largest costs more than compressing 1 kB.
        let window = Int32(min(15, max(9, Int.bitWidth - bytes.byteCount.leadingZeroBitCount)))
        var stream = z_stream()
        // Refused are only parameters that do not exist, and memory that is not there.
        precondition(
            czlib_deflate_init(&stream, Z_DEFAULT_COMPRESSION, bits(window), min(8, window - 7)) == Z_OK,
            "deflateInit2")
        defer { deflateEnd(&stream) }
        let bound = Int(deflateBound(&stream, UInt(bytes.byteCount)))
        return [UInt8](unsafeUninitializedCapacity: bound) { output, count in
            let result = bytes.withUnsafeBytes { input in
                stream.next_in = Self.start(of: input)
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                return CZlib.deflate(&stream, Z_FINISH)
            }
            precondition(result == Z_STREAM_END, "deflate did not fit its own bound")
            count = output.count - Int(stream.avail_out)
        }
    }

    /// Stops at the limit: no more than `limit` bytes are ever allocated for the result, whatever the input unpacks to.
    ///
    /// - Parameters:
    ///   - bytes: fewer than 4 GiB.
    ///   - limit: the most bytes that may come out; so many are still accepted.
    ///   - mayGrow: asked before so many further bytes are allocated for the result.
    package func decompress(
        _ bytes: RawSpan, limit: Int, mayGrow: (_ bytes: Int) -> Bool = { _ in true }
    ) throws(CompressionError) -> [UInt8] {
        var stream = z_stream()
        precondition(czlib_inflate_init(&stream, bits(15)) == Z_OK, "inflateInit2")
        defer { inflateEnd(&stream) }
        var output = Output(limit: limit)
        do {
            try bytes.withUnsafeBytes { input in
                stream.next_in = Self.start(of: input)
                stream.avail_in = UInt32(input.count)
                try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.chunk) { chunk in
                    while try inflate(&stream, chunk, into: &output, mayGrow) {}
                }
            }
        } catch {
            // Both closures throw nothing else.
            throw error as? CompressionError ?? .malformed(reason: "\(error)")
        }
        return output.bytes
    }

    /// The same for an array.
    package func compress(_ bytes: [UInt8]) -> [UInt8] {
        compress(bytes.span.bytes)
    }

    /// The same for an array.
    package func decompress(
        _ bytes: [UInt8], limit: Int, mayGrow: (_ bytes: Int) -> Bool = { _ in true }
    ) throws(CompressionError) -> [UInt8] {
        try decompress(bytes.span.bytes, limit: limit, mayGrow: mayGrow)
    }

    private static let chunk = 16 << 10

    /// The result so far, which never has room for more than the limit.
    private struct Output {
        let limit: Int
        var bytes: [UInt8] = []
        private var capacity = 0

        init(limit: Int) {
            self.limit = limit
        }

        mutating func append(
            _ more: UnsafeBufferPointer<UInt8>, _ mayGrow: (Int) -> Bool
        ) throws(CompressionError) {
            let count = bytes.count + more.count
            guard count <= limit else { throw .tooLarge(limit: limit) }
            if count > capacity {
                let larger = min(limit, max(2 * capacity, count))
                guard mayGrow(larger - capacity) else { throw .noRoom }
                bytes.reserveCapacity(larger)
                capacity = larger
            }
            bytes.append(contentsOf: more)
        }
    }

    /// One step of at most a chunk.
    ///
    /// - Returns: whether there is more.
    private func inflate(
        _ stream: inout z_stream, _ chunk: UnsafeMutableBufferPointer<UInt8>, into output: inout Output,
        _ mayGrow: (Int) -> Bool
    ) throws(CompressionError) -> Bool {
        stream.next_out = chunk.baseAddress
        stream.avail_out = UInt32(chunk.count)
        let result = CZlib.inflate(&stream, Z_NO_FLUSH)
        try output.append(UnsafeBufferPointer(rebasing: chunk.dropLast(Int(stream.avail_out))), mayGrow)
        switch result {
        case Z_OK: return true
        case Z_STREAM_END:
            guard stream.avail_in > 0 else { return false }
            guard self == .gzip else { throw .malformed(reason: "bytes after the end") }
            inflateReset(&stream)
            return true
        case Z_BUF_ERROR: throw .malformed(reason: "cut short")
        default: throw .malformed(reason: stream.msg.map { String(cString: $0) } ?? "zlib error \(result)")
        }
    }

    /// How zlib is told the format.
    private func bits(_ window: Int32) -> Int32 {
        self == .gzip ? window + 16 : -window
    }

    private static func start(of input: UnsafeRawBufferPointer) -> UnsafeMutablePointer<UInt8>? {
        // zlib declares its input as changeable, and changes nothing.
        UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
}
