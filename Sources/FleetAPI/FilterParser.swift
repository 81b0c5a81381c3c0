/// Reads the text of a filter, byte by byte.
struct FilterParser {
    private let bytes: [UInt8]
    private var index = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    mutating func terms() throws(Problem) -> [FilterTerm] {
        guard bytes.count <= Filter.lengthLimit else {
            throw problem(at: 0, "the filter has \(bytes.count) bytes, at most \(Filter.lengthLimit) are read")
        }
        var terms: [FilterTerm] = []
        while true {
            while index < bytes.count, isSpace(bytes[index]) { index += 1 }
            if index == bytes.count { return terms }
            terms.append(try term())
        }
    }

    private mutating func term() throws(Problem) -> FilterTerm {
        let start = index
        let isNegated = bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "!")
        if isNegated { index += 1 }
        try refuseLogic(from: start)
        let key = try key(from: start)
        var tests: [FilterTerm.Test] = []
        repeat {
            let comparison = comparison(for: key)
            let place = index
            let (text, isQuoted) = try value(from: start)
            if text.isEmpty, !isQuoted {
                throw problem(at: place, "a value is missing; \"\" is an empty one", value: excerpt(from: start))
            }
            do {
                tests.append(try FilterTest(key: key, comparison: comparison, text: text).make())
            } catch {
                throw problem(at: place, error.message, value: text, allowed: error.allowed)
            }
        } while skip("|")
        return FilterTerm(isNegated: isNegated, key: key, tests: tests)
    }

    /// Refuses what other languages use to combine terms.
    private func refuseLogic(from start: Int) throws(Problem) {
        let word = String(decoding: bytes[index...].prefix { !isSpace($0) }, as: UTF8.self)
        switch word.uppercased() {
        case "":
            throw problem(at: start, "nothing follows the sign for not", value: excerpt(from: start))
        case "OR", "||", "|":
            throw problem(
                at: start,
                "there is no \(word) between terms: | stands between the values of one key, without spaces, as in "
                    + "type:fluent-bit|fluentd, and problem:any is whatever needs attention",
                value: word)
        case "AND", "&&", "&":
            throw problem(at: start, "there is no \(word): terms joined by a space must all hold", value: word)
        case "NOT":
            throw problem(at: start, "there is no \(word): write - before the term, as in -status:stale", value: word)
        default: break
        }
        if word.first == "(" {
            throw problem(at: index, "there are no parentheses; quote a word that begins with one", value: word)
        }
        if word.first == "-" || word.first == "!" {
            throw problem(at: index, "one sign for not is enough", value: excerpt(from: start))
        }
    }

    /// Reads a key and its colon; the sign of a comparison that follows the key at once is left to be read.
    private mutating func key(from start: Int) throws(Problem) -> FilterTerm.Key {
        let begin = index
        let end = bytes[begin...].firstIndex { isSpace($0) || ":<>=|\"'".utf8.contains($0) } ?? bytes.count
        guard end < bytes.count, ":<>=".utf8.contains(bytes[end]) else { return .word }
        let name = String(decoding: bytes[begin..<end], as: UTF8.self)
        if name.last == "!", bytes[end] == UInt8(ascii: "=") {
            throw problem(at: start, "there is no !=; write -\(name.dropLast())=… instead", value: excerpt(from: start))
        }
        guard let key = FilterTerm.Key(name) else {
            let reason = name.isEmpty ? "a key is missing here" : "there is no key \"\(cut(name))\""
            throw problem(
                at: begin, "\(reason); quote a word that holds a colon or a comparison", value: name,
                allowed: Filter.keys)
        }
        index = bytes[end] == UInt8(ascii: ":") ? end + 1 : end
        return key
    }

    private mutating func comparison(for key: FilterTerm.Key) -> FilterComparison? {
        if case .word = key { return nil }
        // As many programming languages write it.
        if skip("==") { return .equal }
        for sign in [FilterComparison.lessOrEqual, .greaterOrEqual, .less, .greater, .equal] where skip(sign.rawValue) {
            return sign
        }
        return nil
    }

    /// Reads a value up to the next space or `|`.
    private mutating func value(from start: Int) throws(Problem) -> (text: String, isQuoted: Bool) {
        if index < bytes.count, bytes[index] == UInt8(ascii: "\"") || bytes[index] == UInt8(ascii: "'") {
            return (try quoted(), true)
        }
        let begin = index
        while index < bytes.count, !isSpace(bytes[index]), bytes[index] != UInt8(ascii: "|") {
            if bytes[index] == UInt8(ascii: "\"") {
                throw problem(
                    at: index, "quotes go round the whole value, as in host:\"web 17\"", value: excerpt(from: start))
            }
            if bytes[index] == UInt8(ascii: ",") {
                throw problem(
                    at: index, "commas join nothing: use | between values, a space between terms, or quotes",
                    value: excerpt(from: start))
            }
            index += 1
        }
        return (String(decoding: bytes[begin..<index], as: UTF8.self), false)
    }

    private mutating func quoted() throws(Problem) -> String {
        let (begin, quote) = (index, bytes[index])
        guard let end = bytes[(begin + 1)...].firstIndex(of: quote) else {
            throw problem(at: begin, "this quote is never closed", value: excerpt(from: begin))
        }
        index = end + 1
        guard index == bytes.count || isSpace(bytes[index]) || bytes[index] == UInt8(ascii: "|") else {
            throw problem(at: index, "a space or | must follow a closing quote", value: excerpt(from: begin))
        }
        return String(decoding: bytes[(begin + 1)..<end], as: UTF8.self)
    }

    private mutating func skip(_ sign: String) -> Bool {
        guard bytes[index...].starts(with: sign.utf8) else { return false }
        index += sign.utf8.count
        return true
    }

    private func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || (9...13).contains(byte)
    }

    private func excerpt(from place: Int) -> String {
        cut(String(decoding: bytes[place...], as: UTF8.self))
    }

    private func cut(_ text: String) -> String {
        text.count <= 30 ? text : text.prefix(30) + "…"
    }

    private func problem(
        at place: Int, _ message: String, value: String? = nil, allowed: [String]? = nil
    ) -> Problem {
        let near = place < bytes.count ? "near \"\(excerpt(from: place))\"" : "at the end"
        let keys = Filter.keys.joined(separator: " ")
        var problem = Problem(
            400, "Filter not understood", detail: "filter, column \(place + 1), \(near): \(message). Keys: \(keys)")
        problem.field = "filter"
        problem.value = value.map(cut) ?? excerpt(from: place)
        problem.allowed = allowed ?? Filter.keys
        return problem
    }
}
