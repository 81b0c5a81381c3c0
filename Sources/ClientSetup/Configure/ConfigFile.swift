import Glibc

/// A client's file on disk: read whole, and written so that there is always either the old one or the new one.
struct ConfigFile {
    static let sizeLimit = 64 << 20
    /// How long another writer is waited for.
    private static let lockTime: Duration = .seconds(10)
    /// How often the change is made anew because somebody else was faster.
    private static let attempts = 20

    struct Written: Equatable {
        /// The file as it was; nil where there was none, or nothing changed.
        var backup: String?
    }

    /// As it was given.
    let path: String

    /// - Returns: nil where there is no file.
    func read() throws(ConfigRefusal) -> [UInt8]? {
        try contents(of: path)?.bytes
    }

    /// Changes the file, and keeps what it was beside it.
    ///
    /// Links are followed; mode and owner stay. Others that use this function wait; a program that writes meanwhile
    /// without asking is noticed, and the change is made to what it wrote.
    ///
    /// - Parameter change: is called with the file as it is, and again when it became another; nothing is written when
    ///   it returns the same.
    func update(_ change: ([UInt8]) throws(ConfigRefusal) -> [UInt8]) throws(ConfigRefusal) -> Written {
        let (folder, name) = try place()
        let lock = try lock(folder)
        defer { close(lock) }
        let target = "\(folder)/\(name)"
        for _ in 0..<Self.attempts {
            let old = try contents(of: target)
            let new = try change(old?.bytes ?? [])
            if new == old?.bytes ?? [] { return Written() }
            if old != nil, access(target, W_OK) != 0 { throw failure(path) }
            var written: [String] = []
            do throws(ConfigRefusal) {
                written.append(try write(new, beside: target, ".\(name).", like: old))
                if let old { written.append(try write(old.bytes, beside: target, backupName(name), like: old)) }
                if try contents(of: target) == old, try put(written[0], at: target, replacing: old != nil) {
                    fsync(lock)
                    return Written(backup: written.dropFirst().first)
                }
            } catch {
                for file in written { unlink(file) }
                throw error
            }
            for file in written { unlink(file) }
        }
        throw ConfigRefusal("\(path) is written all the time by another program; end it and try again")
    }

    private struct Contents: Equatable {
        let bytes: [UInt8]
        let mode: mode_t
        let owner: uid_t
        let group: gid_t
    }

    private func failure(_ path: String) -> ConfigRefusal {
        ConfigRefusal("\(path): \(String(cString: strerror(errno)))")
    }

    private func contents(of path: String) throws(ConfigRefusal) -> Contents? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        if descriptor < 0 {
            if errno == ENOENT { return nil }
            throw failure(path)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw ConfigRefusal("\(path) is not a file") }
        guard status.st_size <= Self.sizeLimit else {
            throw ConfigRefusal("\(path) has more than \(Self.sizeLimit) bytes")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 { throw failure(path) }
            if count == 0 { break }
            bytes += buffer[..<count]
            guard bytes.count <= Self.sizeLimit else {
                throw ConfigRefusal("\(path) has more than \(Self.sizeLimit) bytes")
            }
        }
        return Contents(bytes: bytes, mode: status.st_mode & 0o7777, owner: status.st_uid, group: status.st_gid)
    }

    /// The folder and the name of the file itself, where the path may be a link. Missing folders are made.
    private func place() throws(ConfigRefusal) -> (folder: String, name: String) {
        if let real = realpath(path, nil) {
            defer { free(real) }
            let (folder, name) = parts(of: String(cString: real))
            return (folder, name)
        }
        guard errno == ENOENT else { throw failure(path) }
        var status = stat()
        if lstat(path, &status) == 0 { throw ConfigRefusal("\(path) is a link to a file that is not there") }
        let (folder, name) = parts(of: path)
        try makeFolder(folder)
        guard let real = realpath(folder, nil) else { throw failure(folder) }
        defer { free(real) }
        return (String(cString: real), name)
    }

    private func parts(of path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = path[..<slash]
        return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
    }

    private func makeFolder(_ folder: String) throws(ConfigRefusal) {
        if mkdir(folder, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, folder != "/", folder != "." else { throw failure(folder) }
        try makeFolder(parts(of: folder).folder)
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw failure(folder) }
    }

    /// The folder's descriptor, which is locked until it is closed: so no file of a lock is left.
    private func lock(_ folder: String) throws(ConfigRefusal) -> Int32 {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(folder) }
        let end = ContinuousClock.now + Self.lockTime
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            // Some network file systems cannot lock; what others write is noticed all the same.
            guard errno == EWOULDBLOCK || errno == EINTR else { break }
            guard ContinuousClock.now < end else {
                close(descriptor)
                throw ConfigRefusal("\(folder) is locked by another program; try again when it has ended")
            }
            usleep(10_000)
        }
        return descriptor
    }

    /// Writes a file of another name beside the target, on disk when this returns.
    private func write(
        _ bytes: [UInt8], beside target: String, _ name: String, like old: Contents?
    ) throws(ConfigRefusal) -> String {
        let folder = parts(of: target).folder
        var descriptor: Int32 = -1
        var path = ""
        for number in 0..<1000 {
            // A hidden name is one of this moment, the name of a backup is told to people.
            let end =
                name.hasPrefix(".") ? String(UInt64.random(in: 0 ... .max), radix: 36) : number == 0 ? "" : ".\(number)"
            path = "\(folder)/\(name)\(end)"
            descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            if descriptor >= 0 || errno != EEXIST { break }
        }
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        var isOwned = true
        if let old {
            if old.group != getegid() { _ = fchown(descriptor, uid_t.max, old.group) }
            isOwned = old.owner == geteuid() || fchown(descriptor, old.owner, old.group) == 0
        }
        guard rest.isEmpty, isOwned, fchmod(descriptor, old?.mode ?? 0o600) == 0, fsync(descriptor) == 0 else {
            let failure = failure(path)
            unlink(path)
            throw failure
        }
        return path
    }

    /// - Returns: false when somebody else made a file there meanwhile.
    private func put(_ fresh: String, at target: String, replacing isThere: Bool) throws(ConfigRefusal) -> Bool {
        if isThere {
            guard rename(fresh, target) == 0 else { throw failure(target) }
            return true
        }
        // A link is refused where there is a file, unlike a new name.
        if link(fresh, target) == 0 {
            unlink(fresh)
            return true
        }
        if errno == EEXIST { return false }
        guard rename(fresh, target) == 0 else { throw failure(target) }
        return true
    }

    private func backupName(_ name: String) -> String {
        var now = time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        func two(_ number: Int32) -> String { (number < 10 ? "0" : "") + String(number) }
        let day = "\(parts.tm_year + 1900)\(two(parts.tm_mon + 1))\(two(parts.tm_mday))"
        return "\(name).\(day)-\(two(parts.tm_hour))\(two(parts.tm_min))\(two(parts.tm_sec)).bak"
    }
}
