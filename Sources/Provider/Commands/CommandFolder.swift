import FleetAPI
import Foundation
import Glibc
package import Logging
import ServiceLifecycle
import Synchronization

/// Watches a directory of files that define commands, and tells the fleet what they define.
///
/// Every `*.json` file in it is read at the start and whenever its listing changes. What is wrong is logged once, and
/// told by `GET command-types` until it is right.
package final class CommandFolder: Service {
    /// How often the directory is looked at.
    private static let interval = Duration.seconds(2)

    /// What a listing tells of a file: it is read again when any of it changes.
    private struct Fingerprint: Equatable {
        var isFile = false
        var size: Int64 = 0
        var number: UInt64 = 0
        /// When the content and when the permissions changed last.
        var modified: [Int] = []
    }

    private struct Known {
        var files = DefinitionFiles()
        var fingerprints: [String: Fingerprint] = [:]
        /// What was logged and still holds.
        var errors: [DefinitionError] = []
        var directoryError: DefinitionError?
    }

    private let path: String
    private let fleet: Fleet
    private let logger: Logger
    private let known = Mutex(Known())

    package init(_ path: String, fleet: Fleet, logger: Logger) {
        (self.path, self.fleet, self.logger) = (path, fleet, logger)
    }

    /// Looks again every two seconds until the service is stopped.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                self.look()
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    /// Reads what has changed in the directory since the last time, and tells the fleet.
    package func look() {
        let news = known.withLock { known -> CommandCatalogue? in
            let isChanged = read(&known)
            guard isChanged else { return nil }
            let (kinds, wrong) = known.files.result
            let errors = (known.directoryError.map { [$0] } ?? []) + wrong
            for error in errors where !known.errors.contains(error) {
                logger.error(
                    "a command definition is wrong",
                    metadata: [
                        "file": "\(error.file)", "member": "\(error.member ?? "")", "reason": "\(error.reason)",
                    ])
            }
            known.errors = errors
            return CommandCatalogue(defined: kinds, errors: errors)
        }
        guard let news else { return }
        fleet.define(news)
        logger.notice("command definitions read", metadata: ["commands": "\(news.defined.count)"])
    }

    /// - Returns: whether anything is other than before.
    private func read(_ known: inout Known) -> Bool {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path)
                .filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.sorted()
        } catch {
            return fail("the directory \(path) cannot be read; what it defined before stays", &known)
        }
        guard names.count <= DefinitionFiles.fileLimit else {
            return fail("the directory has \(names.count) files; it may have \(DefinitionFiles.fileLimit)", &known)
        }
        var isChanged = known.directoryError != nil
        known.directoryError = nil
        for gone in known.fingerprints.keys.filter({ !names.contains($0) }) {
            known.fingerprints[gone] = nil
            known.files.remove(gone)
            isChanged = true
        }
        for name in names {
            let fingerprint = fingerprint(of: name)
            guard fingerprint != known.fingerprints[name] else { continue }
            known.fingerprints[name] = fingerprint
            isChanged = true
            read(name, fingerprint, &known)
        }
        return isChanged
    }

    private func read(_ name: String, _ fingerprint: Fingerprint, _ known: inout Known) {
        guard fingerprint.isFile else {
            return known.files.fail(DefinitionError(member: nil, reason: "it is not a file"), of: name)
        }
        guard fingerprint.size <= DefinitionFiles.byteLimit else {
            let reason = "it has \(fingerprint.size) bytes; it may have \(DefinitionFiles.byteLimit)"
            return known.files.fail(DefinitionError(member: nil, reason: reason), of: name)
        }
        guard let bytes = FileManager.default.contents(atPath: "\(path)/\(name)") else {
            return known.files.fail(DefinitionError(member: nil, reason: "it cannot be read"), of: name)
        }
        known.files.take(Array(bytes), of: name)
    }

    private func fail(_ reason: String, _ known: inout Known) -> Bool {
        let error = DefinitionError(member: nil, reason: reason)
        defer { known.directoryError = error }
        return known.directoryError != error
    }

    private func fingerprint(of name: String) -> Fingerprint {
        var status = stat()
        guard stat("\(path)/\(name)", &status) == 0 else { return Fingerprint() }
        return Fingerprint(
            isFile: status.st_mode & S_IFMT == S_IFREG, size: Int64(status.st_size), number: UInt64(status.st_ino),
            modified: [
                status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
            ])
    }
}

extension Fleet {
    /// Replaces the commands that files define.
    func define(_ catalogue: CommandCatalogue) {
        state.withLock { $0.define(catalogue) }
    }
}
