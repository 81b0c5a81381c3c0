import Foundation
import Glibc

// Whose eyes a data directory is for: its owner's alone, since configurations hold secrets.
extension StoreDirectory {
    private static let openToOthers: mode_t = 0o077

    /// Closes a directory of ours, and the files of its database, to others than their owner.
    ///
    /// A directory that holds something else and no database is left as it is: it may be one that others need.
    ///
    /// - Returns: what was closed, with the modes of before.
    /// - Throws: when it is open to others and is not ours to close, with the way out.
    static func close(_ path: String) throws(StoreError) -> [String] {
        var closed: [String] = []
        var status = stat()
        guard stat(path, &status) == 0 else { return [] }
        if status.st_mode & openToOthers != 0 {
            let mode = "0" + String(status.st_mode & 0o7777, radix: 8)
            guard isOurs(path) else {
                throw StoreError(
                    .directory,
                    "the data directory \(path) is open to others (mode \(mode)) and holds other things than a "
                        + "database; choose one of its own that the provider's user has write access to, or run: "
                        + "chmod 700 \(shellWord(path))")
            }
            guard chmod(path, 0o700) == 0 else { throw notClosed(path, mode, errno) }
            closed.append("\(path) (\(mode))")
        }
        let database = databasePath(in: path)
        for file in [database, database + "-wal", database + "-shm", path + "/lock"] {
            guard stat(file, &status) == 0, status.st_mode & openToOthers != 0 else { continue }
            // A directory that nobody else may enter guards a file that cannot be changed.
            guard chmod(file, status.st_mode & 0o700) == 0 else { continue }
            closed.append("\(file) (0\(String(status.st_mode & 0o7777, radix: 8)))")
        }
        return closed
    }

    /// Why a directory that is open to others cannot be closed to them.
    ///
    /// - Parameter error: what the system says of it.
    static func notClosed(_ path: String, _ mode: String, _ error: Int32) -> StoreError {
        let reason =
            error == EPERM
            ? "belongs to somebody else; its owner may run: chmod 700 \(shellWord(path))"
            : "cannot be closed to them: \(String(cString: strerror(error))); choose another one"
        return StoreError(.directory, "the data directory \(path) is open to others (mode \(mode)) and \(reason)")
    }

    /// Whether there is a database in a directory, or nothing.
    private static func isOurs(_ path: String) -> Bool {
        if access(databasePath(in: path), F_OK) == 0 { return true }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? ["?"]
        // What file systems and this program itself put there.
        return names.allSatisfy { ["lost+found", "lock", "clean-stop"].contains($0) || $0.hasPrefix("fleet.sqlite") }
    }
}
