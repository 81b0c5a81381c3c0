/// Bytes to put in the place of others.
struct TextEdit: Equatable {
    var range: Range<Int>
    var text: [UInt8]

    init(_ range: Range<Int>, _ text: String = "") {
        (self.range, self.text) = (range, Array(text.utf8))
    }
}

/// The bytes with the edits made, which do not overlap; of several at one place the first comes first.
func applying(_ edits: [TextEdit], to bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count + edits.reduce(0) { $0 + $1.text.count })
    var position = 0
    let sorted = edits.enumerated().sorted {
        ($0.element.range.lowerBound, $0.offset) < ($1.element.range.lowerBound, $1.offset)
    }
    for (_, edit) in sorted {
        result += bytes[position..<edit.range.lowerBound] + edit.text
        position = edit.range.upperBound
    }
    return result + bytes[position...]
}

/// How lines of a text end: as its first one does.
func lineEnd(of bytes: [UInt8]) -> String {
    guard let first = bytes.firstIndex(of: .newline), first > 0, bytes[first - 1] == 0x0D else { return "\n" }
    return "\r\n"
}
