import NIOCore
import NIOSSL

/// How agents know the server, and what they show it, over TLS.
package struct ClientTLS: Sendable {
    /// Files that cannot be used.
    package struct Unusable: Error, CustomStringConvertible {
        package let description: String
    }

    private let context: NIOSSLContext
    /// The name that the certificate must have; nil: the address that was connected to.
    private let host: String?

    /// - Parameters:
    ///   - host: of the server's URL.
    ///   - caFile: PEM, authorities to trust instead of the system's.
    ///   - certificateFile: PEM, what every agent shows of itself.
    ///   - keyFile: its key.
    package init(
        to host: String, caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil
    ) throws(Unusable) {
        self.host = (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        do {
            if let caFile { configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(caFile)) }
            if let certificateFile, let keyFile {
                configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(certificateFile)
                    .map { .certificate($0) }
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: keyFile, format: .pem))
            }
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            let files = [caFile, certificateFile, keyFile].compactMap { $0 }.joined(separator: ", ")
            throw Unusable(description: "\(files): not PEM that can be used (\(error))")
        }
    }

    /// Puts TLS before whatever else a connection has.
    func add(to channel: any Channel) throws {
        let handler = try NIOSSLClientHandler(context: context, serverHostname: host)
        try channel.pipeline.syncOperations.addHandler(handler, position: .first)
    }
}
