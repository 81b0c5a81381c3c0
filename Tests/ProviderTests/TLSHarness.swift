import Logging
import NIOSSL
import Synchronization
import TestSupport

@testable import Provider

/// The log of a test, line by line: level and message, with its metadata.
final class LogText: LogHandler, Sendable {
    private let lines = Mutex<[String]>([])
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .debug }
        set {}
    }

    var all: [String] { lines.withLock { $0 } }
    var logger: Logger { Logger(label: "test") { _ in self } }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        let metadata = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " ")
        lines.withLock { $0.append("\(event.level) \(event.message) \(metadata)") }
    }
}

extension TestAuthority {
    /// What a client trusts and shows.
    func client(showing pair: Pair? = nil, newest: TLSVersion? = nil) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(file))
        if let newest {
            (configuration.minimumTLSVersion, configuration.maximumTLSVersion) = (.tlsv1, newest)
        }
        if let pair {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(pair.certificate)
                .map { .certificate($0) }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: pair.key, format: .pem))
        }
        return try NIOSSLContext(configuration: configuration)
    }
}

extension TLSFiles {
    init(_ pair: TestAuthority.Pair, clientAuthorities: String? = nil) {
        self.init(certificate: pair.certificate, key: pair.key, clientAuthorities: clientAuthorities)
    }
}

/// Runs something again until it is true. The time limit of the test ends it.
func until(_ isTrue: () async throws -> Bool) async throws {
    while try await !isTrue() {
        try Task.checkCancellation()
        await Task.yield()
    }
}
