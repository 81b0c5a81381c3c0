import Glibc

/// A file of settings, read whole; where it holds a secret only its owner may open it.
package struct SmallFile {
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

    let bytes: ArraySlice<UInt8>
    let version: Version

    /// - Parameters:
    ///   - limit: the most bytes.
    ///   - isSecret: whether it is refused when others than its owner could open it.
    init(path: String, limit: Int, isSecret: Bool) throws(Unusable) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw Unusable(description: "\(path) cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Unusable(description: "\(path) is not a file")
        }
        guard !isSecret || status.st_mode & 0o077 == 0 else {
            throw Unusable(description: "\(path) is open to others than its owner; run: chmod 600 \(path)")
        }
        version = Version(status)
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        var count = 0
        while count <= limit {
            let added = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + count, $0.count - count) }
            guard added > 0 else { break }
            count += added
        }
        guard count <= limit else {
            throw Unusable(description: "\(path) is larger than \(limit) bytes")
        }
        self.bytes = bytes[..<count]
    }
}
