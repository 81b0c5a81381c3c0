import JSON

/// One argument of a call as the model gave it, read as what the tool's field says it should be.
struct Argument {
    let tool: String
    let name: String
    let access: Access
    /// nil when absent.
    let value: JSON?

    /// - Throws: for an empty string where the tool changes something; elsewhere that is the same as absent, like null.
    init(tool: String, name: String, access: Access, value: JSON?) throws(ToolFailure) {
        self.tool = tool
        self.name = name
        self.access = access
        switch value {
        case .null: self.value = nil
        case .string(""):
            guard access == .reads else {
                throw ToolFailure("\(tool): \(name) is empty", try: "give a value or leave it out")
            }
            self.value = nil
        default: self.value = value
        }
    }

    /// The text, never made from a number: digits of an id would be lost.
    func text(orOne allowed: [String]? = nil) throws(ToolFailure) -> String? {
        try value.map { (value) throws(ToolFailure) in try text(of: value, orOne: allowed) }
    }

    /// The texts of a list; one text alone is a list of one, and is not split at commas.
    func texts(of allowed: [String]?, atMost limit: Int) throws(ToolFailure) -> [String] {
        guard let value else { return [] }
        let elements = value.array ?? Self.elements(of: value, allowed)
        guard elements.count <= limit else {
            throw ToolFailure("\(tool): \(name) takes at most \(limit) values, got \(elements.count)")
        }
        var texts: [String] = []
        for element in elements {
            if element == "", access == .reads { continue }
            guard element != "" else { throw ToolFailure("\(tool): \(name) holds an empty text", try: "leave it out") }
            texts.append(try text(of: element, orOne: allowed))
        }
        return texts
    }

    /// A list that came as one text: of JSON, or, where the values are known, with commas.
    private static func elements(of value: JSON, _ allowed: [String]?) -> [JSON] {
        guard let text = value.string else { return [value] }
        if text.hasPrefix("["), let list = (try? JSON(parsing: text))?.array { return list }
        guard let allowed, !allowed.contains(text) else { return [value] }
        return text.split { $0 == "," || $0 == " " }.map { .string(String($0)) }
    }

    func count(in range: ClosedRange<Int>) throws(ToolFailure) -> Int? {
        guard let value else { return nil }
        let number: Int? =
            switch value {
            case .integer(let number): number
            case .number(let number): Int(exactly: number)
            case .string(let text): Int(text)
            default: nil
            }
        guard let number, range.contains(number) else {
            let allowed = "a whole number from \(range.lowerBound) to \(range.upperBound)"
            throw mustBe(allowed, got: value, try: "for example \(max(range.lowerBound, min(20, range.upperBound)))")
        }
        return number
    }

    func flag() throws(ToolFailure) -> Bool? {
        switch value {
        case nil: return nil
        case .bool(let flag): return flag
        case .string(let text) where text.lowercased() == "true": return true
        case .string(let text) where text.lowercased() == "false": return false
        case let value?: throw mustBe("true or false", got: value)
        }
    }

    /// The object, also one that came as a string of JSON.
    func object() throws(ToolFailure) -> JSON.Object? {
        guard let value else { return nil }
        if let object = value.object { return object }
        if let text = value.string, let object = (try? JSON(parsing: text))?.object { return object }
        throw mustBe("an object", got: value, try: "for example {\"key\":\"value\"}")
    }

    private func text(of value: JSON, orOne allowed: [String]?) throws(ToolFailure) -> String {
        let kind = allowed.map { "one of \($0.joined(separator: ", "))" } ?? "a string"
        switch value {
        case .string(let text):
            guard let allowed, !allowed.contains(text) else { return text }
            if let other = allowed.first(where: { $0.lowercased() == text.lowercased() }) { return other }
            throw mustBe(kind, got: value, try: nearest(to: text, in: allowed).map { "did you mean \($0)?" })
        case .integer(let number):
            throw mustBe(kind, got: value, try: "quote it: \"\(number)\"")
        case .number:
            throw mustBe(kind, got: value, try: "quote it")
        default: throw mustBe(kind, got: value)
        }
    }

    private func mustBe(_ allowed: String, got value: JSON, try next: String? = nil) -> ToolFailure {
        let shown =
            switch value {
            case .string(let text): excerpt(text)
            case .integer(let number): "the number \(number)"
            case .number: "a number with a fraction or an exponent"
            case .bool(let flag): "\(flag)"
            default: value.kind
            }
        return ToolFailure("\(tool): \(name) must be \(allowed), got \(shown)", try: next)
    }
}
