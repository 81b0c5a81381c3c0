import Crypto
import Foundation
package import Glibc
import SwiftASN1
import X509

/// An authority of certificates, and a folder with what it issued, for one test.
package final class TestAuthority: Sendable {
    /// A certificate and its key, in files.
    package struct Pair: Sendable {
        package let certificate: String
        package let key: String

        package init(certificate: String, key: String) {
            (self.certificate, self.key) = (certificate, key)
        }
    }

    package let folder: String
    private let name: DistinguishedName
    private let key = Certificate.PrivateKey(P256.Signing.PrivateKey())

    /// Its own certificate, in PEM.
    package var file: String { "\(folder)/authority.pem" }

    package init(_ name: String = "Authority") throws {
        folder = FileManager.default.temporaryDirectory.path + "/opamp-certificates-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        self.name = try DistinguishedName { CommonName(name) }
        let extensions = try Certificate.Extensions {
            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
            Critical(KeyUsage(keyCertSign: true))
        }
        let own = try certificate(
            of: key.publicKey, subject: self.name, from: -86_400, to: 86_400 * 3_650, extensions: extensions)
        try Data(own.utf8).write(to: URL(filePath: file))
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Issues a certificate and writes it with its key, each in the place of what was there.
    ///
    /// - Parameters:
    ///   - file: what the names of both files begin with.
    ///   - names: alternative names; `urn:` begins a URI, anything else is a name of the DNS. 127.0.0.1 is always there.
    ///   - seconds: from and to when it is good, counted from now.
    @discardableResult
    package func issue(
        _ file: String, commonName: String = "test", names: [String] = ["localhost"],
        seconds: Range<Double> = -3_600..<86_400 * 90
    ) throws -> Pair {
        let pair = Pair(certificate: "\(folder)/\(file).pem", key: "\(folder)/\(file).key")
        let own = P256.Signing.PrivateKey()
        let alternatives = names.map { name in
            name.lowercased().hasPrefix("urn:")
                ? GeneralName.uniformResourceIdentifier(name) : GeneralName.dnsName(name)
        }
        let address = GeneralName.ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1]))
        let extensions = try Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            SubjectAlternativeNames([address] + alternatives)
        }
        let text = try certificate(
            of: Certificate.PublicKey(own.publicKey), subject: try DistinguishedName { CommonName(commonName) },
            from: seconds.lowerBound, to: seconds.upperBound, extensions: extensions)
        try Self.write(text, to: pair.certificate, mode: 0o644)
        try Self.write(own.pemRepresentation, to: pair.key, mode: 0o600)
        return pair
    }

    package static func text(of path: String) throws -> String {
        try String(contentsOfFile: path, encoding: .utf8)
    }

    /// Replaces a file, as renewing programs do.
    package static func write(_ text: String, to path: String, mode: mode_t = 0o644) throws {
        let new = path + ".new"
        try Data(text.utf8).write(to: URL(filePath: new))
        guard chmod(new, mode) == 0, rename(new, path) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    private func certificate(
        of key: Certificate.PublicKey, subject: DistinguishedName, from: Double, to: Double,
        extensions: Certificate.Extensions
    ) throws -> String {
        let now = Date()
        return try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key,
            notValidBefore: now.addingTimeInterval(from), notValidAfter: now.addingTimeInterval(to), issuer: name,
            subject: subject, signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions,
            issuerPrivateKey: self.key
        ).serializeAsPEM().pemString
    }
}
