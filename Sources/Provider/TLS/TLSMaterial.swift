import Crypto
package import FleetAPI
import NIOSSL

/// What was read from the files of TLS, once it is known that it can be used.
package struct TLSMaterial: Sendable {
    /// The most bytes of one file.
    private static let limit = 1 << 20

    let context: NIOSSLContext
    /// When the first certificate of the chain ends, and when the last one began.
    package let expiresAt: Timestamp
    package let beginsAt: Timestamp
    /// Of the file of authorities; nil where there is none.
    let authorities: SHA256Digest?

    /// Reads the files.
    ///
    /// - Throws: with what is wrong and the way out; never with a word of a key.
    package init(_ files: TLSFiles) throws(SmallFile.Unusable) {
        let chain = try Self.certificates(in: files.certificate).certificates
        let key = try Self.key(in: files.key)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        if let path = files.clientAuthorities {
            let (bytes, authorities) = try Self.certificates(in: path)
            configuration.trustRoots = .certificates(authorities)
            // Who shows none may still have a token; one that does not hold ends the handshake.
            configuration.certificateVerification = .optionalVerification
            // Browsers ask their user for a certificate only if they have one of these authorities.
            configuration.sendCANameList = true
            self.authorities = SHA256.hash(data: Array(bytes))
        } else {
            authorities = nil
        }
        do {
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw SmallFile.Unusable(
                description: "the key in \(files.key) is not that of the first certificate in \(files.certificate): "
                    + "give the key that the certificate was made for, and the provider's own certificate first (\(error))"
            )
        }
        expiresAt = chain.map { Self.time($0.notValidAfter) }.min() ?? Timestamp(seconds: 0)
        beginsAt = chain.map { Self.time($0.notValidBefore) }.max() ?? Timestamp(seconds: 0)
    }

    private static func certificates(
        in path: String
    ) throws(SmallFile.Unusable) -> (bytes: ArraySlice<UInt8>, certificates: [NIOSSLCertificate]) {
        let bytes = try SmallFile(path: path, limit: limit, isSecret: false).bytes
        if let certificates = try? NIOSSLCertificate.fromPEMBytes(Array(bytes)), !certificates.isEmpty {
            return (bytes, certificates)
        }
        throw SmallFile.Unusable(
            description: "\(path) holds no certificate in PEM (-----BEGIN CERTIFICATE-----), or a damaged one")
    }

    private static func key(in path: String) throws(SmallFile.Unusable) -> NIOSSLPrivateKey {
        let bytes = try SmallFile(path: path, limit: limit, isSecret: true).bytes
        if let key = try? NIOSSLPrivateKey(bytes: Array(bytes), format: .pem) { return key }
        throw SmallFile.Unusable(
            description: "\(path) holds no private key in PEM without a passphrase; openssl pkey -in FILE -out FILE "
                + "takes a passphrase away")
    }

    /// - Parameter seconds: since 1970; times that a `Timestamp` cannot express are the last or the first one it can.
    private static func time(_ seconds: Int) -> Timestamp {
        Timestamp(seconds: min(max(Int64(seconds), 0), 9_214_646_399))
    }
}
