import FleetAPI
import JSON

/// A subset of JSON Schema for the parameters of commands: read from JSON, and asked whether a value fits.
///
/// The keywords are `type` (one name), `enum`, `const`, `required`, `properties`, `additionalProperties` (true or
/// false), `items` (one schema), `minLength`, `maxLength`, `minimum`, `maximum`, `minItems`, `maxItems`, and `title`,
/// `description` and `default`, which allow nothing and forbid nothing. Any other is refused by its name: a rule that is
/// not checked would be a promise that is not kept. Spec: JSON Schema 2020-12, "Validation".
struct ParameterSchema: Sendable {
    /// Why JSON is no schema of this kind.
    struct Invalid: Error, Equatable {
        /// The member, from the schema inwards: `properties.tag.minLength`.
        let path: String
        let reason: String
    }

    /// Where a value does not fit.
    struct Mismatch: Error, Equatable {
        /// Names and places from the value inwards: `hosts[2].name`; empty for the value itself.
        let path: String
        /// The value that stands there; nil where one is missing.
        let value: JSON?
        /// For example `must be at least 3`.
        let reason: String
        var allowed: [String]?
    }

    static let keywords = [
        "type", "enum", "const", "required", "properties", "additionalProperties", "items", "minLength", "maxLength",
        "minimum", "maximum", "minItems", "maxItems", "title", "description", "default",
    ]
    static let types = ["string", "integer", "number", "boolean", "object", "array", "null"]

    let json: JSON
    private var type: String?
    private var choices: [JSON]?
    private(set) var properties: [(key: String, value: ParameterSchema)] = []
    private var required: [String] = []
    private var takesOthers = true
    private var items: [ParameterSchema] = []
    private var length = Bounds("characters")
    private var value = Bounds("")
    private var count = Bounds("elements")

    /// - Throws: the first thing that is wrong, with its place.
    init(_ json: JSON) throws(Invalid) {
        try self.init(json, at: "")
    }

    private init(_ json: JSON, at path: String) throws(Invalid) {
        self.json = json
        guard let object = json.object else { throw Invalid(path: path, reason: "must be a schema: a JSON object") }
        for (keyword, rule) in object.members {
            let place = path.isEmpty ? keyword : "\(path).\(keyword)"
            try take(keyword, rule, at: place)
        }
        for name in required where !takesOthers && !properties.contains(where: { $0.key == name }) {
            throw Invalid(path: join(path, "required"), reason: "names \(name), which is not among properties")
        }
        for bounds in [length, value, count] {
            if let low = bounds.low, let high = bounds.high, low > high {
                throw Invalid(path: path, reason: "its lower bound \(low) is above its upper bound \(high)")
            }
        }
        if let standard = object["default"] {
            do { try check(standard) } catch {
                throw Invalid(path: join(path, "default"), reason: "does not fit its own schema: it \(error.reason)")
            }
        }
    }

    private mutating func take(_ keyword: String, _ rule: JSON, at place: String) throws(Invalid) {
        switch keyword {
        case "type":
            guard let name = rule.string, Self.types.contains(name) else {
                throw Invalid(path: place, reason: "must be one of: \(Self.types.joined(separator: ", "))")
            }
            type = name
        case "enum":
            guard let values = rule.array, !values.isEmpty else {
                throw Invalid(path: place, reason: "must be an array of at least one value")
            }
            choices = values
        case "const": choices = [rule]
        case "required":
            guard let names = rule.array?.compactMap(\.string), names.count == rule.array?.count else {
                throw Invalid(path: place, reason: "must be an array of names")
            }
            required = names
        case "properties":
            guard let object = rule.object else { throw Invalid(path: place, reason: "must be an object of schemas") }
            for (key, schema) in object.members {
                properties.append((key, try ParameterSchema(schema, at: "\(place).\(key)")))
            }
        case "additionalProperties":
            guard let flag = rule.bool else { throw Invalid(path: place, reason: "must be true or false") }
            takesOthers = flag
        case "items": items = [try ParameterSchema(rule, at: place)]
        case "minLength": length.low = try size(rule, place)
        case "maxLength": length.high = try size(rule, place)
        case "minItems": count.low = try size(rule, place)
        case "maxItems": count.high = try size(rule, place)
        case "minimum": value.low = try number(rule, place)
        case "maximum": value.high = try number(rule, place)
        case "title", "description":
            guard rule.string != nil else { throw Invalid(path: place, reason: "must be a text") }
        case "default": break
        default:
            throw Invalid(
                path: place, reason: "is not checked here; the keywords are: \(Self.keywords.joined(separator: ", "))")
        }
    }

