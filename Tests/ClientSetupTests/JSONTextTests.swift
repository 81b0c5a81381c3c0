import JSON
import TestSupport
import Testing

@testable import ClientSetup

/// Members of JSON texts of many shapes, set and taken away; what is around them stays as it is.
@Suite struct JSONTextTests {
    private let value: JSON = .object(JSON.Object([("command", "x"), ("args", ["a"])]))

    private func setting(_ text: String, _ path: [String] = ["s", "opamp"], to value: JSON? = nil) throws -> String {
        let old = try JSONText(Array(text.utf8))
        return String(decoding: applying(try old.setting(path, to: value ?? self.value), to: old.bytes), as: UTF8.self)
    }

    private func removing(_ text: String, _ path: [String] = ["s", "opamp"]) throws -> String {
        let old = try JSONText(Array(text.utf8))
        return String(decoding: applying(try old.removing(path), to: old.bytes), as: UTF8.self)
    }

    /// Texts, each with an empty place for the entry: the layout of others is taken over.
    private static let shapes = [
        (
            "{}",
            "{\n  \"s\": {\n    \"opamp\": {\n      \"command\": \"x\",\n      \"args\": [\n        \"a\"\n      ]\n    }\n  }\n}"
        ),
        (
            "{\n  \"s\": {}\n}\n",
            "{\n  \"s\": {\n    \"opamp\": {\n      \"command\": \"x\",\n      \"args\": [\n        \"a\"\n      ]\n    }\n  }\n}\n"
        ),
        (
            "{\n\t\"s\": {\n\t\t\"b\": 1e400\n\t}\n}",
            "{\n\t\"s\": {\n\t\t\"b\": 1e400,\n\t\t\"opamp\": {\n\t\t\t\"command\": \"x\",\n\t\t\t\"args\": [\n\t\t\t\t\"a\"\n\t\t\t]\n\t\t}\n\t}\n}"
        ),
        (
            "{\r\n    \"s\": {\r\n        \"b\": {} // last\r\n    }\r\n}",
            "{\r\n    \"s\": {\r\n        \"b\": {}, // last\r\n        \"opamp\": {\r\n            \"command\": \"x\",\r\n"
                + "            \"args\": [\r\n                \"a\"\r\n            ]\r\n        }\r\n    }\r\n}"
        ),
        (
            "{\n  \"s\": {\n    \"b\": 1, /* why */ // so\n    // the end\n  },\n}",
            "{\n  \"s\": {\n    \"b\": 1, /* why */ // so\n    \"opamp\": {\n      \"command\": \"x\",\n      \"args\": [\n"
                + "        \"a\"\n      ]\n    },\n    // the end\n  },\n}"
        ),
        (#"{"a":1,"s":{"b":[1,2]}}"#, #"{"a":1,"s":{"b":[1,2],"opamp":{"command":"x","args":["a"]}}}"#),
        (#"{"a": 1, "s": {"b": 2,}}"#, #"{"a": 1, "s": {"b": 2, "opamp":{"command":"x","args":["a"]},}}"#),
        (#"{"a":1}"#, #"{"a":1,"s":{"opamp":{"command":"x","args":["a"]}}}"#),
        (#"{"s":{}}"#, #"{"s":{"opamp":{"command":"x","args":["a"]}}}"#),
        (
            "{\n  \"s\": {\n    // none yet\n  }\n}",
            "{\n  \"s\": {\n    // none yet\n    \"opamp\": {\n      \"command\": \"x\",\n      \"args\": [\n        \"a\"\n      ]\n    }\n  }\n}"
        ),
        (
            "{\n  \"s\": {\n    \"b\": 1}\n}",
            "{\n  \"s\": {\n    \"b\": 1,\n    \"opamp\": {\n      \"command\": \"x\",\n      \"args\": [\n        \"a\"\n      ]\n    }}\n}"
        ),
    ]

    @Test(arguments: shapes)
    func `a member is put in as its neighbours are laid out`(old: String, new: String) throws {
        #expect(try setting(old) == new)
        #expect(try setting(new) == new)
    }

    @Test(arguments: shapes.dropFirst())
    func `taken away, the text is what it was`(old: String, new: String) throws {
        guard old.contains("\"s\"") else { return }
        #expect(try removing(new) == old)
        #expect(try removing(old) == old)
    }

    @Test func `a value that is there already stays, however it is written`() throws {
        let text = "{ \"s\" : { \"opamp\":{\"args\" : [ \"\\u0061\" , ], /* c */ \"command\":\"x\" } } }"
        #expect(try setting(text) == text)
        #expect(try setting(text, ["s", "opamp", "command"], to: "y") == text.replacing("\"x\"", with: "\"y\""))
    }

    @Test func `removing the first, a middle and a last one keeps the others`() throws {
        #expect(try removing("{\"s\": {\"opamp\": 1, \"b\": 2}}") == "{\"s\": {\"b\": 2}}")
        #expect(try removing("{\"s\": {\"a\": 1, \"opamp\": [1, 2], \"b\": 2}}") == "{\"s\": {\"a\": 1, \"b\": 2}}")
        #expect(try removing("{\"s\": {\"a\": 1, \"opamp\": {}}}") == "{\"s\": {\"a\": 1}}")
        #expect(
            try removing("{\"s\": {\"opamp\": 1 /* mine */, // c\n \"b\": 2}}")
                == "{\"s\": {/* mine */ // c\n \"b\": 2}}")
        #expect(try removing("{\"s\":{\"a\":1\n,\"opamp\":2\n}}") == "{\"s\":{\"a\":1\n}}")
    }

    @Test(arguments: [
        ("", "line 1, column 1: the end, where an object is expected"),
        ("[]", "line 1, column 1: an object is expected"),
        ("{} {}", "line 1, column 4: more than one value"),
        ("{\n  \"a\": tru\n}", "line 2, column 8: a value is expected"),
        ("{\"a\" 1}", "line 1, column 6: a colon is expected"),
        ("{\"a\": 1 \"b\": 2}", "line 1, column 9: a comma or } is expected"),
        ("{\"a\": [1 2]}", "line 1, column 10: a comma or ] is expected"),
        ("{a: 1}", "line 1, column 2: a name in quotes is expected"),
        ("{\"a\": \"b\nc\"}", "line 1, column 9: a control character in a text"),
        ("{\"a\": \"b", "line 1, column 7: a text without its end"),
        ("{\"a\": 01}", "line 1, column 7: a value is expected"),
        ("{\"a\": -}", "line 1, column 7: a value is expected"),
        ("{ /* a }", "line 1, column 3: a comment without its end"),
        ("{ / }", "line 1, column 3: a value or a comment is expected"),
        ("{\"s\": 1}", "line 1, column 7: s is no object"),
        ("{\"s\": {}, \"s\": {}}", "line 1, column 11: there are 2 members called s"),
        ("{\"s\": {\"opamp\": 1, \"opamp\": 2}}", "line 1, column 20: there are 2 members called opamp"),
    ])
    func `what cannot be changed by itself is refused with its place`(text: String, why: String) {
        let error = #expect(throws: ConfigRefusal.self) { try setting(text) }
        #expect(error?.description == why)
    }

    @Test func `nesting has a limit`() throws {
        let deep = String(repeating: "[", count: 199) + String(repeating: "]", count: 199)
        #expect(try setting("{\"a\":\(deep),\"s\":{}}").contains(deep))
        #expect(throws: ConfigRefusal.self) { try setting("{\"a\":[[\(deep)]]}") }
    }

    @Test func `random texts keep every byte of others`() throws {
        var random = SeededRandom()
        for _ in 0..<400 {
            var writer = RandomJSON(random: random)
            let text = writer.text(writer.object(depth: 2))
            random = writer.random
            let added = try setting(text)
            #expect(try removing(added) == text, "\(text)")
            let (old, new) = (try JSONText(Array(text.utf8)), try JSONText(Array(added.utf8)))
            // What was there is there in its order; what came is the entry, a comma and white space.
            #expect(isSubsequence(old.bytes, of: new.bytes), "\(text)")
            let servers = try #require(try new.member("s", of: new.root))
            let member = try #require(try new.member("opamp", of: try new.object(of: servers)))
            #expect(new.json(member.value) == value)
            let without = added.utf8.count - text.utf8.count - member.value.count - member.nameRange.count
            #expect(without <= 64, "\(text)")
        }
    }

    @Test func `random damage is refused or keeps every byte`() throws {
        var random = SeededRandom()
        for _ in 0..<2_000 {
            var writer = RandomJSON(random: random)
            var bytes = Array(writer.text(writer.object(depth: 2)).utf8)
            random = writer.random
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes.remove(at: place)
                case 1: bytes[place] = .random(in: 0...255, using: &random)
                default: bytes.insert(UInt8("{}[],:\"/*\n".utf8.randomElement(using: &random) ?? 0), at: place)
                }
            }
            guard let text = try? JSONText(bytes), let edits = try? text.setting(["s", "opamp"], to: value) else {
                continue
            }
            let new = applying(edits, to: bytes)
            let replaced = edits.contains { !bytes[$0.range].allSatisfy(\.isSpace) }
            #expect(replaced || isSubsequence(bytes.filter { !$0.isSpace }, of: new))
            #expect((try? JSONText(new)) != nil, "\(String(decoding: bytes, as: UTF8.self))")
        }
    }
}

func isSubsequence(_ part: [UInt8], of whole: [UInt8]) -> Bool {
    var rest = part[...]
    for byte in whole where byte == rest.first { rest = rest.dropFirst() }
    return rest.isEmpty
}

/// Writes JSON as people and programs do, with comments, odd numbers and escapes.
private struct RandomJSON {
    var random: SeededRandom
    private let style: Int

