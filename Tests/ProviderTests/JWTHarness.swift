import Crypto
import FleetAPI
import Foundation
import JSON
import Logging
import Testing

@testable import Provider

/// An identity provider with a key on each of two curves, that signs whatever it is told to.
struct IdentityProvider {
    static let issuer = "https://id.example"
    static let audience = "opamp"
    /// Just before what `AccessStage.start` says.
    static let now = AccessStage.start

    let id: String
    let elliptic = P256.Signing.PrivateKey()
    let edwards = Curve25519.Signing.PrivateKey()

    init(_ id: String = "key-1") {
        self.id = id
    }

    /// The set that it publishes.
    var keys: JSON { ["keys": [key, edwardsKey]] }

    var key: JSON {
        let point = Array(elliptic.publicKey.rawRepresentation)
        return [
            "kty": "EC", "crv": "P-256", "kid": .string(id), "use": "sig",
            "x": .string(TokenSecret.base64URL(Array(point[..<32]))),
            "y": .string(TokenSecret.base64URL(Array(point[32...]))),
        ]
    }

    var edwardsKey: JSON {
        [
            "kty": "OKP", "crv": "Ed25519", "kid": .string(id + "-ed"), "alg": "EdDSA",
            "x": .string(TokenSecret.base64URL(Array(edwards.publicKey.rawRepresentation))),
        ]
    }

    /// Claims in order, with others in their place; null takes one away.
    static func claims(_ changes: JSON = [:]) -> JSON {
        var claims: JSON.Object = .init([
            (key: "iss", value: .string(issuer)), (key: "aud", value: .string(audience)), (key: "sub", value: "ada"),
            (key: "role", value: "operator"), (key: "exp", value: .integer(Int(now.wall.seconds) + 600)),
        ])
        for (name, value) in changes.object?.members ?? [] { claims[name] = value == .null ? JSON?.none : value }
        return .object(claims)
    }

    /// A token signed with the key on P-256.
    func token(_ changes: JSON = [:], header: JSON = [:]) throws -> String {
        try token(header: header, payload: try Self.claims(changes).bytes(.ordered))
    }

    func token(header changes: JSON, payload: [UInt8]) throws -> String {
        var header: JSON.Object = .init([
            (key: "alg", value: "ES256"), (key: "kid", value: .string(id)), (key: "typ", value: "JWT"),
        ])
        for (name, value) in changes.object?.members ?? [] { header[name] = value == .null ? JSON?.none : value }
        let signed =
            TokenSecret.base64URL(try JSON.object(header).bytes(.ordered)) + "." + TokenSecret.base64URL(payload)
        let signature: [UInt8] =
            switch header["alg"]?.string {
            case "EdDSA": Array(try edwards.signature(for: Data(signed.utf8)))
            case "HS256":
                // With what everybody knows as the secret.
                Array(
                    HMAC<SHA256>.authenticationCode(
                        for: Data(signed.utf8),
                        using: SymmetricKey(data: Data(elliptic.publicKey.pemRepresentation.utf8))))
            case "none": []
            default: Array(try elliptic.signature(for: Data(signed.utf8)).rawRepresentation)
            }
        return signed + "." + TokenSecret.base64URL(signature)
    }

    /// One that has read `keys` from a file in `directory`.
    static func started(_ keys: JSON, in directory: String, rules: JWTRules = rules) async throws -> JWTIssuer {
        let path = directory + "/keys.json"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try Data(try keys.bytes()).write(to: URL(filePath: path), options: .atomic)
        let issuer = JWTIssuer(source: .file(path), rules: rules, logger: quiet)
        try await issuer.start()
        return issuer
    }

    static let rules = JWTRules(issuer: issuer, audience: audience)
    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

extension JWTIssuer {
    /// Who a token stands for, or why nobody.
    func ask(
        _ token: String, isLimited: Bool = false, at now: Moment = IdentityProvider.now
    ) async -> Result<Doorkeeper.Identity, Refusal> {
        do throws(Refusal) { return .success(try await identify(token, isLimited: isLimited, at: now)) } catch {
            return .failure(error)
        }
    }
}

extension Result where Success == Doorkeeper.Identity, Failure == JWTIssuer.Refusal {
    var identity: Doorkeeper.Identity? { try? get() }

    /// Why the token is nobody's.
    var reason: String? {
        if case .failure(.invalid(let reason)) = self { reason } else { nil }
    }
}
