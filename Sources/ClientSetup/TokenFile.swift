import Glibc

/// Reads a token from a file that only its owner can read.
///
/// - Parameter flag: names the file in errors.
/// - Returns: the text without space around it.
/// - Throws: where the file is missing, is no file, is open to others, or holds no token of one line.
package func readToken(from path: String, flag: String = "--token-file") throws(UsageError) -> String {
    let limit = 8 << 10
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
        throw UsageError("\(flag) \(path) cannot be read: \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        throw UsageError("\(flag) \(path) is not a file")
    }
    guard status.st_mode & 0o077 == 0 else {
        throw UsageError("\(flag) \(path) is open to others; run: chmod 600 \(path)")
    }
    var buffer = [UInt8](repeating: 0, count: limit + 1)
    var count = 0
    while count <= limit {
        let added = buffer.withUnsafeMutableBytes {
            read(descriptor, $0.baseAddress.map { $0 + count }, limit + 1 - count)
        }
        guard added > 0 else { break }
        count += added
    }
    let isSpace = { (byte: UInt8) in byte == 0x20 || (0x09...0x0D).contains(byte) }
    let start = buffer[..<count].drop(while: isSpace)
    let token = start[..<(start.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? start.startIndex)]
    guard !token.isEmpty, count <= limit, token.allSatisfy({ (0x21...0x7E).contains($0) }) else {
        throw UsageError("\(flag) \(path) does not hold one token: one line of visible characters")
    }
    return String(decoding: token, as: UTF8.self)
}