    init(random: SeededRandom) {
        self.random = random
        style = Int.random(in: 0..<4, using: &self.random)
    }

    mutating func text(_ servers: String) -> String {
        var members = (0..<Int.random(in: 0...3, using: &random)).map { "\"k\($0)\": \(value(depth: 2))" }
        members.insert("\"s\": \(servers)", at: Int.random(in: 0...members.count, using: &random))
        return wrapped("{", members, "}", level: 0) + (Bool.random(using: &random) ? "\n" : "")
    }

    mutating func object(depth: Int) -> String {
        let count = Int.random(in: 0...3, using: &random)
        return wrapped("{", (0..<count).map { "\(name($0)): \(value(depth: depth))" }, "}", level: 1)
    }

    private mutating func name(_ number: Int) -> String {
        let names = [#""n\#(number)""#, #""n\ud800\#(number)""#, #""o\"\#(number)""#, #""\u006f\#(number)é""#]
        return names[Int.random(in: 0..<names.count, using: &random)]
    }

    private mutating func value(depth: Int) -> String {
        let leaves = [
            "1", "-0.10", "123456789012345678901234567890", "1E+2", "null", "true", #""a // b""#, #""\ud83d""#,
            #""{,}""#,
        ]
        switch depth == 0 ? 0 : Int.random(in: 0..<4, using: &random) {
        case 1:
            return wrapped(
                "[", (0..<Int.random(in: 0...2, using: &random)).map { _ in value(depth: depth - 1) }, "]",
                level: 3 - depth)
        case 2: return object(depth: depth - 1)
        default: return leaves[Int.random(in: 0..<leaves.count, using: &random)]
        }
    }

    private mutating func wrapped(_ open: String, _ parts: [String], _ close: String, level: Int) -> String {
        if parts.isEmpty { return open + close }
        guard style > 0 else { return open + parts.joined(separator: ",") + close }
        let unit = style == 1 ? "\t" : "  "
        let end = style == 3 ? "\r\n" : "\n"
        let indent = end + String(repeating: unit, count: level + 1)
        var text = open
        for (index, part) in parts.enumerated() {
            let isLast = index == parts.count - 1
            text += indent + part + (isLast && Int.random(in: 0..<6, using: &random) > 0 ? "" : ",")
            if style == 2, Int.random(in: 0..<4, using: &random) == 0 { text += " // \"s\": {" }
        }
        return text + end + String(repeating: unit, count: level) + close
    }
}