    private func size(_ rule: JSON, _ place: String) throws(Invalid) -> Double {
        guard let number = rule.integer, number >= 0 else {
            throw Invalid(path: place, reason: "must be a whole number of 0 or more")
        }
        return Double(number)
    }

    private func number(_ rule: JSON, _ place: String) throws(Invalid) -> Double {
        guard let number = rule.double else { throw Invalid(path: place, reason: "must be a number") }
        return number
    }

    /// Checks a value.
    ///
    /// - Throws: the first place that does not fit.
    func check(_ value: JSON) throws(Mismatch) {
        try check(value, at: "")
    }

    private func check(_ value: JSON, at path: String) throws(Mismatch) {
        if let type, !value.isOf(type) {
            throw Mismatch(path: path, value: value, reason: "must be \(Self.described(type))")
        }
        if let choices, !choices.contains(where: { $0.isSame(as: value) }) {
            let allowed = choices.map { $0.string ?? $0.text }
            throw Mismatch(
                path: path, value: value, reason: "must be one of: \(allowed.joined(separator: ", "))",
                allowed: allowed)
        }
        switch value {
        case .string(let text): try check(Double(text.unicodeScalars.count), length, value, path)
        case .integer, .number: try check(value.double ?? 0, self.value, value, path)
        case .array(let elements):
            try check(Double(elements.count), count, value, path)
            for (place, element) in elements.enumerated() {
                try items.first?.check(element, at: "\(path)[\(place)]")
            }
        case .object(let object): try check(object, at: path)
        case .null, .bool: break
        }
    }

    private func check(_ object: JSON.Object, at path: String) throws(Mismatch) {
        let names = properties.map(\.key)
        if !takesOthers, let other = object.members.first(where: { !names.contains($0.key) }) {
            let known = names.isEmpty ? "there are none" : "use: \(names.joined(separator: ", "))"
            throw Mismatch(
                path: join(path, other.key), value: other.value, reason: "does not exist; \(known)", allowed: names)
        }
        if let missing = required.first(where: { object[$0] == nil }) {
            throw Mismatch(path: join(path, missing), value: nil, reason: "is missing", allowed: names)
        }
        for (key, schema) in properties {
            if let value = object[key] { try schema.check(value, at: join(path, key)) }
        }
    }

    private func check(_ number: Double, _ bounds: Bounds, _ value: JSON, _ path: String) throws(Mismatch) {
        let unit = bounds.unit.isEmpty ? "" : " \(bounds.unit)"
        let verb = bounds.unit.isEmpty ? "must be" : "must have"
        if let low = bounds.low, number < low {
            throw Mismatch(path: path, value: value, reason: "\(verb) at least \(shown(low))\(unit)")
        }
        if let high = bounds.high, number > high {
            throw Mismatch(path: path, value: value, reason: "\(verb) at most \(shown(high))\(unit)")
        }
    }

    /// Values of properties that have one and are absent.
    func defaults(for object: [String: JSON]) -> [String: JSON] {
        var result: [String: JSON] = [:]
        for (key, schema) in properties where object[key] == nil { result[key] = schema.json["default"] }
        return result
    }

    private func shown(_ number: Double) -> String {
        number == number.rounded() && abs(number) < 1e15 ? String(Int(number)) : String(number)
    }

    private func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    private static func described(_ type: String) -> String {
        switch type {
        case "integer": "a whole number"
        case "object", "array": "an \(type)"
        case "boolean": "true or false"
        case "null": "null"
        default: "a \(type)"
        }
    }

    private struct Bounds: Sendable {
        let unit: String
        var low: Double?
        var high: Double?

        init(_ unit: String) { self.unit = unit }
    }
}

extension JSON {
    fileprivate func isOf(_ type: String) -> Bool {
        switch type {
        case "string": string != nil
        // 3.0 is a whole number too.
        case "integer": integer != nil || double.map { $0 == $0.rounded() } ?? false
        case "number": double != nil
        case "boolean": bool != nil
        case "object": object != nil
        case "array": array != nil
        default: self == .null
        }
    }

    /// Equal as values: 1 and 1.0 are.
    fileprivate func isSame(as other: JSON) -> Bool {
        if case .integer = self, case .integer = other { return self == other }
        if let number = double, let another = other.double { return number == another }
        return self == other
    }
}
