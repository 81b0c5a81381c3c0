import Foundation
import Glibc
import Synchronization

/// The directory of a store, held by one provider at a time.
///
/// The lock is an advisory one on a file in it and ends with the process, however that ends.
final class StoreDirectory: Sendable {
    let path: String
    /// Whether the database is as a provider left it that ended in order, so that it need not be checked.
    let wasStoppedCleanly: Bool
    /// What was open to others before, with its modes.
    let closedToOthers: [String]
    private let lock: Mutex<Int32>

    /// Takes the directory; it is made, for its owner only, if it is not there, and closed to others if it is open.
    ///
    /// - Throws: when the directory cannot be made or written, or another process holds it.
    init(_ path: String) throws(StoreError) {
        self.path = path
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw StoreError(
                .directory,
                "cannot make the data directory \(path): \(error.localizedDescription); choose another or make it "
                    + "with access for the provider's user"
            )
        }
        closedToOthers = try Self.close(path)
        let lock = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw Self.unwritable(path) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            Glibc.close(lock)
            throw StoreError(.inUse, "another provider uses the data directory \(path); stop it or choose another")
        }
        self.lock = Mutex(lock)
        let mark = path + "/clean-stop"
        wasStoppedCleanly = (try? String(contentsOfFile: mark, encoding: .utf8)) == Self.identity(of: path)
        guard unlink(mark) == 0 || errno == ENOENT else { throw Self.unwritable(path) }
    }

    deinit { release() }

    /// Lets others have the directory.
    func release() {
        lock.withLock { lock in
            if lock >= 0 {
                // Closing alone would leave it to a child that is just being started.
                flock(lock, LOCK_UN)
                Glibc.close(lock)
            }
            lock = -1
        }
    }

    static func databasePath(in path: String) -> String { path + "/fleet.sqlite" }
    var databasePath: String { Self.databasePath(in: path) }
    /// Where a database lies that is about to take the place of the present one.
    var restoringPath: String { databasePath + ".restoring" }

    /// Notes that the database was closed in order.
    func markCleanStop() {
        guard let identity = Self.identity(of: path) else { return }
        try? Data(identity.utf8).write(to: URL(fileURLWithPath: path + "/clean-stop"))
        chmod(path + "/clean-stop", 0o600)
    }

    /// Whether there is a database, which may be damaged.
    ///
    /// - Throws: when there are only parts of one, or it cannot be written.
    func hasDatabase() throws(StoreError) -> Bool {
        if DurableFile.size(of: restoringPath) != nil {
            throw StoreError(
                .database, "a restore into \(path) was interrupted; repeat it, or remove \(restoringPath)")
        }
        if access(databasePath, F_OK) == 0, access(databasePath, R_OK | W_OK) != 0 {
            throw Self.unwritable(databasePath)
        }
        let logSize = DurableFile.size(of: databasePath + "-wal") ?? 0
        switch DurableFile.size(of: databasePath) {
        case nil where logSize == 0: return false
        case nil: throw StoreError(.damaged, "it is missing, though its log \(databasePath)-wal is there")
        case 0: throw StoreError(.damaged, "it is empty; a provider never leaves it so")
        default: return true
        }
    }

    /// What is wrong with the database, with the way out.
    func explained(_ error: StoreError) -> StoreError {
        switch error.kind {
        case .damaged:
            StoreError(
                .damaged,
                "the database \(databasePath) is damaged: \(error). Restore a backup with: "
                    + "opamp-provider restore --data-dir \(shellWord(path)) --from FILE"
            )
        case .newer: StoreError(.newer, "the database \(databasePath) \(error)")
        case .full: StoreError(.full, "the disk of the data directory \(path) is full: \(error); make room on it")
        case .unwritable, .database:
            StoreError(error.kind, "the database \(databasePath) cannot be used: \(error)")
        case .directory, .inUse, .change: error
        }
    }

    private static func unwritable(_ path: String) -> StoreError {
        StoreError(
            .directory,
            "cannot write to \(path): \(String(cString: strerror(errno))); give the provider's user write access to "
                + "the data directory and the files in it, or choose another with --data-dir"
        )
    }

    /// What tells the database file from any other and from itself once it is changed; nil while its log holds more.
    private static func identity(of path: String) -> String? {
        let database = databasePath(in: path)
        return (DurableFile.size(of: database + "-wal") ?? 0) == 0 ? DurableFile.identity(of: database) : nil
    }
}

/// A text as one word for a shell.
func shellWord(_ text: String) -> String {
    let isPlain =
        !text.isEmpty
        && text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "/._-+=:,@%".utf8.contains(byte)
            }
        }
    return isPlain ? text : "'" + text.replacing("'", with: "'\\''") + "'"
}
