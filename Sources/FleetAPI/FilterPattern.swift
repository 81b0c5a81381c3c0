/// A text with wildcards, prepared for being compared with many others. Compares UTF-8, letters in either case.
package struct FilterPattern: Sendable {
    /// What stands between the wildcards, lower-cased, one piece after the other.
    private let bytes: [UInt8]
    /// Where each piece ends in `bytes`; no piece only for `*` alone.
    private let ends: [Int]
    private let startsAnywhere: Bool
    private let endsAnywhere: Bool
    private let isASCII: Bool

    /// - Parameter isPart: whether a text matches that merely holds the pattern, unless there is a `*` in it.
    package init(_ pattern: some StringProtocol, isPart: Bool = false) {
        let star = UInt8(ascii: "*")
        let text = Array(pattern.lowercased().utf8)
        let hasStar = text.contains(star)
        let pieces = text.split(separator: star, omittingEmptySubsequences: hasStar)
        bytes = Array(pieces.joined())
        ends = pieces.reduce(into: []) { $0.append(($0.last ?? 0) + $1.count) }
        startsAnywhere = hasStar ? text.first == star : isPart
        endsAnywhere = hasStar ? text.last == star : isPart
        isASCII = text.allSatisfy { $0 < 0x80 }
    }

    static let anything = FilterPattern("*")

    /// Whether it is only `*`.
    var isAnything: Bool { ends.isEmpty }

    package func matches(_ text: String) -> Bool {
        // Folding ASCII while comparing is enough for a pattern that is ASCII, and needs no copy of the text.
        var text = isASCII ? text : text.lowercased()
        return text.withUTF8(matches)
    }

    func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        bytes.withUnsafeBufferPointer { bytes in
            var (start, end) = (0, text.count)
            var pieces = ends.indices
            if !startsAnywhere, !pieces.isEmpty {
                let first = piece(pieces.removeFirst(), of: bytes)
                guard first.count <= end, equal(first, text, at: 0) else { return false }
                start = first.count
                if pieces.isEmpty { return endsAnywhere || start == end }
            }
            if !endsAnywhere, !pieces.isEmpty {
                let last = piece(pieces.removeLast(), of: bytes)
                guard last.count <= end - start, equal(last, text, at: end - last.count) else { return false }
                end -= last.count
            }
            for index in pieces {
                let middle = piece(index, of: bytes)
                guard let found = position(of: middle, in: text, from: start, to: end) else { return false }
                start = found + middle.count
            }
            return true
        }
    }

    private func piece(_ index: Int, of bytes: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]])
    }
}

private func position(
    of piece: UnsafeBufferPointer<UInt8>, in text: UnsafeBufferPointer<UInt8>, from: Int, to: Int
) -> Int? {
    var place = from
    while place <= to - piece.count {
        if equal(piece, text, at: place) { return place }
        place += 1
    }
    return nil
}

/// Whether a lower-cased piece stands at this place of a text that is long enough.
private func equal(
    _ piece: UnsafeBufferPointer<UInt8>, _ text: UnsafeBufferPointer<UInt8>, at place: Int
) -> Bool {
    var index = 0
    while index < piece.count {
        let byte = text[place + index]
        let isUpperCase = byte &- UInt8(ascii: "A") < 26
        if piece[index] != (isUpperCase ? byte | 0x20 : byte) { return false }
        index += 1
    }
    return true
}
