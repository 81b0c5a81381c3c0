import Crypto
import FleetAPI
package import Logging
import ServiceLifecycle
import Synchronization

/// The TLS of a provider, from files that are read again when they change: each connection takes what is newest.
///
/// Files that cannot be used leave in force what was read before, and the log says why, once.
package final class TLSContexts: Sendable {
    /// What one connection goes by, whatever is read later.
    struct Session: Sendable {
        let contexts: TLSContexts
        let material: TLSMaterial
    }

    private static let checkInterval = Duration.seconds(1)

    private struct State {
        var material: TLSMaterial
        /// Of the files that were read last, whether they could be used or not.
        var read: [SmallFile.Version?]
        /// At the last look.
        var seen: [SmallFile.Version?]
        var reminder = CertificateReminder()
        var failures = 0
    }

    private let files: TLSFiles
    private let logger: Logger
    private let state: Mutex<State>

    /// - Throws: when the files cannot be used.
    package init(_ files: TLSFiles, logger: Logger) throws(SmallFile.Unusable) {
        (self.files, self.logger) = (files, logger)
        let versions = files.versions
        state = Mutex(State(material: try TLSMaterial(files), read: versions, seen: versions))
        remind(at: .now())
    }

    /// For the next connection.
    var session: Session { Session(contexts: self, material: state.withLock { $0.material }) }
    /// When the first certificate of the chain in force ends.
    var expiresAt: Timestamp { state.withLock { $0.material.expiresAt } }
    /// How often changed files could not be used.
    var failures: Int { state.withLock { $0.failures } }
    /// Of the authorities of agents in force; nil where agents are not asked for a certificate.
    var authorities: SHA256Digest? { state.withLock { $0.material.authorities } }

    /// Reads the files again if they have changed and then stayed the same from one look to the next: a certificate and
    /// its key are not written at the same moment.
    func look(at now: Moment = .now()) {
        let versions = files.versions
        let isDue = state.withLock { state in
            defer { state.seen = versions }
            return versions != state.read && versions == state.seen
        }
        if isDue { readAgain(versions) }
        remind(at: now)
    }

    private func readAgain(_ versions: [SmallFile.Version?]) {
        do {
            let material = try TLSMaterial(files)
            state.withLock { ($0.material, $0.read) = (material, versions) }
            logger.notice(
                "certificate read again",
                metadata: ["file": "\(files.certificate)", "expires_at": "\(material.expiresAt)"])
        } catch {
            state.withLock { state in
                state.read = versions
                state.failures += 1
            }
            logger.error("the former certificate stays in force", metadata: ["reason": "\(error)"])
        }
    }

    private func remind(at now: Moment) {
        let (due, expiresAt, beginsAt) = state.withLock { state in
            let material = state.material
            let age = CertificateAge(from: material.beginsAt, to: material.expiresAt, at: now.wall)
            return (
                state.reminder.due(age, expiresAt: material.expiresAt, at: now), material.expiresAt, material.beginsAt
            )
        }
        let metadata: Logger.Metadata = ["file": "\(files.certificate)", "expires_at": "\(expiresAt)"]
        switch due {
        case .good: logger.info("certificate", metadata: metadata)
        case .endsSoon: logger.warning("the certificate ends soon: renew it", metadata: metadata)
        case .ended: logger.error("the certificate has ended: clients refuse it", metadata: metadata)
        case .notYet:
            logger.error(
                "the certificate is not good yet: clients refuse it",
                metadata: metadata.merging(["begins_at": "\(beginsAt)"]) { first, _ in first })
        case nil: break
        }
    }
}

extension TLSContexts: Service {
    /// Looks at the files once a second until the service is stopped.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.checkInterval)
                self.look()
            }
        }
    }
}
