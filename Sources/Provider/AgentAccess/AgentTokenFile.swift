package import Crypto

/// A file of tokens: one a line, `#` begins a comment, empty lines are ignored.
package struct AgentTokenFile {
    /// Fewer characters could be guessed.
    package static let tokenLength = 16
    private static let limit = 1 << 20

    package typealias Unusable = SmallFile.Unusable
    package typealias Version = SmallFile.Version

    package let digests: [SHA256Digest]
    package let version: Version

    /// Reads a file that only its owner can read.
    package init(path: String) throws(Unusable) {
        let file = try SmallFile(path: path, limit: Self.limit, isSecret: true)
        version = file.version
        digests = try Self.digests(of: file.bytes, path)
    }

    private static func digests(of bytes: ArraySlice<UInt8>, _ path: String) throws(Unusable) -> [SHA256Digest] {
        var digests: [SHA256Digest] = []
        let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0d }
        for (index, line) in bytes.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
            let start = line.drop(while: isSpace)
            let token = start[..<(start.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? start.startIndex)]
            if token.isEmpty || token.first == UInt8(ascii: "#") { continue }
            guard token.count >= tokenLength, token.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                throw Unusable(
                    description:
                        "line \(index + 1) of \(path) is no token: at least \(tokenLength) visible characters, "
                        + "without spaces; openssl rand -hex 32 makes one")
            }
            digests.append(SHA256.hash(data: Array(token)))
        }
        guard !digests.isEmpty else {
            throw Unusable(description: "\(path) holds no token: one a line, for example from openssl rand -hex 32")
        }
        return digests
    }
}
