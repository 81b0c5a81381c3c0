/// Goes through a text once and masks the values of keys that name secrets.
struct SecretScanner {
    private var text: MaskedText
    /// Whether a space does not part a key from its value.
    private let isProse: Bool

    private var position = 0
    private var lineStart = 0
    /// Whether only indentation, dashes and words such as `header` came before on this line.
    private var isFirst = true
    private var isComment = false
    /// The quote that is open; 0: none.
    private var quote: UInt8 = 0
    /// How many braces and brackets are open on this line.
    private var depth = 0
    /// The column of a key whose value is on the following lines, which are indented more.
    private var block: (column: Int, takesDashes: Bool)?
    /// Whether a backslash at the end of a line carries the value on into this one.
    private var isContinued = false
    /// Whether `name: SECRET` was read, whose `value` follows.
    private var isNamed = false
    /// From somewhere in a line to its end.
    private var knownLine = -1 ... -1

    /// First words that say what is done with the key that follows.
    private static let transparent: Set<String> = [
        "header", "headers", "record", "add", "set", "setenv", "env", "export",
    ]
    private static let schemes: Set<String> = [
        "bearer", "basic", "token", "digest", "splunk", "apikey", "negotiate", "sharedaccesssignature",
    ]

    init(_ text: MaskedText, isProse: Bool) {
        (self.text, self.isProse) = (text, isProse)
    }

    /// The bytes with the values masked.
    mutating func masked() -> [UInt8] {
        while position < text.count { line() }
        return text.finished()
    }

    private mutating func line() {
        lineStart = position
        let start = skipSpaces(from: position)
        if isContinued {
            let end = endOfLine(from: start)
            let stop = trimmed(start, end)
            isContinued = stop > start && text[stop - 1] == UInt8(ascii: "\\")
            text.mask(start..<stop)
            position = end + 1
            return
        }
        if let block {
            let end = endOfLine(from: start)
            let isInside =
                start - lineStart > block.column
                || block.takesDashes && start - lineStart == block.column && byte(start) == UInt8(ascii: "-")
            if start >= end || isInside {
                text.mask(start..<trimmed(start, end))
                position = end + 1
                return
            }
            self.block = nil
        }
        position = start
        (isFirst, quote, depth) = (true, 0, 0)
        isComment = byte(start) == UInt8(ascii: "#") || byte(start) == UInt8(ascii: ";")
        while position < text.count, text[position] != UInt8(ascii: "\n") { step() }
        position += 1
    }

