package import JSON

/// The JSON Schemas of REST types, each object and enumeration once under its own name, as they are asked for.
///
/// Spec: OpenAPI 3.1, "Components Object"; JSON Schema 2020-12.
package final class Schemas {
    /// What a type is used for: what must be there, and what may, differs.
    package enum Use: String {
        case answer = ""
        /// Members may be null where they may be absent; those that do not exist are refused.
        case request = "Request"
        /// As a request, but each member may be absent, and then stays as it is.
        case change = "Change"
    }

    private var found: [String: JSON] = [:]
    private var use = Use.answer

    package init() {}

    /// The schemas by name; those that they refer to are among them.
    package var components: JSON {
        .object(.init(found.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) }))
    }

    /// The schema of the body of a request: members that do not exist are refused.
    package func body<Body: RESTObject>(_: Body.Type, in use: Use) -> JSON {
        self.use = use
        defer { self.use = .answer }
        return object(Body.self, isStrict: true)
    }

    /// A reference to the schema of a type, which is made once.
    func reference(to type: Any.Type, isObject: Bool, _ make: () -> JSON) -> JSON {
        // The name without the module: Agent, ConfigRevision.File.
        var name = String(reflecting: type).split(separator: ".").dropFirst().joined(separator: ".")
        if isObject, !name.hasSuffix(use.rawValue) { name += use.rawValue }
        if found[name] == nil {
            // An object may hold others of its type.
            found[name] = [:]
            found[name] = make()
        }
        return ["$ref": .string("#/components/schemas/\(name)")]
    }

    /// The schema of an object by the declaration of its members.
    func object<Object: RESTObject>(_: Object.Type, isStrict: Bool) -> JSON {
        reference(to: Object.self, isObject: true) {
            var (coder, empty) = (FieldCoder(describing: self), Object())
            try? empty.fields(&coder)
            var schema = JSON.Object([("type", "object"), ("properties", .object(coder.object))])
            if !coder.names.isEmpty, use != .change { schema["required"] = .array(coder.names.map { .string($0) }) }
            if isStrict, use != .answer { schema["additionalProperties"] = false }
            return .object(schema)
        }
    }

    /// The schema of a member that may be absent.
    func optional<Value: RESTValue>(_: Value.Type, bounds: ClosedRange<Int>?, default: JSON?) -> JSON {
        let schema = required(Value.self, bounds: bounds)
        guard use != .answer else { return schema }
        guard use == .request, let `default`, var withDefault = orNull(schema).object else { return orNull(schema) }
        withDefault["default"] = `default`
        return .object(withDefault)
    }

    /// The schema of what it describes, and of null.
    func orNull(_ schema: JSON) -> JSON {
        guard case .string(let type)? = schema["type"], var members = schema.object else {
            return schema == [:] ? schema : ["anyOf": [schema, ["type": "null"]]]
        }
        members["type"] = [.string(type), "null"]
        return .object(members)
    }

    /// The schema of a member that must be there.
    func required<Value: RESTValue>(_: Value.Type, bounds: ClosedRange<Int>?) -> JSON {
        guard let bounds, var schema = Value.schema(self).object else { return Value.schema(self) }
        schema["minimum"] = .integer(bounds.lowerBound)
        schema["maximum"] = .integer(bounds.upperBound)
        return .object(schema)
    }
}
