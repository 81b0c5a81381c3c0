import Foundation
import Glibc

/// The directory of a store, held by one provider at a time.
///
/// The lock is an advisory one on a file in it and ends with the process, however that ends.
final class StoreDirectory: Sendable {
    let databasePath: String
    private let lock: Int32

    /// - Throws: when the directory cannot be made or written, or another process holds it.
    init(_ path: String) throws(StoreError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw StoreError(.directory, "cannot make the data directory \(path): \(error.localizedDescription)")
        }
        let lock = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else {
            throw StoreError(
                .directory, "cannot write to the data directory \(path): \(String(cString: strerror(errno)))"
            )
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            Glibc.close(lock)
            throw StoreError(.inUse, "another provider uses the data directory \(path); stop it or choose another")
        }
        self.lock = lock
        databasePath = path + "/fleet.sqlite"
        // Made here so that it is never readable for others, not even for a moment; SQLite's files beside it follow it.
        Glibc.close(open(databasePath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600))
    }

    deinit {
        Glibc.close(lock)
    }
}
