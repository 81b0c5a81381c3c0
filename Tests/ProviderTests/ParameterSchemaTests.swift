import FleetAPI
import JSON
import Testing

@testable import Provider

/// The subset of JSON Schema that parameters are checked by.
@Suite struct ParameterSchemaTests {
    @Test(
        arguments: [
            (["type": "string"], "a", true), (["type": "string"], 1, false), (["type": "integer"], 1, true),
            (["type": "integer"], 1.0, true), (["type": "integer"], 1.5, false), (["type": "integer"], "1", false),
            (["type": "number"], 1.5, true), (["type": "number"], 1, true), (["type": "number"], true, false),
            (["type": "boolean"], false, true), (["type": "boolean"], 0, false), (["type": "null"], nil, true),
            (["type": "array"], [1, "a"], true), (["type": "object"], [:], true), (["type": "object"], [], false),
            (["enum": ["a", 1]], 1, true), (["enum": ["a", 1]], 1.0, true), (["enum": ["a", 1]], "b", false),
            (["const": "x"], "x", true), (["const": "x"], "y", false),
            (["minLength": 2], "é", false), (["minLength": 2], "éé", true), (["maxLength": 2], "ééé", false),
            (["minLength": 2], 1, true), (["minimum": 3], 3, true), (["minimum": 3], 2.9, false),
            (["maximum": -1.5], -2, true), (["maximum": -1.5], 0, false), (["minItems": 1], [], false),
            (["maxItems": 1], [1], true), (["maxItems": 1], [1, 2], false),
            (["items": ["type": "string"]], ["a"], true),
            (["items": ["type": "string"]], ["a", 2], false), (["required": ["a"]], ["a": nil], true),
            (["required": ["a"]], ["b": 1], false), (["properties": ["a": ["type": "string"]]], ["a": 1], false),
            (["properties": ["a": ["type": "string"]]], ["b": 1], true),
            (["properties": ["a": [:]], "additionalProperties": false], ["b": 1], false),
            (["title": "t", "description": "d", "default": 3], "anything", true), ([:], ["a": [1]], true),
        ] as [(JSON, JSON, Bool)])
    func `a value fits a schema or not`(schema: JSON, value: JSON, fits: Bool) throws {
        let schema = try ParameterSchema(schema)
        let mismatch: ParameterSchema.Mismatch?
        do {
            try schema.check(value)
            mismatch = nil
        } catch { mismatch = error }
        #expect((mismatch == nil) == fits)
    }

    @Test(
        arguments: [
            (["a": ["b": [["c": 1], ["c": "x"]]]], "a.b[1].c", "must be a whole number", "x"),
            (["a": ["b": [[:]]]], "a.b[0].c", "is missing", nil),
            (["a": ["b": [["c": 11]]]], "a.b[0].c", "must be at most 10", 11),
            (["a": ["b": [["c": 1, "d": 2]]]], "a.b[0].d", "does not exist; use: c", 2),
            (["a": ["b": []]], "a.b", "must have at least 1 elements", []),
        ] as [(JSON, String, String, JSON?)])
    func `a mismatch names the place, the value and what is allowed`(
        value: JSON, path: String, reason: String, found: JSON?
    ) throws {
        let schema = try ParameterSchema([
            "type": "object",
            "properties": [
                "a": [
                    "type": "object",
                    "properties": [
                        "b": [
                            "type": "array", "minItems": 1,
                            "items": [
                                "type": "object", "required": ["c"], "additionalProperties": false,
                                "properties": ["c": ["type": "integer", "maximum": 10]],
                            ],
                        ]
                    ],
                ]
            ],
        ])
        let mismatch = #expect(throws: ParameterSchema.Mismatch.self) { try schema.check(value) }
        #expect(mismatch?.path == path && mismatch?.reason == reason && mismatch?.value == found)
    }

    @Test(
        arguments: [
            (["pattern": "^a"], "pattern"), (["type": "text"], "type"), (["type": ["string", "null"]], "type"),
            (["properties": ["a": ["minLength": -1]]], "properties.a.minLength"), (["items": [[:]]], "items"),
            (["properties": ["a": ["oneOf": []]]], "properties.a.oneOf"), (["enum": []], "enum"),
            (["additionalProperties": ["type": "string"]], "additionalProperties"), (["minimum": "1"], "minimum"),
            (["required": ["a", 1]], "required"), (["minimum": 3, "maximum": 2], ""),
            (["type": "string", "default": 3], "default"), (["$ref": "#/a"], "$ref"), ("string", ""),
            (["required": ["b"], "properties": ["a": [:]], "additionalProperties": false], "required"),
        ] as [(JSON, String)])
    func `a schema with a rule that is not checked, or that is wrong, is refused by its name`(
        schema: JSON, path: String
    ) {
        let invalid = #expect(throws: ParameterSchema.Invalid.self) { try ParameterSchema(schema) }
        #expect(invalid?.path == path)
    }

    @Test(arguments: CommandKind.all.map(\.name))
    func `the schemas of the built-in commands are checked whole`(name: String) throws {
        let kind = try CommandKind.named(name)
        let schema = try ParameterSchema(kind.schema)
        #expect(schema.json["additionalProperties"] == false)
    }
}
