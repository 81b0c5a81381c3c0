import Foundation
import Glibc

/// What happens to whole files is on disk when these return.
enum DurableFile {
    /// Bytes of a file; nil when there is none that can be read.
    static func size(of path: String) -> Int64? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let end = lseek(file, 0, SEEK_END)
        return end >= 0 ? Int64(end) : nil
    }

    /// What tells a file from any other, and from itself once it is changed; nil when there is none.
    static func identity(of path: String) -> String? {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            let number = attributes[.systemFileNumber] as? Int, let size = attributes[.size] as? Int,
            let changed = attributes[.modificationDate] as? Date
        else { return nil }
        return "\(number) \(size) \(changed.timeIntervalSince1970)\n"
    }

    /// Makes an empty file for its owner alone.
    ///
    /// - Throws: when there is one already, or the directory cannot be written.
    static func make(_ path: String) throws(StoreError) {
        let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure("make", path) }
        close(file)
    }

    /// Brings a file, or the entries of a directory, to the disk.
    static func sync(_ path: String) throws(StoreError) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure("open", path) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw failure("write", path) }
    }

    /// Copies a file, for its owner alone.
    ///
    /// - Throws: when the copy exists already.
    static func copy(_ path: String, to copy: String) throws(StoreError) {
        let source = open(path, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw failure("read", path) }
        defer { close(source) }
        try make(copy)
        let target = open(copy, O_WRONLY | O_CLOEXEC)
        guard target >= 0 else { throw failure("write", copy) }
        defer { close(target) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(source, &buffer, buffer.count)
            guard count >= 0 else { throw failure("read", path) }
            if count == 0 { break }
            var rest = buffer[..<count]
            while !rest.isEmpty {
                let written = rest.withUnsafeBytes { write(target, $0.baseAddress, $0.count) }
                guard written > 0 else { throw failure("write", copy) }
                rest = rest.dropFirst(written)
            }
        }
        guard fsync(target) == 0 else { throw failure("write", copy) }
    }

    /// Gives a file another name in its directory; what had that name is replaced.
    static func move(_ path: String, to new: String) throws(StoreError) {
        guard rename(path, new) == 0 else { throw failure("rename", path) }
        try sync(directory(of: new))
    }

    /// Gives a file a second name.
    ///
    /// - Throws: when that name is taken.
    static func link(_ path: String, to other: String) throws(StoreError) {
        guard Glibc.link(path, other) == 0 else { throw failure("make", other) }
        try sync(directory(of: other))
    }

    /// Does nothing when there is none.
    static func remove(_ path: String) { unlink(path) }

    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func failure(_ verb: String, _ path: String) -> StoreError {
        let kind: StoreError.Kind = errno == ENOSPC || errno == EDQUOT ? .full : .directory
        return StoreError(kind, "cannot \(verb) \(path): \(String(cString: strerror(errno)))")
    }
}
