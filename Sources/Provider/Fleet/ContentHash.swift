import Crypto
import FleetAPI
import Foundation
import JSON

/// The hash of a configuration or of connection settings: 32 bytes of ours, or what an agent reported.
struct ContentHash: RESTValue, Hashable {
    /// No hash at all.
    static let none = ContentHash([])
    /// Ours have 32 bytes; of a longer one that an agent reports the rest can make no difference.
    private static let limit = 64

    let bytes: [UInt8]

    init(_ bytes: some Collection<UInt8>) {
        self.bytes = Array(bytes.prefix(Self.limit))
    }

    /// - Throws: unless it is a text of pairs of hex digits.
    init(json: JSON) throws(ShapeError) {
        let digits = Array(try String(json: json).utf8)
        let pairs = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
        }
        guard pairs.count * 2 == digits.count else { throw ShapeError(message: "is not a text of pairs of hex digits") }
        self.init(pairs)
    }

    /// The hash of this content with a token: another one for each revision. Tells nothing of the token.
    func with(token: UInt64, revision: Int) -> ContentHash {
        ContentHash(Array(SHA256.hash(data: Data(bytes) + Data("\(token.hexDigits) \(revision)".utf8))))
    }

    var isEmpty: Bool { bytes.isEmpty }
    /// Lower-case hex digits.
    var hex: String { Provider.hex(bytes) }
    var data: Data { Data(bytes) }
    var json: JSON { .string(hex) }
}
