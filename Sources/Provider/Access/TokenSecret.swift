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
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<Self.byteCount).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        text = Self.prefix + Self.base64URL(bytes)
    }

    var digest: SHA256Digest { Self.digest(of: text) }

    static func digest(of token: some StringProtocol) -> SHA256Digest { SHA256.hash(data: Array(token.utf8)) }

    /// Spec: RFC 4648, section 5, without padding.
    static func base64URL(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
