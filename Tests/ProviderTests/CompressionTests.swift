import Provider
import Testing
import TestSupport

private let texts: [[UInt8]] = [
    [], [0], Array("agent".utf8), Array(repeating: 7, count: 511), Array(repeating: 0, count: 1 << 20),
    (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) },
]

@Test(arguments: [Compression.gzip, .deflate], texts)
func `what was compressed comes back as it was`(compression: Compression, text: [UInt8]) throws {
    let small = compression.compress(text)
    #expect(try compression.decompress(small, limit: text.count) == text)
    if text.count > 500, Set(text).count == 1 { #expect(small.count < 50 + text.count / 900) }
}

@Test(arguments: 0...7)
func `random bytes come back as they were`(power: Int) throws {
    var random = SeededRandom()
    let text = (0..<Int.random(in: 0...(4 << (2 * power)), using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
    }
    for compression in [Compression.gzip, .deflate] {
        let packed = compression.compress(text)
        #expect(try compression.decompress(packed, limit: text.count) == text)
    }
}

@Test(arguments: [Compression.gzip, .deflate])
func `a bomb stops at the limit and never allocates beyond it`(compression: Compression) {
    let bomb = compression.compress([UInt8](repeating: 0, count: 100 << 20))
    #expect(bomb.count < 110 << 10)
    let limit = 3 << 20
    var allocated = 0
    #expect(throws: CompressionError.tooLarge(limit: limit)) {
        try compression.decompress(bomb, limit: limit) { more in
            allocated += more
            return true
        }
    }
    #expect(allocated <= limit)
    #expect(allocated > 0)
}

@Test func `unpacking ends when it is given no more room`() {
    let packed = Compression.gzip.compress([UInt8](repeating: 0, count: 1 << 20))
    var left = 100_000
    #expect(throws: CompressionError.noRoom) {
        try Compression.gzip.decompress(packed, limit: 1 << 20) { more in
            left -= more
            return left >= 0
        }
    }
}

@Test(arguments: [Compression.gzip, .deflate])
func `what is cut anywhere is malformed`(compression: Compression) {
    let packed = compression.compress(texts[2])
    for count in 0..<packed.count {
        let error = #expect(throws: CompressionError.self) {
            try compression.decompress(Array(packed[..<count]), limit: 100)
        }
        guard case .malformed = error else {
            Issue.record("cut after \(count): \(error as Any)")
            continue
        }
    }
}

@Test func `bytes that are no gzip, a wrong checksum and bytes after the end are malformed`() throws {
    let packed = Compression.gzip.compress(texts[2])
    var wrongSum = packed
    wrongSum[packed.count - 8] ^= 1
    for wrong in [texts[2], wrongSum, packed + [1, 2, 3]] {
        let error = #expect(throws: CompressionError.self) {
            try Compression.gzip.decompress(wrong, limit: 100)
        }
        #expect(error?.description.hasPrefix("malformed") == true)
    }
    let bare = Compression.deflate.compress(texts[2])
    #expect(throws: CompressionError.malformed(reason: "bytes after the end")) {
        try Compression.deflate.decompress((bare + [0]), limit: 100)
    }
}

@Test func `several gzip members in a row are one text`() throws {
    let two = Compression.gzip.compress(texts[2]) + Compression.gzip.compress(texts[1])
    #expect(try Compression.gzip.decompress(two, limit: 100) == texts[2] + texts[1])
}

@Test func `random bytes are survived within the limit`() {
    var random = SeededRandom()
    let packed = Compression.gzip.compress(texts[5])
    for _ in 1...300 {
        var wrong = packed
        for _ in 1...3 { wrong[.random(in: 0..<wrong.count, using: &random)] = .random(in: 0...255, using: &random) }
        for compression in [Compression.gzip, .deflate] {
            let result = try? compression.decompress(wrong, limit: 50_000)
            #expect(result.map { $0.count <= 50_000 } ?? true)
        }
    }
}
