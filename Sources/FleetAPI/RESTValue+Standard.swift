package import JSON

extension String: RESTValue {
    package init(json: JSON) throws(ShapeError) {
        guard let text = json.string else { throw ShapeError(expected: "a string", found: json) }
        self = text
    }
    package var json: JSON { .string(self) }
    package static func schema(_ schemas: Schemas) -> JSON { ["type": "string"] }
}

extension Int: RESTValue {
    package init(json: JSON) throws(ShapeError) {
        guard let number = json.integer else { throw ShapeError(expected: "a whole number", found: json) }
        self = number
    }
    package var json: JSON { .integer(self) }
    package static func schema(_ schemas: Schemas) -> JSON { ["type": "integer"] }
}

extension Bool: RESTValue {
    package init(json: JSON) throws(ShapeError) {
        guard let flag = json.bool else { throw ShapeError(expected: "a boolean", found: json) }
        self = flag
    }
    package var json: JSON { .bool(self) }
    package static func schema(_ schemas: Schemas) -> JSON { ["type": "boolean"] }
}

extension JSON: RESTValue {
    package init(json: JSON) throws(ShapeError) { self = json }
    package var json: JSON { self }
}

extension Array: RESTValue where Element: RESTValue {
    package init(json: JSON) throws(ShapeError) {
        guard let elements = json.array else { throw ShapeError(expected: "an array", found: json) }
        self = []
        reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            do { append(try Element(json: element)) } catch { throw error.inside("[\(index)]") }
        }
    }
    package var json: JSON { .array(map(\.json)) }
    package static func schema(_ schemas: Schemas) -> JSON {
        ["type": "array", "items": Element.schema(schemas)]
    }
}

extension Dictionary: RESTValue where Key == String, Value: RESTValue {
    package init(json: JSON) throws(ShapeError) {
        guard let object = json.object else { throw ShapeError(expected: "an object", found: json) }
        self = [:]
        for (key, value) in object.members {
            do { self[key] = try Value(json: value) } catch { throw error.inside(key) }
        }
    }
    package var json: JSON { .object(.init(sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value.json) })) }
    package static func schema(_ schemas: Schemas) -> JSON {
        ["type": "object", "additionalProperties": Value.schema(schemas)]
    }
}

/// An enumeration that travels as its raw text.
package protocol RESTEnum: RESTValue, RawRepresentable, CaseIterable, Hashable where RawValue == String {}

extension RESTEnum {
    package init(json: JSON) throws(ShapeError) {
        let text = try String(json: json)
        guard let value = Self(rawValue: text) else {
            let allowed = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw ShapeError(message: "is \"\(text)\", not one of: \(allowed)")
        }
        self = value
    }
    package var json: JSON { .string(rawValue) }
    package static func schema(_ schemas: Schemas) -> JSON {
        schemas.reference(to: Self.self, isObject: false) {
            ["type": "string", "enum": .array(allCases.map { .string($0.rawValue) })]
        }
    }
}
