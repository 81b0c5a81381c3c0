import Crypto
import FleetAPI
import Foundation
import OpAMP
import SwiftProtobuf

extension OpAMPConnectionSettings {
    private static let textLimit = 8192
    static let schemes = ["ws", "wss", "http", "https"]
    private static let versions = ["1.0", "1.1", "1.2", "1.3"]

    /// The settings of a request, checked. The heartbeat interval is left to the caller.
    ///
    /// - Throws: 400 with the member, its value and what is allowed; 422 for a secret that was read masked.
    init(_ settings: ConnectionSettings) throws(Problem) {
        self.init()
        if let endpoint = settings.destinationEndpoint {
            destinationEndpoint = try Self.url(endpoint, "destination_endpoint", schemes: Self.schemes)
        }
        if let fields = settings.headers { headers = try Headers(fields, "headers") }
        if let given = settings.certificate?.value {
            certificate.cert = try Self.pem(given.cert, "certificate.cert")
            certificate.privateKey = try Self.pem(given.privateKey, "certificate.private_key")
            certificate.caCert = try Self.pem(given.caCert, "certificate.ca_cert")
            for (part, field) in [(given.cert, "cert"), (given.privateKey, "private_key")] where part == nil {
                throw .badRequest(
                    field: "certificate.\(field)",
                    "a certificate needs cert and private_key, and ca_cert if a CA signed it; leave certificate out to "
                        + "offer none")
            }
        }
        if let given = settings.tls?.value {
            tls.caPemContents = String(
                decoding: try Self.pem(given.caPEMContents, "tls.ca_pem_contents"), as: UTF8.self)
            tls.includeSystemCaCertsPool = given.includeSystemCACertsPool ?? false
            tls.insecureSkipVerify = given.insecureSkipVerify ?? false
            tls.minVersion = try Self.version(given.minVersion, "tls.min_version")
            tls.maxVersion = try Self.version(given.maxVersion, "tls.max_version")
            tls.cipherSuites = given.cipherSuites ?? []
        }
        if let given = settings.proxy?.value {
            proxy.url = try Self.url(given.url ?? "", "proxy.url", schemes: ["http", "https", "socks5"])
            if let fields = given.connectHeaders { proxy.connectHeaders = try Headers(fields, "proxy.connect_headers") }
        }
    }

    /// A URL as it was given.
    ///
    /// - Throws: 400 for what is none, or of another scheme; 422 for one with a masked secret.
    static func url(_ text: String, _ field: String, schemes: [String]) throws(Problem) -> String {
        try refuseMark(text, field)
        let scheme = text.prefix { $0 != ":" }.lowercased()
        let isPrintable = text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
        guard text.utf8.count <= textLimit, isPrintable, schemes.contains(scheme),
            let url = URLComponents(string: text), url.host?.isEmpty == false
        else {
            throw .badRequest(
                field: field, value: SecretMask.masked(text),
                "\(field) is a URL with a host, of one of these kinds: \(schemes.joined(separator: ", "))",
                allowed: schemes.map { $0 + "://HOST" })
        }
        return text
    }

    private static func pem(_ text: String?, _ field: String) throws(Problem) -> Data {
        guard let text else { return Data() }
        try refuseMark(text, field)
        guard text.contains("-----BEGIN "), text.utf8.count <= 1 << 20 else {
            throw .badRequest(field: field, "\(field) is PEM: it begins with -----BEGIN")
        }
        return Data(text.utf8)
    }

    private static func version(_ text: String?, _ field: String) throws(Problem) -> String {
        guard let text else { return "" }
        guard versions.contains(text) else {
            throw .badRequest(
                field: field, value: text, "\(field) is one of \(versions.joined(separator: ", "))", allowed: versions)
        }
        return text
    }

    fileprivate static func refuseMark(_ text: String, _ field: String) throws(Problem) {
        guard SecretMask.firstMark(in: text) != nil else { return }
        throw .refused(
            422, "Masked secret", field: field, value: SecretMask.mark,
            "\(SecretMask.mark) stands for a secret that was hidden when it was read; put the secret itself there")
    }

