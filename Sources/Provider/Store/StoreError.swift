import GRDB

/// Why the store cannot be opened, read or written.
package struct StoreError: Error, CustomStringConvertible {
    package enum Kind: Sendable {
        /// The directory cannot be made or written.
        case directory
        /// Another provider has it.
        case inUse
        /// The disk is full, or the database has as many pages as it may have.
        case full
        /// The database can be written no more, or not now: read-only, an error of the disk, locked by somebody else.
        case unwritable
        /// The file is no database, or what is in it cannot be understood.
        case damaged
        /// The database was written by a newer version.
        case newer
        /// One change cannot be written, whatever the state of the database.
        case change
        /// Anything else that is wrong with the database.
        case database

        /// What a program that cannot go on ends with: 65 where the data is to blame (`EX_DATAERR`), else 1.
        package var exitCode: Int32 {
            switch self {
            case .damaged, .newer: 65
            case .directory, .inUse, .full, .unwritable, .change, .database: 1
            }
        }
    }

    package let kind: Kind
    package let description: String

    init(_ kind: Kind, _ description: String) {
        (self.kind, self.description) = (kind, description)
    }

    /// An error of the database, or of a change that could not be put into it.
    ///
    /// - Parameter doing: what was tried, before a colon.
    init(_ error: any Error, _ doing: String) {
        if let error = error as? StoreError {
            self = error
            return
        }
        guard let error = error as? DatabaseError else {
            self.init(.change, "\(doing): \(error)")
            return
        }
        let reason = error.message ?? "error \(error.extendedResultCode.rawValue)"
        let kind: Kind =
            switch error.resultCode {
            case .SQLITE_FULL: .full
            case .SQLITE_READONLY, .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_NOMEM, .SQLITE_BUSY,
                .SQLITE_LOCKED, .SQLITE_PROTOCOL, .SQLITE_INTERRUPT:
                .unwritable
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: .damaged
            case .SQLITE_CONSTRAINT, .SQLITE_TOOBIG, .SQLITE_MISMATCH, .SQLITE_RANGE, .SQLITE_ERROR: .change
            default: .database
            }
        self.init(kind, "\(doing): \(reason)")
    }

    /// Whether it is this one change that cannot be written, so that the others can.
    var isOfOneChange: Bool { kind == .change }
}
