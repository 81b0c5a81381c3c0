package import Crypto
import Foundation
import Glibc

/// A file of tokens: one a line, `#` begins a comment, empty lines are ignored.
package struct AgentTokenFile {
    /// Fewer characters could be guessed.
    package static let tokenLength = 16
    private static let limit = 1 << 20

    /// Why a file cannot be used, and the way out; holds nothing of its content.
    package struct Unusable: Error, CustomStringConvertible {
        package let description: String
    }

    /// Changes when the file does.
    package struct Version: Equatable, Sendable {
        private let seconds: Int
        private let nanoseconds: Int
        private let node: UInt
        private let size: Int

        fileprivate init(_ status: stat) {
            (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
            (node, size) = (UInt(status.st_ino), Int(status.st_size))
        }

        /// nil when there is no file.
        init?(of path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            self.init(status)
        }
    }

    package let digests: [SHA256Digest]
    package let version: Version

    /// Reads a file that only its owner can read.
    package init(path: String) throws(Unusable) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw Unusable(description: "\(path) cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Unusable(description: "\(path) is not a file")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw Unusable(description: "\(path) is open to others than its owner; run: chmod 600 \(path)")
        }
        version = Version(status)
        var bytes = [UInt8](repeating: 0, count: Self.limit + 1)
        var count = 0
        while count <= Self.limit {
            let added = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + count, $0.count - count) }
            guard added > 0 else { break }
            count += added
        }
        guard count <= Self.limit else {
            throw Unusable(description: "\(path) is larger than \(Self.limit) bytes")
        }
        digests = try Self.digests(of: bytes[..<count], path)
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
