extension JSON {
    /// The value of a top-level member of an object that need not be valid JSON as a whole.
    ///
    /// For answering a message that the parser refuses: only the structure is followed (strings, brackets), the
    /// value found is parsed by itself. Of two members of that name the first is taken.
    ///
    /// - Returns: nil where there is no such member, or its value is itself not valid.
    package static func topLevelMember(_ name: String, in bytes: [UInt8]) -> JSON? {
        var depth = 0
        var index = 0
        var key: ArraySlice<UInt8>?
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                let start = index
                index = endOfString(in: bytes, from: start)
                if depth == 1, key == nil { key = bytes[start..<index] }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: ",") where depth == 1: key = nil
            case UInt8(ascii: ":") where depth == 1:
                if let found = key, (try? JSON(parsing: Array(found))) == .string(name) {
                    return value(in: bytes, from: index + 1)
                }
            default: break
            }
            index += 1
        }
        return nil
    }

    /// The string or number that begins at `start` after white space; other kinds are not looked for.
    private static func value(in bytes: [UInt8], from start: Int) -> JSON? {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0a || $0 == 0x0d }
        guard let begin = bytes[start...].firstIndex(where: { !isSpace($0) }) else { return nil }
        let end =
            if bytes[begin] == UInt8(ascii: "\"") {
                endOfString(in: bytes, from: begin)
            } else {
                bytes[begin...].firstIndex { isSpace($0) || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "}") }
                    ?? bytes.endIndex
            }
        return try? JSON(parsing: Array(bytes[begin..<end]))
    }

    /// The index after the closing quote of the string that opens at `start`, or the end of the bytes.
    private static func endOfString(in bytes: [UInt8], from start: Int) -> Int {
        var index = start + 1
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\\") {
                index += 2
            } else if bytes[index] == UInt8(ascii: "\"") {
                return index + 1
            } else {
                index += 1
            }
        }
        return bytes.count
    }
}
