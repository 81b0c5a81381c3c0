/// A text with wildcards, prepared for being compared with many others. Compares UTF-8, letters in either case.
struct FilterPattern: Sendable {
    /// What stands between the wildcards, lower-cased; empty only for `*` alone.
    private let pieces: [[UInt8]]
    private let startsAnywhere: Bool
    private let endsAnywhere: Bool
    private let isASCII: Bool

    /// - Parameter isPart: whether a text matches that merely holds the pattern, unless there is a `*` in it.
    init(_ pattern: some StringProtocol, isPart: Bool = false) {
        let bytes = Array(pattern.lowercased().utf8)
        let star = UInt8(ascii: "*")
        let hasStar = bytes.contains(star)
        pieces = hasStar ? bytes.split(separator: star).map(Array.init) : [bytes]
        startsAnywhere = hasStar ? bytes.first == star : isPart
        endsAnywhere = hasStar ? bytes.last == star : isPart
        isASCII = bytes.allSatisfy { $0 < 0x80 }
    }

    static let anything = FilterPattern("*")

    /// Whether it is only `*`.
    var isAnything: Bool { pieces.isEmpty }

    func matches(_ text: String) -> Bool {
        // Folding ASCII while comparing is enough for a pattern that is ASCII, and needs no copy of the text.
        var text = isASCII ? text : text.lowercased()
        return text.withUTF8(matches)
    }

    func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        if pieces.isEmpty { return true }
        var (start, end) = (0, text.count)
        var middle = pieces[...]
        if !startsAnywhere {
            let first = middle.removeFirst()
            guard first.count <= end, holds(first, at: 0, of: text) else { return false }
            start = first.count
            if middle.isEmpty { return endsAnywhere || start == end }
        }
        if !endsAnywhere {
            let last = middle.removeLast()
            guard last.count <= end - start, holds(last, at: end - last.count, of: text) else { return false }
            end -= last.count
        }
        for piece in middle {
            guard let found = position(of: piece, in: text, from: start, to: end) else { return false }
            start = found + piece.count
        }
        return true
    }

    private func position(of piece: [UInt8], in text: UnsafeBufferPointer<UInt8>, from: Int, to: Int) -> Int? {
        guard piece.count <= to - from else { return nil }
        return (from...(to - piece.count)).first { holds(piece, at: $0, of: text) }
    }

    private func holds(_ piece: [UInt8], at offset: Int, of text: UnsafeBufferPointer<UInt8>) -> Bool {
        for index in piece.indices {
            let byte = text[offset + index]
            let isUpperCase = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
            if piece[index] != (isUpperCase ? byte | 0x20 : byte) { return false }
        }
        return true
    }
}
