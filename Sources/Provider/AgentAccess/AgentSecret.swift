import Crypto

/// A token that this provider makes for agents: a prefix that says what it is, 16 hex digits of its id, which is no
/// secret and finds it, and 256 random bits. Kept nowhere but as a digest.
struct AgentSecret: Sendable, Equatable {
    enum Kind: String, CaseIterable {
        case enrolment = "opampenrol_"
        case own = "opampagent_"
    }

    private static let idDigits = 16

    let text: String

    /// A new one, from the system's source of random numbers.
    init(_ kind: Kind, id: UInt64) {
        text = "\(kind.rawValue)\(id.hexDigits)_\(TokenSecret.randomText())"
    }

    var digest: SHA256Digest { TokenSecret.digest(of: text) }

    /// Spec: RFC 6750, section 2.1.
    var authorization: String { "Bearer \(text)" }

    /// What a text of this form is, and its id; nil for any other one.
    static func form(of token: some StringProtocol) -> (kind: Kind, id: UInt64)? {
        guard let kind = Kind.allCases.first(where: { token.hasPrefix($0.rawValue) }) else { return nil }
        let digits = token.utf8.dropFirst(kind.rawValue.utf8.count)
        guard digits.count > idDigits, digits.dropFirst(idDigits).first == UInt8(ascii: "_"),
            let id = UInt64(hexDigits: String(decoding: digits.prefix(idDigits), as: UTF8.self))
        else { return nil }
        return (kind, id)
    }
}

extension AgentSecret: CustomStringConvertible, CustomReflectable {
    /// Never the token itself, whatever holds it is described.
    var description: String { "(a token)" }
    var customMirror: Mirror { Mirror(self, children: []) }
}

extension UInt64 {
    /// 16 hex digits.
    var hexDigits: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    /// nil unless it is a text of 16 hex digits.
    init?(hexDigits text: String) {
        guard text.utf8.count == 16, text.utf8.first != UInt8(ascii: "+"), let value = UInt64(text, radix: 16) else {
            return nil
        }
        self = value
    }

    /// One that nobody can guess.
    static func randomID() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return .random(in: 1 ... .max, using: &generator)
    }
}
