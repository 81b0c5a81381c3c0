import FleetAPI
import NIOSSL
import OpAMP
import SwiftASN1
import X509

/// A certificate that an agent showed, after the handshake has verified it against the authorities.
struct ClientCertificate: Sendable {
    private static let scheme = "urn:uuid:"

    /// The agent that it names; nil when it names none: then it says as much as a token that many agents know.
    let uid: InstanceUID?
    /// In seconds since 1970, which may be farther than a `Timestamp` reaches.
    private let end: Int
    private let session: TLSContexts.Session

    init?(_ certificate: NIOSSLCertificate, verifiedBy session: TLSContexts.Session) {
        guard let parsed = try? Certificate(derEncoded: certificate.toDERBytes()) else { return nil }
        uid = Self.uid(in: parsed)
        end = certificate.notValidAfter
        self.session = session
    }

    /// Whether it would be let in again: it has not ended, and the file of authorities is the one that it was verified by.
    func isInForce(at now: Moment = .now()) -> Bool {
        now.wall.seconds < end && session.contexts.authorities == session.material.authorities
    }

    /// A name of the form `urn:uuid:…`, else a common name that is a uid.
    static func uid(in certificate: Certificate) -> InstanceUID? {
        if let names = try? certificate.extensions.subjectAlternativeNames {
            for case .uniformResourceIdentifier(let name) in names where name.lowercased().hasPrefix(scheme) {
                if let uid = InstanceUID(String(name.dropFirst(scheme.count))) { return uid }
            }
        }
        for attribute in certificate.subject.joined() {
            guard attribute.type == ASN1ObjectIdentifier.RDNAttributeType.commonName else { continue }
            if let uid = String(attribute.value).flatMap({ InstanceUID($0) }) { return uid }
        }
        return nil
    }
}
