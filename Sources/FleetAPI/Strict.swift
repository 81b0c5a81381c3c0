package import JSON

/// An object of a request: a member that it does not have is refused by name, not passed over.
package struct Strict<Value: RESTObject & Equatable>: RESTValue, Equatable {
    package var value: Value

    package init(_ value: Value) {
        self.value = value
    }

    package init(json: JSON) throws(ShapeError) {
        let known = Value.fieldNames
        if let unknown = json.object?.members.first(where: { !known.contains($0.key) }) {
            throw ShapeError(path: unknown.key, message: "does not exist; use: \(known.joined(separator: ", "))")
        }
        value = try Value(json: json)
    }

    package var json: JSON { value.json }

    package static func schema(_ schemas: Schemas) -> JSON { schemas.object(Value.self, isStrict: true) }
}
