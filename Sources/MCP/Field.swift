import JSON

/// One parameter of a tool: its schema, how its argument is checked, and the value the handler gets.
///
/// How arguments are read: null is absent; so is `""` in a tool that only reads, one that changes something refuses
/// it; numbers and booleans may come as strings, an object or a list as a string of JSON, a list of one as a lone
/// string, one of known values with commas; these in any case; a number is never taken for a string.
package struct Field<Value: Sendable>: Sendable {
    let name: String
    let schema: JSON
    let isRequired: Bool
    let read: @Sendable (Argument) throws(ToolFailure) -> Value

    /// - Parameter rest: the members of the schema besides the type and the description.
    private init(
        _ name: String, _ type: String, _ description: String, isRequired: Bool = false,
        rest: [(key: String, value: JSON)] = [], read: @escaping @Sendable (Argument) throws(ToolFailure) -> Value
    ) {
        self.name = name
        self.isRequired = isRequired
        self.read = read
        var members = [(key: "type", value: JSON.string(type))]
        if !description.isEmpty { members.append(("description", .string(description))) }
        schema = .object(JSON.Object(members + rest))
    }
}

extension Field where Value == String {
    /// A text that must be given.
    package static func text(_ name: String, _ description: String) -> Field {
        Field(name, "string", description, isRequired: true) { argument throws(ToolFailure) in
            guard let text = try argument.text() else {
                throw ToolFailure(
                    "\(argument.tool) needs \(name)", try: description.isEmpty ? nil : "\(name) is \(description)")
            }
            return text
        }
    }

    package static func text(_ name: String, _ description: String, default: String) -> Field {
        Field(name, "string", description, rest: [("default", .string(`default`))]) { argument throws(ToolFailure) in
            try argument.text() ?? `default`
        }
    }

    /// One of the values listed.
    package static func choice(_ name: String, _ description: String, of values: [String], default: String) -> Field {
        Field(
            name, "string", description, rest: [("enum", listed(values)), ("default", .string(`default`))]
        ) { argument throws(ToolFailure) in
            try argument.text(orOne: values) ?? `default`
        }
    }
}

extension Field where Value == String? {
    /// A text, nil when absent.
    package static func optionalText(_ name: String, _ description: String) -> Field {
        Field(name, "string", description) { argument throws(ToolFailure) in try argument.text() }
    }

    /// One of the values listed, nil when absent.
    package static func optionalChoice(_ name: String, _ description: String, of values: [String]) -> Field {
        Field(name, "string", description, rest: [("enum", listed(values))]) { argument throws(ToolFailure) in
            try argument.text(orOne: values)
        }
    }
}

extension Field where Value == Int {
    /// A whole number in a range.
    package static func count(
        _ name: String, _ description: String, in range: ClosedRange<Int>, default: Int
    ) -> Field {
        precondition(range.contains(`default`), "\(name): the default is outside the range")
        return Field(
            name, "integer", description, rest: bounds(range) + [("default", .integer(`default`))]
        ) { argument throws(ToolFailure) in
            try argument.count(in: range) ?? `default`
        }
    }
}

extension Field where Value == Int? {
    /// A whole number in a range, nil when absent.
    ///
    /// - Parameter isRangeListed: whether the schema names the range, which costs tokens; it is checked all the same.
    package static func optionalCount(
        _ name: String, _ description: String, in range: ClosedRange<Int>, isRangeListed: Bool = true
    ) -> Field {
        Field(name, "integer", description, rest: isRangeListed ? bounds(range) : []) { argument throws(ToolFailure) in
            try argument.count(in: range)
        }
    }
}

extension Field where Value == Bool {
    package static func flag(_ name: String, _ description: String, default: Bool = false) -> Field {
        Field(
            name, "boolean", description, rest: [("default", .bool(`default`))]
        ) { argument throws(ToolFailure) in
            try argument.flag() ?? `default`
        }
    }
}

extension Field where Value == Bool? {
    /// True, false, or nil when absent.
    package static func optionalFlag(_ name: String, _ description: String) -> Field {
        Field(name, "boolean", description) { argument throws(ToolFailure) in try argument.flag() }
    }
}

extension Field where Value == [String] {
    /// Texts, at most `limit` of them, each one of `values` where these are given; empty when absent.
    package static func list(
        _ name: String, _ description: String, of values: [String]? = nil, atMost limit: Int
    ) -> Field {
        var items: JSON.Object = .init([("type", "string")])
        items["enum"] = values.map(listed)
        return Field(
            name, "array", description, rest: [("items", .object(items)), ("maxItems", .integer(limit))]
        ) { argument throws(ToolFailure) in
            try argument.texts(of: values, atMost: limit)
        }
    }
}

extension Field where Value == JSON.Object? {
    /// An object of any shape, nil when absent.
    package static func object(_ name: String, _ description: String) -> Field {
        Field(name, "object", description) { argument throws(ToolFailure) in try argument.object() }
    }
}

private func listed(_ values: [String]) -> JSON { .array(values.map { .string($0) }) }

private func bounds(_ range: ClosedRange<Int>) -> [(key: String, value: JSON)] {
    [("minimum", .integer(range.lowerBound)), ("maximum", .integer(range.upperBound))]
}
