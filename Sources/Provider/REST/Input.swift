import FleetAPI
import JSON

/// One thing that a route takes from a request: how it is read, and what the document says of it.
struct Input<Value: Sendable>: Sendable {
    let declaration: InputDeclaration
    let read: @Sendable (Call) throws(Problem) -> Value

    init(_ declaration: InputDeclaration, read: @escaping @Sendable (Call) throws(Problem) -> Value) {
        (self.declaration, self.read) = (declaration, read)
    }

    /// A parameter of the query.
    init(
        _ name: String, _ summary: String, isRequired: Bool = false, schema: JSON,
        read: @escaping @Sendable (QueryParameters) throws(Problem) -> Value
    ) {
        declaration = InputDeclaration(.query, name, summary, isRequired: isRequired) { _ in schema }
        self.read = { call throws(Problem) in try read(call.query) }
    }
}

/// What the document says of one thing that a route takes.
struct InputDeclaration: Sendable {
    enum Place: String {
        case path, query, header, body
    }

    let place: Place
    let name: String
    let summary: String
    let isRequired: Bool
    /// One value that does something.
    let example: JSON?
    let schema: @Sendable (Schemas) -> JSON

    /// - Parameter example: as JSON; empty where none is given.
    init(
        _ place: Place, _ name: String, _ summary: String, isRequired: Bool, example: String = "",
        schema: @escaping @Sendable (Schemas) -> JSON
    ) {
        (self.place, self.name, self.summary) = (place, name, summary)
        (self.isRequired, self.schema) = (isRequired, schema)
        self.example = try? JSON(parsing: example)
        precondition(example.isEmpty || self.example != nil, "not JSON: \(example)")
    }

    static func body<Body: RESTObject>(
        _ type: Body.Type, in use: Schemas.Use, isRequired: Bool, example: String
    ) -> InputDeclaration {
        InputDeclaration(.body, "body", "", isRequired: isRequired, example: example) { $0.body(type, in: use) }
    }
}

extension Input where Value == String? {
    /// A text of the query; nil when absent.
    static func text(_ name: String, _ summary: String) -> Input {
        Input(name, summary, schema: ["type": "string"]) { query in query[name] }
    }

    static var cursor: Input { text("cursor", "where the page begins: `next` of the page before") }
}

extension Input where Value == String {
    /// A text of the query that must be given, and not be empty.
    static func requiredText(_ name: String, _ summary: String) -> Input {
        Input(name, summary, isRequired: true, schema: ["type": "string", "minLength": 1]) { query throws(Problem) in
            try query.required(name)
        }
    }

    /// A part of the path.
    static func path(_ name: String, _ summary: String) -> Input {
        let declaration = InputDeclaration(.path, name, summary, isRequired: true) { _ in ["type": "string"] }
        return Input(declaration) { call in call[path: name] }
    }

    /// The agent that the path names.
    static var agent: Input {
        path(
            "ref",
            "one agent: its instance uid, service instance id, host, or the end of its uid of at least 6 digits")
    }
}

extension Input where Value == Filter {
    /// Which agents are meant; all of them when absent.
    static var filter: Input {
        Input(
            "filter", "which agents: terms such as `type:fluent-bit health:unhealthy last_seen>5m`",
            schema: ["type": "string", "maxLength": .integer(Filter.lengthLimit)]
        ) { query throws(Problem) in try Filter(query["filter"] ?? "") }
    }
}

extension Input where Value == Int {
    /// A whole number of the query.
    static func integer(
        _ name: String, _ summary: String, in allowed: ClosedRange<Int>, default: Int
    ) -> Input {
        let schema: JSON = [
            "type": "integer", "minimum": .integer(allowed.lowerBound), "maximum": .integer(allowed.upperBound),
            "default": .integer(`default`),
        ]
        return Input(name, summary, schema: schema) { query throws(Problem) in
            try query.number(name, in: allowed, default: `default`)
        }
    }

    static var pageSize: Input { integer("limit", "entries of a page", in: 1...1000, default: 50) }
}

extension Input {
    /// One of the cases of an enumeration; nil when absent.
    static func choice<Choice: RESTEnum>(
        _ name: String, _ summary: String, _ type: Choice.Type
    ) -> Input where Value == Choice? {
        let declaration = InputDeclaration(.query, name, summary, isRequired: false) { Choice.schema($0) }
        return Input(declaration) { call throws(Problem) in try call.query.choice(name, type) }
    }

    /// Some of the cases of an enumeration, in a comma list; nil when absent.
    static func list<Choice: RESTEnum>(
        _ name: String, _ summary: String, of type: Choice.Type
    ) -> Input where Value == [Choice]? {
        let declaration = InputDeclaration(.query, name, summary, isRequired: false) { [Choice].schema($0) }
        return Input(declaration) { call throws(Problem) in
            try call.query.list(name, of: Choice.allCases.map(\.rawValue))?.compactMap(Choice.init(rawValue:))
        }
    }

    /// The body as an object.
    static func body(_ type: Value.Type, example: String = "") -> Input where Value: RESTObject {
        Input(.body(type, in: .request, isRequired: true, example: example)) { call throws(Problem) in
            try call.object(type)
        }
    }

    /// The body as an object, which may be left out.
    static func optionalBody(_ type: Value.Type, example: String = "") -> Input where Value: RESTObject {
        Input(.body(type, in: .request, isRequired: false, example: example)) { call throws(Problem) in
            call.body.isEmpty ? type.init() : try call.object(type)
        }
    }
}

extension Input where Value == [String]? {
    /// A comma list of some of the texts allowed, or of any; nil when absent.
    static func list(_ name: String, _ summary: String, of allowed: [String]? = nil, atMost: Int? = nil) -> Input {
        var element = JSON.Object([("type", "string"), ("minLength", 1)])
        if let allowed { element["enum"] = .array(allowed.map { .string($0) }) }
        var schema = JSON.Object([("type", "array"), ("items", .object(element))])
        if let atMost { schema["maxItems"] = .integer(atMost) }
        return Input(name, summary, schema: .object(schema)) { query throws(Problem) in
            guard let allowed else { return try query.list(name) }
            return try query.list(name, of: allowed)
        }
    }
}

extension Input where Value == JSON {
    /// The body as the members of an object that are to change; the others stay as they are.
    static func changes<Object: RESTObject>(of type: Object.Type, example: String = "") -> Input {
        Input(.body(type, in: .change, isRequired: true, example: example)) { call throws(Problem) in
            try call.members(of: type)
        }
    }
}
