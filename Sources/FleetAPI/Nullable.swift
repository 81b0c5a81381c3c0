package import JSON

/// A member that must be there, and may be null.
package struct Nullable<Value: RESTValue & Equatable>: RESTValue, Equatable {
    package var value: Value?

    package init(_ value: Value?) {
        self.value = value
    }

    package init(json: JSON) throws(ShapeError) {
        value = json == .null ? nil : try Value(json: json)
    }

    package var json: JSON { value?.json ?? .null }

    package static func schema(_ schemas: Schemas) -> JSON { schemas.orNull(Value.schema(schemas)) }
}
