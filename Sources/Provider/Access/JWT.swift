import Foundation
import JSON

/// A JSON web token in its compact form, taken apart but not verified. Spec: RFC 7519 and RFC 7515, section 7.1.
struct JWT: Sendable {
    /// What is wrong with it; holds nothing of it.
    struct Malformed: Error {}

    /// The algorithm of its signature.
    let algorithm: String
    /// The key that made it, if it says so.
    let keyID: String?
    let claims: JSON
    /// What the signature is of.
    let signed: [UInt8]
    let signature: [UInt8]

    /// Whether a text can be one: three parts.
    static func isLike(_ text: some StringProtocol) -> Bool {
        text.utf8.count { $0 == UInt8(ascii: ".") } == 2
    }

    /// - Throws: for anything that is not three parts of base64url, of which the first two are JSON objects, and for an
    ///   extension that must be understood.
    init(_ text: some StringProtocol) throws(Malformed) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.json(parts[0]), let claims = Self.json(parts[1]),
            let signature = Self.bytes(parts[2]), let algorithm = header["alg"]?.string, header["crit"] == nil,
            header["b64"] == nil
        else { throw Malformed() }
        if let type = header["typ"] {
            guard let type = type.string?.lowercased(), Self.types.contains(type) else { throw Malformed() }
        }
        if let id = header["kid"] {
            guard let id = id.string, id.utf8.count <= 256 else { throw Malformed() }
            keyID = id
        } else {
            keyID = nil
        }
        (self.algorithm, self.claims, self.signature) = (algorithm, claims, signature)
        signed = Array("\(parts[0]).\(parts[1])".utf8)
    }

    /// Other types are made for other uses. Spec: RFC 8725, section 3.11, and RFC 9068.
    private static let types = ["jwt", "at+jwt", "application/jwt", "application/at+jwt"]

    private static func json(_ part: some StringProtocol) -> JSON? {
        guard let bytes = bytes(part), let json = try? JSON(parsing: bytes), json.object != nil else { return nil }
        return json
    }

    /// Base64url without padding, as nothing else is allowed.
    private static func bytes(_ part: some StringProtocol) -> [UInt8]? {
        let isBase64URL = part.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isBase64URL else { return nil }
        let padding = String(repeating: "=", count: (4 - part.utf8.count % 4) % 4)
        let text = String(part).replacing("-", with: "+").replacing("_", with: "/") + padding
        return Data(base64Encoded: text).map { Array($0) }
    }
}
