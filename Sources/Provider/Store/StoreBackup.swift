import FleetAPI
import Foundation
import GRDB

/// Copies of a whole store, and their way back.
package enum StoreBackup {
    /// A copy that was made.
    package struct Copy: Sendable {
        package let agents: Int
        /// All there are, ended ones too.
        package let commands: Int
        package let bytes: Int
    }

    /// What a restore did.
    package struct Restored: Sendable {
        package let agents: Int
        package let commands: Int
        /// Where the database is that was there before; nil when there was none.
        package let before: String?
        /// The command that brings it back; nil when there was none.
        package let undo: String?
    }

    // MARK: - There

    /// Copies the database of a directory, which a provider may have in use.
    ///
    /// Holds everything that was acknowledged when this was called; when it returns, the copy was checked and is on
    /// disk, readable for its owner alone.
    ///
    /// - Parameters:
    ///   - directory: stays as it is.
    ///   - file: must not exist.
    package static func make(of directory: String, to file: String) throws(StoreError) -> Copy {
        let source = StoreDirectory.databasePath(in: directory)
        guard let size = DurableFile.size(of: source), size > 0 else {
            throw StoreError(.directory, "there is no database in \(directory)")
        }
        guard DurableFile.size(of: file) == nil else {
            throw StoreError(.directory, "\(file) exists already; choose another name or remove it")
        }
        let partial = "\(file).partial-\(ProcessInfo.processInfo.processIdentifier)"
        try DurableFile.make(partial)
        defer { for end in ["", "-journal", "-wal", "-shm"] { DurableFile.remove(partial + end) } }
        do {
            let database = try open(source, isReadOnly: true)
            try database.writeWithoutTransaction { database in
                try DatabaseCheck.schema(database)
                try database.execute(sql: "VACUUM INTO ?", arguments: [partial])
            }
            try database.close()
        } catch {
            throw explained(error, "the database \(source)")
        }
        let counts = try checked(partial, as: "the copy of \(source)")
        try DurableFile.sync(partial)
        let bytes = DurableFile.size(of: partial) ?? 0
        // A second name: that never replaces a file that came meanwhile.
        try DurableFile.link(partial, to: file)
        return Copy(agents: counts.agents, commands: counts.commands, bytes: Int(bytes))
    }

    // MARK: - Back

    /// Puts a backup in the place of a directory's database, once it has been checked.
    ///
    /// What was there gets another name, with what was still in its log.
    ///
    /// - Parameters:
    ///   - file: stays as it is.
    ///   - directory: must not be in use; made if it is not there.
    package static func restore(_ file: String, into directory: String) throws(StoreError) -> Restored {
        try restore(file, into: directory, at: Moment.now().wall)
    }

    /// - Parameter now: what names the database that was there.
    static func restore(_ file: String, into directory: String, at now: Timestamp) throws(StoreError) -> Restored {
        guard let size = DurableFile.size(of: file), size > 0 else {
            throw StoreError(.directory, "there is no backup at \(file)")
        }
        let held = try StoreDirectory(directory)
        defer { held.release() }
        let database = held.databasePath
        let partial = database + ".partial"
        for end in ends { DurableFile.remove(partial + end) }
        defer { for end in ends { DurableFile.remove(partial + end) } }
        try DurableFile.copy(file, to: partial)
        // A database that was kept by an earlier restore may still have its log beside it.
        if let log = DurableFile.size(of: file + "-wal"), log > 0 {
            try DurableFile.copy(file + "-wal", to: partial + "-wal")
        }
        let counts = try checked(partial, as: "the backup \(file)")

        var before: String?
        if DurableFile.size(of: database) != nil || DurableFile.size(of: database + "-wal") != nil {
            let name = "\(database).before-restore-\(now.description.filter { $0.isNumber || "TZ".contains($0) })"
            for end in ["", "-wal"] where DurableFile.size(of: database + end) != nil {
                try DurableFile.link(database + end, to: name + end)
            }
            before = name
        }
        // From here on the provider refuses to start until it is done.
        try DurableFile.move(partial, to: held.restoringPath)
        for end in ["-wal", "-shm", "-journal"] { DurableFile.remove(database + end) }
        try DurableFile.move(held.restoringPath, to: database)
        let undo = before.map {
            "opamp-provider restore --data-dir \(shellWord(directory)) --from \(shellWord($0))"
        }
        return Restored(agents: counts.agents, commands: counts.commands, before: before, undo: undo)
    }

    // MARK: - Parts

    private static let ends = ["", "-wal", "-shm", "-journal"]

    /// Checks every page and every row of a database that nobody has in use; afterwards it is one file alone.
    private static func checked(
        _ path: String, as name: String
    ) throws(StoreError) -> (agents: Int, commands: Int) {
        do {
            let database = try open(path, isReadOnly: false)
            let counts = try database.writeWithoutTransaction { database in
                _ = try String.fetchOne(database, sql: "PRAGMA journal_mode = DELETE")
                try DatabaseCheck.soundness(database, isThorough: true)
                try DatabaseCheck.schema(database)
                return (
                    agents: try Int.fetchOne(database, sql: "SELECT count(*) FROM agents") ?? 0,
                    commands: try Int.fetchOne(database, sql: "SELECT count(*) FROM commands") ?? 0
                )
            }
            try database.close()
            return counts
        } catch {
            throw explained(error, name)
        }
    }

    static func open(_ path: String, isReadOnly: Bool) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.readonly = isReadOnly
        configuration.busyMode = .timeout(10)
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    private static func explained(_ error: any Error, _ name: String) -> StoreError {
        let error = StoreError(error, "cannot be read")
        switch error.kind {
        case .damaged: return StoreError(.damaged, "\(name) is damaged: \(error)")
        default: return StoreError(error.kind, "\(name) \(error)")
        }
    }
}
