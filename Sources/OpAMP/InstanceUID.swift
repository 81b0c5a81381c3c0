package import FoundationEssentials

/// The 16 bytes that name an agent, usually a UUIDv7. Spec: OpAMP, "AgentToServer.instance_uid".
package struct InstanceUID: Hashable, Sendable {
    /// The first eight bytes, the first one most significant.
    package let high: UInt64
    /// The last eight bytes.
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// - Returns: nil unless there are exactly 16 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        // At once where the bytes lie together: every message has a uid.
        self =
            bytes.withContiguousStorageIfAvailable(Self.init(sixteen:))
            ?? Array(bytes).withUnsafeBufferPointer(Self.init(sixteen:))
    }

    private init(sixteen bytes: UnsafeBufferPointer<UInt8>) {
        let raw = UnsafeRawBufferPointer(bytes)
        high = UInt64(bigEndian: raw.loadUnaligned(as: UInt64.self))
        low = UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// Reads 32 hex digits in either case, without dashes or with the four of a UUID.
    package init?(_ text: String) {
        var digits = Array(text.utf8)
        if digits.count == 36 {
            let dashes = [8, 13, 18, 23]
            guard dashes.allSatisfy({ digits[$0] == UInt8(ascii: "-") }) else { return nil }
            for position in dashes.reversed() { digits.remove(at: position) }
        }
        guard digits.count == 32, digits.allSatisfy({ Self.isHexDigit($0) }),
            let high = UInt64(String(decoding: digits[..<16], as: UTF8.self), radix: 16),
            let low = UInt64(String(decoding: digits[16...], as: UTF8.self), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }

    /// Makes a UUIDv7.
    ///
    /// - Parameter unixMilliseconds: the time in it; the lower 48 bits are used.
    /// Spec: RFC 9562, section 5.7.
    package static func version7(
        unixMilliseconds: UInt64, using generator: inout some RandomNumberGenerator
    ) -> InstanceUID {
        let random: (UInt64, UInt64) = (generator.next(), generator.next())
        return InstanceUID(
            high: unixMilliseconds << 16 | 0x7000 | random.0 & 0x0fff,
            low: 0x8000_0000_0000_0000 | random.1 & 0x3fff_ffff_ffff_ffff
        )
    }

    package var bytes: [UInt8] {
        withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { Array($0) }
    }

    /// The bytes as the generated messages hold them.
    package var data: Data {
        withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { Data($0) }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}

extension InstanceUID: CustomStringConvertible {
    /// 32 lower-case hex digits without dashes.
    package var description: String {
        [high, low].map { half in
            let digits = String(half, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }
}

extension InstanceUID: Comparable {
    /// In the order of the bytes, which is that of the text.
    package static func < (left: InstanceUID, right: InstanceUID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}
