import JSON

/// A TOML text that is changed in place: only its statements are told apart, values are followed to their end.
///
/// Spec: TOML 1.0; line ends in inline tables, which 1.1 allows, pass too.
struct TOMLText {
    enum Kind: Equatable {
        /// `[a.b]`, or `[[a.b]]` for an element of an array.
        case table([String], isElement: Bool)
        case value([String], Range<Int>)
        /// Nothing, or a comment alone.
        case empty(isBlank: Bool)
    }

    struct Statement {
        let kind: Kind
        /// With the end of its line.
        let range: Range<Int>
    }

    let bytes: [UInt8]
    let statements: [Statement]

    /// - Throws: where a line is no statement of TOML.
    init(_ bytes: [UInt8]) throws(ConfigRefusal) {
        self.bytes = bytes
        var scanner = Scanner(bytes: bytes)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { scanner.position = 3 }
        var statements: [Statement] = []
        while scanner.next != nil { statements.append(try scanner.statement()) }
        self.statements = statements
    }

    /// Follows the text.
    struct Scanner {
        static let depthLimit = 64

        let bytes: [UInt8]
        var position = 0
        private var depth = 0

        init(bytes: [UInt8], position: Int = 0) {
            (self.bytes, self.position) = (bytes, position)
        }

        var next: UInt8? { position < bytes.count ? bytes[position] : nil }

        private func refusal(_ what: String) -> ConfigRefusal {
            ConfigRefusal(what, at: min(position, bytes.count), in: bytes)
        }

        mutating func skipBlanks() {
            while let byte = next, byte.isBlank { position += 1 }
        }

        private mutating func take(_ text: String) -> Bool {
            guard bytes[position...].starts(with: text.utf8) else { return false }
            position += text.utf8.count
            return true
        }

        mutating func statement() throws(ConfigRefusal) -> Statement {
            let start = position
            skipBlanks()
            let kind: Kind
            switch next {
            case nil, .newline?, 0x0D?: kind = .empty(isBlank: true)
            case UInt8(ascii: "#")?: kind = .empty(isBlank: false)
            case UInt8(ascii: "[")?:
                position += 1
                let isElement = take("[")
                let path = try path()
                guard take("]"), !isElement || take("]") else { throw refusal("] is expected") }
                kind = .table(path, isElement: isElement)
            default:
                let path = try path()
                guard take("=") else { throw refusal("= is expected") }
                skipBlanks()
                kind = .value(path, try value())
            }
            try skipRestOfLine()
            return Statement(kind: kind, range: start..<position)
        }

        private mutating func skipRestOfLine() throws(ConfigRefusal) {
            skipBlanks()
            if next == UInt8(ascii: "#") { skipComment() }
            guard next == nil || take("\r\n") || take("\n") else { throw refusal("the end of the line is expected") }
        }

        private mutating func skipComment() {
            while let byte = next, byte != .newline { position += 1 }
            if position > 0, bytes[position - 1] == 0x0D, next == .newline { position -= 1 }
        }

        /// Names with full stops between them, and the blanks around.
        mutating func path() throws(ConfigRefusal) -> [String] {
            var path: [String] = []
            repeat {
                skipBlanks()
                path.append(try name())
                skipBlanks()
            } while take(".")
            return path
        }

        private mutating func name() throws(ConfigRefusal) -> String {
            let start = position
            if next == .quote || next == UInt8(ascii: "'") {
                let range = try string()
                guard let name = TOMLText.string(bytes[range]) else { throw refusal("a name is expected") }
                return name
            }
            while let byte = next, byte.isOfBareName { position += 1 }
            guard position > start else { throw refusal("a name is expected") }
            return String(decoding: bytes[start..<position], as: UTF8.self)
        }

        mutating func value() throws(ConfigRefusal) -> Range<Int> {
            let start = position
            switch next {
            case .quote?, UInt8(ascii: "'")?: return try string()
            case UInt8(ascii: "[")?: _ = try list()
            case UInt8(ascii: "{")?: _ = try inlineTable()
            default:
                while let byte = next, !byte.endsWord { position += 1 }
                while position > start, bytes[position - 1].isSpace { position -= 1 }
                guard position > start else { throw refusal("a value is expected") }
            }
            return start..<position
        }

