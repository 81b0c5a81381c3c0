/// A text in which places are masked one after the other, from its beginning to its end.
struct MaskedText {
    let bytes: [UInt8]
    private var result: [UInt8] = []
    private var copied = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var count: Int { bytes.count }
    subscript(position: Int) -> UInt8 { bytes[position] }

    /// Masks a place after those masked so far; one that only refers to the environment or holds no secret stays.
    mutating func mask(_ place: Range<Int>) {
        guard place.lowerBound >= copied, !place.isEmpty, !isHarmless(bytes[place]) else { return }
        result += bytes[copied..<place.lowerBound]
        result += Array(SecretMask.mark.utf8)
        copied = place.upperBound
    }

    /// The whole text, masked.
    mutating func finished() -> [UInt8] {
        if copied == 0 { return bytes }
        result += bytes[copied...]
        copied = bytes.count
        return result
    }

    /// Where these bytes are found next; nil where they are not.
    func find(_ part: [UInt8], from start: Int) -> Int? { find(part, in: start..<bytes.count) }

    func find(_ part: [UInt8], in place: Range<Int>) -> Int? {
        guard place.count >= part.count else { return nil }
        return (place.lowerBound...(place.upperBound - part.count)).first {
            bytes[$0] == part[0] && bytes[$0..<($0 + part.count)].elementsEqual(part)
        }
    }

    private static let harmless: Set<String> = [
        "true", "false", "null", "nil", "~", "on", "off", "yes", "no", "none", "{}", "[]", SecretMask.mark,
    ]

    /// A word that hides nothing, or a reference to the environment: `${NAME}`, `#{ENV['NAME']}`.
    private func isHarmless(_ value: ArraySlice<UInt8>) -> Bool {
        guard value.count <= 256 else { return false }
        let text = String(decoding: value, as: UTF8.self)
        if Self.harmless.contains(text.lowercased()) { return true }
        let pairs = [
            ("${", "}"), ("#{ENV['", "']}"), ("#{ENV[\"", "\"]}"), ("#{ENV[\\\"", "\\\"]}"),
            ("\"#{ENV['", "']}\""), ("\"#{ENV[\"", "\"]}\""), ("${env:", "}"),
        ]
        return pairs.contains { open, close in
            guard text.hasPrefix(open), text.hasSuffix(close), text.utf8.count > open.utf8.count + close.utf8.count
            else { return false }
            let name = text.utf8.dropFirst(open.utf8.count).dropLast(close.utf8.count)
            return name.first.map { !(48...57).contains($0) } == true && name.allSatisfy(isNameByte)
        }
    }

    private func isNameByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "_")
    }
}
