import Crypto
import Foundation

/// A token itself: 256 random bits behind a prefix by which people and scanners know it. Never stored, logged or shown
/// but to who asked for it.
struct TokenSecret: Sendable {
    /// Tokens of people; those of agents look otherwise.
    static let prefix = "opamp_"
    private static let byteCount = 32

    let text: String

    /// A new one, from the system's source of random numbers.
    init() {
        text = Self.prefix + Self.randomText()
    }

    /// 256 random bits as 43 letters, digits, `-` and `_`.
    static func randomText() -> String {
        var generator = SystemRandomNumberGenerator()
        return base64URL((0..<byteCount).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    var digest: SHA256Digest { Self.digest(of: text) }

    static func digest(of token: some StringProtocol) -> SHA256Digest { SHA256.hash(data: Array(token.utf8)) }

    /// Spec: RFC 4648, section 5, without padding.
    static func base64URL(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