    private mutating func step() {
        let here = text[position]
        if isLetter(here) {
            let start = position
            while position < text.count, isWord(text[position]) { position += 1 }
            word(start, position)
            return
        }
        switch here {
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"): depth = max(0, depth - 1)
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            if quote == here { quote = 0 } else if quote == 0 { quote = here }
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "-"), UInt8(ascii: "#"), UInt8(ascii: ";"),
            UInt8(ascii: "@"), UInt8(ascii: "<"), UInt8(ascii: ":"):
            break
        default: isFirst = false
        }
        position += 1
    }

    /// Looks at what follows a word.
    private mutating func word(_ start: Int, _ end: Int) {
        let word = text.bytes[start..<end]
        let name = word.count <= 32 ? String(decoding: SecretName.plain(word), as: UTF8.self) : ""
        guard let kind = SecretName(word) ?? (isNamed && name == "value" ? .secret : nil) else {
            if name == "name" || name == "key" { isNamed = namesSecret(after: end) }
            if !Self.transparent.contains(name) { isFirst = false }
            return
        }
        if name == "value" { isNamed = false }
        let wasFirst = isFirst
        isFirst = false
        // The key may be quoted, and the quotes escaped.
        var next = end
        while byte(next) == UInt8(ascii: "\\") { next += 1 }
        let isQuoted = isQuote(byte(next)) && start > 0 && isQuote(text[start - 1])
        next = isQuoted ? next + 1 : end
        let afterKey = next
        next = skipSpaces(from: next)
        let separator = byte(next)
        if separator == UInt8(ascii: ":") || separator == UInt8(ascii: "=") {
            next += 1
            if byte(next) == UInt8(ascii: ">") || byte(next) == UInt8(ascii: "=") { next += 1 }
            if separator == UInt8(ascii: ":"), byte(next) == UInt8(ascii: ":") || isAuthority(next) { return }
            if isQuoted { quote = 0 }
            value(
                at: skipSpaces(from: next, andLines: isQuoted), of: kind, name: name,
                key: Key(start: start, isFirst: wasFirst, isQuoted: isQuoted, separator: separator ?? 0)
            )
        } else if byte(end) == UInt8(ascii: ">"), start > 0, text[start - 1] == UInt8(ascii: "<") {
            let lineEnd = endOfLine(from: end)
            let close = (end..<lineEnd).first { text[$0] == UInt8(ascii: "<") } ?? lineEnd
            text.mask((end + 1)..<max(end + 1, trimmed(end + 1, close)))
            position = close
        } else if next > afterKey, next < endOfLine(from: next), !isProse {
            let isOption = start > 1 && text[start - 1] == UInt8(ascii: "-") && text[start - 2] == UInt8(ascii: "-")
            guard wasFirst || isOption else { return }
            if isComment, !name.contains("authorization"), !isLastWord(next) { return }
            if isQuoted { quote = 0 }
            value(
                at: next, of: kind, name: name,
                key: Key(start: start, isFirst: wasFirst, isQuoted: isQuoted, separator: UInt8(ascii: " "))
            )
        }
    }

    /// What is known of a key when its value is looked at.
    private struct Key {
        let start: Int
        let isFirst: Bool
        let isQuoted: Bool
        /// `:`, `=`, or a space.
        let separator: UInt8

        var isYAML: Bool { separator == UInt8(ascii: ":") }
    }

    /// Masks a value that begins here, and goes on after it.
    private mutating func value(at start: Int, of kind: SecretName, name: String, key: Key) {
        position = start
        let lineEnd = endOfLine(from: start)
        guard start < lineEnd, !(key.isYAML && byte(start) == UInt8(ascii: "#")) else {
            if key.isYAML, kind == .secret { block = (key.start - lineStart, takesDashes: true) }
            return
        }
        if key.isYAML, isBlockIndicator(start, lineEnd) {
            block = (key.start - lineStart, takesDashes: false)
            position = lineEnd
            return
        }
        var open = start
        while byte(open) == UInt8(ascii: "\\") { open += 1 }
        // More escapes than this are no escapes.
        if open - start <= 3, isQuote(byte(open)), quote == 0 || quote != byte(open) || open > start {
            quoted(start, open, key, lineEnd)
        } else if byte(start) == UInt8(ascii: "{") || byte(start) == UInt8(ascii: "[") {
            guard kind == .secret else { return }
            let end = endOfContainer(start)
            text.mask((start + 1)..<max(start + 1, end))
            position = end
        } else {
            plain(start, name, key, lineEnd)
        }
    }

    private mutating func quoted(_ start: Int, _ open: Int, _ key: Key, _ lineEnd: Int) {
        let escapes = open - start
        let end = endOfQuoted(open, escapes: escapes)
        let stop = end ?? lineEnd
        var after = min(stop + 1 + escapes, text.count)
        if let end { after = end + 1 + escapes }
        // Where quotes mean nothing, or less than was thought, the value goes on.
        let rest = skipSpaces(from: min(after, text.count))
        let isOver =
            byte(rest).map { next in
                if next == 0x0d || next == 0x0a || next == UInt8(ascii: "#") && rest > after { return true }
                return key.separator != UInt8(ascii: " ") && ",}]);".utf8.contains(next)
            } ?? true
        if end != nil, key.isFirst, quote == 0, !isOver {
            text.mask(start..<trimmed(start, endOfLine(from: rest)))
            position = endOfLine(from: rest)
        } else {
            text.mask((open + 1)..<max(open + 1, stop))
            position = min(after, text.count)
        }
        if position <= text.count, end == nil { position = lineEnd }
    }

    private mutating func plain(_ start: Int, _ name: String, _ key: Key, _ lineEnd: Int) {
        var end = start
        let isAuthorization = name.contains("authorization") || name.contains("authentication")
        while end < lineEnd {
            let here = text[end]
            if quote != 0, here == quote { break }
            if key.isQuoted || depth > 0, ",}]".utf8.contains(here) { break }
            if !key.isFirst || isProse, quote == 0 || text[key.start - 1] != quote, depth == 0 || isProse {
                if "&;,".utf8.contains(here), !isAuthorization { break }
                if here == UInt8(ascii: " ") || here == UInt8(ascii: "\t") {
                    // A scheme is not the secret: that is the next word.
                    let word = String(decoding: text.bytes[start..<min(end, start + 32)], as: UTF8.self).lowercased()
                    if !isAuthorization, !Self.schemes.contains(word) { break }
                    if isProse, !Self.schemes.contains(word), end > start { break }
                }
            }
            end += 1
        }
        text.mask(start..<trimmed(start, end))
        position = end
        if key.isFirst, key.isYAML, !key.isQuoted, depth == 0, quote == 0, end == lineEnd {
            // A plain value of YAML goes on where lines are indented more.
            block = (key.start - lineStart, takesDashes: false)
        } else if end == lineEnd, end > start, text[trimmed(start, end) - 1] == UInt8(ascii: "\\") {
            isContinued = true
        }
    }

    // MARK: - Looking ahead

    private func byte(_ index: Int) -> UInt8? { index < text.count ? text[index] : nil }

    private func isQuote(_ byte: UInt8?) -> Bool { byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") }

    private func isLetter(_ byte: UInt8) -> Bool {
        (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "_")
    }

    private func isWord(_ byte: UInt8) -> Bool {
        isLetter(byte) || (48...57).contains(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }

    private func skipSpaces(from start: Int, andLines: Bool = false) -> Int {
        var index = start
        while let here = byte(index), here == 0x20 || here == 0x09 || andLines && (here == 0x0a || here == 0x0d) {
            index += 1
        }
        return index
    }

    /// Found once for each line, however long it is.
    private mutating func endOfLine(from start: Int) -> Int {
        if knownLine.lowerBound <= start, start <= knownLine.upperBound { return knownLine.upperBound }
        var index = start
        while index < text.count, text[index] != UInt8(ascii: "\n") { index += 1 }
        knownLine = min(start, index)...index
        return index
    }

    /// The end without the spaces before it.
    private func trimmed(_ start: Int, _ end: Int) -> Int {
        var end = end
        while end > start, text[end - 1] <= 0x20 { end -= 1 }
        return end
    }

    private func isAuthority(_ index: Int) -> Bool {
        byte(index) == UInt8(ascii: "/") && byte(index + 1) == UInt8(ascii: "/")
    }

    /// Whether one word ends the line.
    private mutating func isLastWord(_ start: Int) -> Bool {
        let end = endOfLine(from: start)
        return !text.bytes[start..<trimmed(start, end)].contains { $0 == 0x20 || $0 == 0x09 }
    }

    /// Whether the value of this key is the name of a secret.
    private mutating func namesSecret(after end: Int) -> Bool {
        let lineEnd = min(endOfLine(from: end), end + 8)
        guard let start = (end..<lineEnd).first(where: { isLetter(text[$0]) }) else { return false }
        var stop = start
        while let here = byte(stop), isWord(here), stop - start < 256 { stop += 1 }
        return SecretName(text.bytes[start..<stop]) != nil
    }

    /// `|` or `>` of YAML, with nothing after it but how it is folded.
    private func isBlockIndicator(_ start: Int, _ end: Int) -> Bool {
        guard byte(start) == UInt8(ascii: "|") || byte(start) == UInt8(ascii: ">") else { return false }
        var next = start + 1
        while let here = byte(next), "+-0123456789".utf8.contains(here) { next += 1 }
        next = skipSpaces(from: next)
        return next >= trimmed(start, end) || byte(next) == UInt8(ascii: "#")
    }

    /// Where the quote that opens here is closed; nil where it is not.
    private func endOfQuoted(_ open: Int, escapes: Int) -> Int? {
        let mark = text[open]
        var index = open + 1
        var backslashes = 0
        while index < text.count {
            let here = text[index]
            if here == UInt8(ascii: "\\") {
                backslashes += 1
            } else {
                if here == mark {
                    if mark == UInt8(ascii: "'"), escapes == 0 {
                        if byte(index + 1) != mark { return index }
                        index += 1
                    } else if escapes == 0 ? backslashes % 2 == 0 : backslashes <= escapes {
                        return index - min(backslashes, escapes)
                    }
                }
                backslashes = 0
            }
            index += 1
        }
        return nil
    }

    /// Where the bracket that opens here is closed, quotes left out; the end of the text where it is not.
    private func endOfContainer(_ open: Int) -> Int {
        var (index, level, quote) = (open, 0, UInt8(0))
        while index < text.count {
            let here = text[index]
            if quote != 0 {
                if here == UInt8(ascii: "\\") { index += 1 } else if here == quote { quote = 0 }
            } else if isQuote(here) {
                quote = here
            } else if here == UInt8(ascii: "{") || here == UInt8(ascii: "[") {
                level += 1
            } else if here == UInt8(ascii: "}") || here == UInt8(ascii: "]") {
                level -= 1
                if level == 0 { return index }
            }
            index += 1
        }
        return text.count
    }
}
