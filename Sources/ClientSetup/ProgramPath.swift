import Glibc

/// Where this program lies, absolute and without links.
package func programPath() -> String {
    guard let found = realpath("/proc/self/exe", nil) else { return CommandLine.arguments.first ?? "opamp-mcp" }
    defer { free(found) }
    return String(cString: found)
}

/// The path seen from the root; links stay, since they may lead elsewhere later.
package func absolutePath(_ path: String) -> String {
    guard !path.hasPrefix("/"), let folder = getcwd(nil, 0) else { return path }
    defer { free(folder) }
    let relative = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
    return "\(String(cString: folder) == "/" ? "" : String(cString: folder))/\(relative)"
}

/// What standard input holds.
///
/// - Throws: when it cannot be read, or holds more than the limit.
package func readInput(limit: Int) throws(UsageError) -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
        let count = read(STDIN_FILENO, &buffer, buffer.count)
        guard count >= 0 else { throw UsageError("standard input cannot be read: \(String(cString: strerror(errno)))") }
        guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
        bytes += buffer[..<count]
        guard bytes.count <= limit else { throw UsageError("standard input holds more than \(limit) bytes") }
    }
}