        private mutating func string() throws(ConfigRefusal) -> Range<Int> {
            let start = position
            let isBasic = next == .quote
            let isLong = take("\"\"\"") || take("'''")
            if !isLong { position += 1 }
            while let byte = next {
                if byte == .backslash, isBasic {
                    position += 2
                } else if !isLong, byte == .newline {
                    break
                } else if isLong, isBasic ? take("\"\"\"") : take("'''") {
                    // Up to two more quotes belong to the text.
                    for _ in 0..<2 where next == byte { position += 1 }
                    return start..<position
                } else if !isLong, byte == bytes[start] {
                    position += 1
                    return start..<position
                } else {
                    position += 1
                }
            }
            throw ConfigRefusal("a text without its end", at: start, in: bytes)
        }

        mutating func list() throws(ConfigRefusal) -> [Range<Int>] {
            try enter()
            var values: [Range<Int>] = []
            while !take("]") {
                values.append(try value())
                skipLines()
                guard take(",") || next == UInt8(ascii: "]") else { throw refusal("a comma or ] is expected") }
                skipLines()
            }
            depth -= 1
            return values
        }

        mutating func inlineTable() throws(ConfigRefusal) -> [(path: [String], value: Range<Int>)] {
            try enter()
            var members: [(path: [String], value: Range<Int>)] = []
            while !take("}") {
                let path = try path()
                guard take("=") else { throw refusal("= is expected") }
                skipLines()
                members.append((path, try value()))
                skipLines()
                guard take(",") || next == UInt8(ascii: "}") else { throw refusal("a comma or } is expected") }
                skipLines()
            }
            depth -= 1
            return members
        }

        private mutating func enter() throws(ConfigRefusal) {
            depth += 1
            guard depth <= Self.depthLimit else { throw refusal("nested deeper than \(Self.depthLimit) levels") }
            position += 1
            skipLines()
        }

        /// Blanks, line ends and comments.
        private mutating func skipLines() {
            while let byte = next {
                if byte.isSpace {
                    position += 1
                } else if byte == UInt8(ascii: "#") {
                    skipComment()
                } else {
                    return
                }
            }
        }
    }

    /// The text that a value of TOML stands for; nil for anything but a text of one line.
    static func string(_ value: ArraySlice<UInt8>) -> String? {
        guard let quote = value.first, value.count >= 2, !value.starts(with: [quote, quote, quote]) else { return nil }
        if quote == UInt8(ascii: "'") { return String(decoding: value.dropFirst().dropLast(), as: UTF8.self) }
        // Basic strings have the escapes of JSON, and two more, which nobody writes into a path.
        return (try? JSON(parsing: Array(value)))?.string
    }

    func string(_ value: Range<Int>) -> String? { Self.string(bytes[value]) }

    /// The texts of a list; nil where it is none, or holds something else.
    func strings(_ value: Range<Int>) -> [String]? {
        guard bytes[value].first == UInt8(ascii: "[") else { return nil }
        var scanner = Scanner(bytes: bytes, position: value.lowerBound)
        guard let values = try? scanner.list() else { return nil }
        let texts = values.compactMap(string)
        return texts.count == values.count ? texts : nil
    }

    /// The members of an inline table that are texts.
    func stringMembers(_ value: Range<Int>) -> [String: String] {
        guard bytes[value].first == UInt8(ascii: "{") else { return [:] }
        var scanner = Scanner(bytes: bytes, position: value.lowerBound)
        let members = (try? scanner.inlineTable()) ?? []
        var texts: [String: String] = [:]
        for member in members where member.path.count == 1 { texts[member.path[0]] = string(member.value) }
        return texts
    }

    /// A text as TOML writes it. JSON's escapes are valid in a basic string; U+007F must be escaped, too.
    static func quoted(_ text: String) -> String {
        String(JSON.string(text).text.flatMap { $0 == "\u{7F}" ? "\\u007F" : String($0) })
    }

    static func list(_ texts: [String]) -> String {
        "[\(texts.map(quoted).joined(separator: ", "))]"
    }
}

extension UInt8 {
    fileprivate var isOfBareName: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// Whether a number, date or word ends before it.
    fileprivate var endsWord: Bool {
        switch self {
        case .newline, UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "#"): true
        default: false
        }
    }
}
