import JSON
import JWTKit

/// The public keys of an identity provider. Spec: RFC 7517, section 5.
///
/// Only keys of asymmetric algorithms count: a token that is signed with a shared secret, or not at all, is nobody's.
struct JWTKeys: Sendable {
    static let bytesLimit = 1 << 20
    static let keyLimit = 100

    /// Why a set cannot be used.
    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    private struct Key: Sendable {
        let id: String?
        /// By the names of the algorithms that it may be used with.
        let algorithms: [String: any JWTAlgorithm]
    }

    private let keys: [Key]
    var count: Int { keys.count }

    /// Whether tokens may be signed in this way.
    static func isAllowed(_ algorithm: String) -> Bool {
        (rsa + ["ES256", "ES384", "ES512", "EdDSA"]).contains(algorithm)
    }

    private static let rsa = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]

    /// Reads a set; keys for other uses are passed over.
    ///
    /// - Throws: when it is no set, or there is no key in it that can verify a token.
    init(_ bytes: [UInt8]) async throws(Unusable) {
        let json: JSON
        do { json = try JSON(parsing: bytes, limit: Self.bytesLimit) } catch {
            throw Unusable(description: "it is not JSON: \(error)")
        }
        guard let listed = json["keys"]?.array else { throw Unusable(description: "it has no member keys") }
        guard listed.count <= Self.keyLimit else {
            throw Unusable(description: "it has \(listed.count) keys; it may have \(Self.keyLimit)")
        }
        var keys: [Key] = []
        for key in listed {
            if let use = key["use"], use != "sig" { continue }
            if let uses = key["key_ops"]?.array, !uses.contains("verify") { continue }
            var algorithms: [String: any JWTAlgorithm] = [:]
            for name in Self.algorithms(of: key) { algorithms[name] = await Self.algorithm(name, key) }
            if !algorithms.isEmpty { keys.append(Key(id: key["kid"]?.string, algorithms: algorithms)) }
        }
        guard !keys.isEmpty else {
            throw Unusable(description: "it holds no public key for RS, PS or ES with 256 to 512 bits, or for EdDSA")
        }
        self.keys = keys
    }

    /// Whether one of the keys made the signature.
    ///
    /// - Returns: nil where there is no key of that id; a token without one may be of any.
    func verify(_ token: JWT) -> Bool? {
        let candidates = keys.filter { token.keyID == nil || $0.id == token.keyID }
        if candidates.isEmpty { return nil }
        return candidates.contains { key in
            // What cannot be a signature throws.
            (try? key.algorithms[token.algorithm]?.verify(token.signature, signs: token.signed)) ?? false
        }
    }

    /// What a key may be used with: the algorithm that it names, or those of its type and curve.
    private static func algorithms(of key: JSON) -> [String] {
        let possible: [String] =
            switch (key["kty"]?.string, key["crv"]?.string) {
            case ("RSA", _): rsa
            case ("EC", "P-256"): ["ES256"]
            case ("EC", "P-384"): ["ES384"]
            case ("EC", "P-521"): ["ES512"]
            case ("OKP", "Ed25519"): ["EdDSA"]
            default: []
            }
        guard let named = key["alg"] else { return possible }
        return possible.filter { .string($0) == named }
    }

    /// The public part of a key for one algorithm; nil for one that is damaged or too short.
    private static func algorithm(_ name: String, _ key: JSON) async -> (any JWTAlgorithm)? {
        guard let algorithm = JWK.Algorithm(rawValue: name) else { return nil }
        let id = JWKIdentifier(string: "key")
        let part = { (member: String) in key[member]?.string }
        let jwk: JWK? =
            switch key["kty"]?.string {
            case "RSA": .rsa(algorithm, identifier: id, modulus: part("n"), exponent: part("e"))
            case "EC":
                .ecdsa(
                    algorithm, identifier: id, x: part("x"), y: part("y"),
                    curve: part("crv").flatMap { ECDSACurve(rawValue: $0) })
            case "OKP": .octetKeyPair(algorithm, identifier: id, x: part("x"), y: nil, curve: .ed25519)
            default: nil
            }
        guard let jwk else { return nil }
        do { return try await JWTKeyCollection().add(jwk: jwk).getKey(for: id, alg: name) } catch { return nil }
    }
}
