import JSON

/// A JSON text, perhaps with comments and commas before closing brackets, that is changed in place.
///
/// The text is only followed, never written anew, so that numbers, escapes and layout of others keep their bytes; even
/// what `JSON` refuses (lone surrogates, integers beyond 64 bits) passes.
struct JSONText {
    static let depthLimit = 200

    struct Member {
        /// Nil for a name that is no valid text: it is not one that is looked for.
        let name: String?
        let nameRange: Range<Int>
        let value: Range<Int>
        /// Where the comma after it is.
        var comma: Int?
    }

    struct Object {
        let open: Int
        let close: Int
        let members: [Member]
    }

    let bytes: [UInt8]
    let root: Object

    /// - Throws: for anything but one object.
    init(_ bytes: [UInt8]) throws(ConfigRefusal) {
        self.bytes = bytes
        var scanner = Scanner(bytes: bytes)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { scanner.position = 3 }
        try scanner.skipSpace()
        guard scanner.next == UInt8(ascii: "{") else { throw scanner.refusal("an object is expected") }
        root = try scanner.object()
        try scanner.skipSpace()
        guard scanner.next == nil else { throw scanner.refusal("more than one value") }
    }

    /// A member of an object; nil where there is none.
    ///
    /// - Throws: where two have this name.
    func member(_ name: String, of object: Object) throws(ConfigRefusal) -> Member? {
        let found = object.members.filter { $0.name == name }
        if found.count > 1 {
            throw ConfigRefusal(
                "there are \(found.count) members called \(name)", at: found[1].nameRange.lowerBound, in: bytes)
        }
        return found.first
    }

    /// The object that is the value of a member.
    ///
    /// - Throws: where the value is none.
    func object(of member: Member) throws(ConfigRefusal) -> Object {
        guard bytes[member.value.lowerBound] == UInt8(ascii: "{") else {
            throw ConfigRefusal("\(member.name ?? "this") is no object", at: member.value.lowerBound, in: bytes)
        }
        var scanner = Scanner(bytes: bytes, position: member.value.lowerBound)
        return try scanner.object()
    }

    /// A value as data; nil where it is not what `JSON` accepts.
    func json(_ value: Range<Int>) -> JSON? {
        var plain = Array(bytes[value])
        Scanner.blankComments(in: &plain)
        return try? JSON(parsing: plain)
    }

    /// Follows the text.
    struct Scanner {
        let bytes: [UInt8]
        var position = 0
        private var depth = 0

        init(bytes: [UInt8], position: Int = 0) {
            (self.bytes, self.position) = (bytes, position)
        }

        var next: UInt8? { position < bytes.count ? bytes[position] : nil }

        func refusal(_ what: String) -> ConfigRefusal {
            ConfigRefusal(next == nil ? "the end, where \(what)" : what, at: min(position, bytes.count), in: bytes)
        }

        mutating func skipSpace() throws(ConfigRefusal) {
            while let byte = next {
                if byte.isSpace {
                    position += 1
                } else if byte == UInt8(ascii: "/") {
                    try skipComment()
                } else {
                    return
                }
            }
        }

        /// A comment from its slash; one of a line ends before the end of the line.
        mutating func skipComment() throws(ConfigRefusal) {
            let start = position
            switch position + 1 < bytes.count ? bytes[position + 1] : 0 {
            case UInt8(ascii: "/"):
                while let byte = next, byte != .newline, !(byte == 0x0D && isLineEnd) { position += 1 }
            case UInt8(ascii: "*"):
                position += 2
                while position + 1 < bytes.count {
                    if bytes[position] == UInt8(ascii: "*"), bytes[position + 1] == UInt8(ascii: "/") {
                        position += 2
                        return
                    }
                    position += 1
                }
                throw ConfigRefusal("a comment without its end", at: start, in: bytes)
            default: throw refusal("a value or a comment is expected")
            }
        }

        /// Whether a carriage return here belongs to the end of the line.
        private var isLineEnd: Bool { position + 1 < bytes.count && bytes[position + 1] == .newline }

        mutating func value() throws(ConfigRefusal) -> Range<Int> {
            let start = position
            switch next {
            case UInt8(ascii: "{"): _ = try object()
            case UInt8(ascii: "["): try array()
            case .quote?: try string()
            default: try word()
            }
            return start..<position
        }