    /// SHA-256 over the settings: equal for equal ones. Spec: OpAMP, "ConnectionSettingsOffers.hash".
    var offerHash: ContentHash {
        var hash = SHA256()
        // Configurations never begin like it when they are hashed.
        withUnsafeBytes(of: (UInt64.max - 1).littleEndian) { hash.update(bufferPointer: $0) }
        hash.update(data: Data(stored))
        return ContentHash(Array(hash.finalize()))
    }

    /// Has the agent show this token from now on. The other headers stay.
    mutating func authorize(with token: AgentSecret) {
        headers.headers.removeAll(where: \.isAuthorization)
        headers.headers.append(.with { ($0.key, $0.value) = ("Authorization", token.authorization) })
    }

    /// As the store keeps it. There are no maps in it, so that equal settings are equal bytes.
    var stored: [UInt8] { (try? serializedBytes()) ?? [] }

    /// Whether there is nothing in it but a heartbeat interval.
    var isHeartbeatOnly: Bool {
        var rest = self
        rest.heartbeatIntervalSeconds = 0
        return rest == OpAMPConnectionSettings()
    }

    /// The settings as people see them: what headers hold, private keys and passwords only where `isUnmasked`.
    func told(isUnmasked: Bool) -> ConnectionSettings {
        let masked = { (url: String) in isUnmasked ? url : SecretMask.masked(url) }
        var shown = ConnectionSettings()
        shown.destinationEndpoint = masked(destinationEndpoint).nonEmpty
        if hasHeaders { shown.headers = headers.told(isUnmasked: isUnmasked) }
        shown.heartbeatSeconds = Int(clamping: heartbeatIntervalSeconds)
        if hasCertificate {
            var told = ConnectionSettings.Certificate()
            told.cert = String(decoding: certificate.cert, as: UTF8.self).nonEmpty
            let key = String(decoding: certificate.privateKey, as: UTF8.self)
            told.privateKey = isUnmasked ? key.nonEmpty : key.nonEmpty.map { _ in SecretMask.mark }
            told.caCert = String(decoding: certificate.caCert, as: UTF8.self).nonEmpty
            shown.certificate = Strict(told)
        }
        if hasTls {
            var told = ConnectionSettings.TLS()
            told.caPEMContents = tls.caPemContents.nonEmpty
            told.includeSystemCACertsPool = tls.includeSystemCaCertsPool
            told.insecureSkipVerify = tls.insecureSkipVerify
            (told.minVersion, told.maxVersion) = (tls.minVersion.nonEmpty, tls.maxVersion.nonEmpty)
            told.cipherSuites = tls.cipherSuites.isEmpty ? nil : tls.cipherSuites
            shown.tls = Strict(told)
        }
        if hasProxy {
            var told = ConnectionSettings.Proxy()
            told.url = masked(proxy.url).nonEmpty
            if proxy.hasConnectHeaders { told.connectHeaders = proxy.connectHeaders.told(isUnmasked: isUnmasked) }
            shown.proxy = Strict(told)
        }
        return shown
    }
}

extension Headers {
    /// - Throws: 400 for a name or value that no header can have.
    fileprivate init(_ fields: [String: String], _ field: String) throws(Problem) {
        self.init()
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            let isToken =
                !name.isEmpty
                && name.utf8.allSatisfy { (0x21...0x7e).contains($0) && !#""(),/:;<=>?@[\]{}"#.utf8.contains($0) }
            guard isToken, value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }), value.utf8.count <= 8192 else {
                throw .badRequest(
                    field: "\(field).\(name)", "a header has a name of letters, digits and -, and one line of value")
            }
            try OpAMPConnectionSettings.refuseMark(value, "\(field).\(name)")
            headers.append(.with { ($0.key, $0.value) = (name, value) })
        }
    }

    fileprivate func told(isUnmasked: Bool) -> [String: String] {
        Dictionary(headers.map { ($0.key, isUnmasked ? $0.value : SecretMask.mark) }) { first, _ in first }
    }
}

extension Header {
    /// Whether it tells who sends a request.
    var isAuthorization: Bool { key.lowercased() == "authorization" }
}