        mutating func object() throws(ConfigRefusal) -> Object {
            let open = position
            try enter()
            var members: [Member] = []
            while true {
                try skipSpace()
                if next == UInt8(ascii: "}") { break }
                guard members.isEmpty || members[members.count - 1].comma != nil else {
                    throw refusal("a comma or } is expected")
                }
                guard next == .quote else { throw refusal("a name in quotes is expected") }
                let nameStart = position
                try string()
                let nameRange = nameStart..<position
                try skipSpace()
                guard next == UInt8(ascii: ":") else { throw refusal("a colon is expected") }
                position += 1
                try skipSpace()
                let value = try value()
                let name = (try? JSON(parsing: Array(bytes[nameRange])))?.string
                members.append(Member(name: name, nameRange: nameRange, value: value))
                try skipSpace()
                if next == UInt8(ascii: ",") {
                    members[members.count - 1].comma = position
                    position += 1
                }
            }
            defer { leave() }
            return Object(open: open, close: position, members: members)
        }

        private mutating func array() throws(ConfigRefusal) {
            try enter()
            var isValueDue = true
            while true {
                try skipSpace()
                if next == UInt8(ascii: "]") { break }
                guard isValueDue else { throw refusal("a comma or ] is expected") }
                _ = try value()
                try skipSpace()
                isValueDue = next == UInt8(ascii: ",")
                if isValueDue { position += 1 }
            }
            leave()
        }

        private mutating func enter() throws(ConfigRefusal) {
            depth += 1
            guard depth <= JSONText.depthLimit else {
                throw refusal("nested deeper than \(JSONText.depthLimit) levels")
            }
            position += 1
        }

        private mutating func leave() {
            depth -= 1
            position += 1
        }

        private mutating func string() throws(ConfigRefusal) {
            let start = position
            position += 1
            while let byte = next {
                if byte == .quote {
                    position += 1
                    return
                }
                guard byte >= 0x20 else { throw refusal("a control character in a text") }
                position += byte == .backslash ? 2 : 1
            }
            throw ConfigRefusal("a text without its end", at: start, in: bytes)
        }

        /// A number or one of the three words.
        private mutating func word() throws(ConfigRefusal) {
            let start = position
            while let byte = next, byte.isWord { position += 1 }
            let word = Array(bytes[start..<position])
            let isKnown = ["true", "false", "null"].contains { Array($0.utf8) == word }
            guard isKnown || isNumber(word) else {
                position = start
                throw refusal("a value is expected")
            }
        }

        private func isNumber(_ word: [UInt8]) -> Bool {
            var rest = word[...]
            func digits() -> Int {
                let count = rest.prefix { (0x30...0x39).contains($0) }.count
                rest = rest.dropFirst(count)
                return count
            }
            if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
            let isZero = rest.first == UInt8(ascii: "0")
            let whole = digits()
            guard whole > 0, !isZero || whole == 1 else { return false }
            if rest.first == UInt8(ascii: ".") {
                rest = rest.dropFirst()
                guard digits() > 0 else { return false }
            }
            if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
                rest = rest.dropFirst()
                if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
                guard digits() > 0 else { return false }
            }
            return rest.isEmpty
        }

        /// Puts spaces in the place of comments and of commas before closing brackets.
        static func blankComments(in bytes: inout [UInt8]) {
            var scanner = Scanner(bytes: bytes)
            var comma: Int?
            while let byte = scanner.next {
                let start = scanner.position
                switch byte {
                case .quote:
                    guard (try? scanner.string()) != nil else { return }
                    comma = nil
                case UInt8(ascii: "/"):
                    guard (try? scanner.skipComment()) != nil else { return }
                    for index in start..<scanner.position { bytes[index] = 0x20 }
                default:
                    if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]"), let comma { bytes[comma] = 0x20 }
                    if !byte.isSpace { comma = byte == UInt8(ascii: ",") ? start : nil }
                    scanner.position += 1
                }
            }
        }
    }
}

extension UInt8 {
    /// Whether it can be part of a number or a word.
    fileprivate var isWord: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
