import JSON
import TestSupport
import Testing

@Suite struct JSONTests {
    @Test(arguments: [
        "null", "true", "false", "0", "-9223372036854775808", "9223372036854775807", "0.5", "\"\"", "\"é\\n\\\"\"",
        "[]", "[1,[2,[]]]", "{}", #"{"a":{"b":[1,"x",null]},"b":-1}"#,
    ])
    func `a value is written as it was read`(text: String) throws {
        #expect(try JSON(parsing: text).text == text)
    }

    @Test func `keys come out sorted, or in their own order on request`() throws {
        let value = try JSON(parsing: #"{"b":1,"a":{"d":2,"c":3}}"#)
        #expect(value.text == #"{"a":{"c":3,"d":2},"b":1}"#)
        #expect(String(decoding: try value.bytes(.ordered), as: UTF8.self) == #"{"b":1,"a":{"d":2,"c":3}}"#)
        #expect(String(decoding: try value.bytes(.pretty), as: UTF8.self).hasPrefix("{\n  \"b\": 1,"))
    }

    @Test(arguments: [
        #"{"a":1,"a":2}"#, "9223372036854775808", #""\ud800""#, #""\u0000""#, "{", "[1,]", "", " ", "1 2", "nul",
        "\"\u{1}\"", "{1:2}", "[1", "NaN", "'a'",
    ])
    func `what is not one unambiguous value is refused`(text: String) {
        #expect(throws: JSONError.self) { try JSON(parsing: text) }
    }

    @Test func `bytes that are not UTF-8 are refused`() {
        #expect(throws: JSONError.self) { try JSON(parsing: [0x22, 0xff, 0x22]) }
    }

    @Test func `nesting is accepted up to the limit and refused beyond, also without an end`() throws {
        let limit = JSON.depthLimit
        let atLimit = String(repeating: "[", count: limit) + String(repeating: "]", count: limit)
        #expect(try JSON(parsing: atLimit).array != nil)
        #expect(throws: JSONError.tooDeep(limit: limit)) { try JSON(parsing: "[" + atLimit + "]") }
        #expect(throws: JSONError.tooDeep(limit: limit)) {
            try JSON(parsing: String(repeating: "[{\"a\":", count: 500_000))
        }
        let brackets = "\"" + String(repeating: "[\\\"", count: 200) + "\""
        #expect(try JSON(parsing: brackets).string?.count == 400)
    }

    @Test func `a text over the byte limit is refused both ways`() throws {
        #expect(throws: JSONError.tooLong(limit: 3)) { try JSON(parsing: "1234", limit: 3) }
        #expect(throws: JSONError.tooLong(limit: 9)) { try JSON.string("12345678").bytes(limit: 9) }
        #expect(try JSON.string("12345678").bytes(limit: 10).count == 10)
    }

    @Test func `a number that JSON cannot express is an error, not a crash`() {
        #expect(throws: JSONError.notWritable) { try JSON.array([1, .number(.infinity)]).bytes() }
        #expect(throws: JSONError.notWritable) { try JSON.object(.init([("a", .number(.nan))])).bytes() }
    }

    @Test func `members are read, replaced in place, added and removed`() {
        var object = JSON.Object([("a", 1), ("b", "x")])
        object["a"] = 2
        object["c"] = [true]
        object["b"] = nil
        object["gone"] = nil
        #expect(object.members.map(\.key) == ["a", "c"])
        #expect(JSON.object(object) == ["c": [true], "a": 2])
        #expect(JSON.object(object)["a"]?.integer == 2)
        #expect(JSON.string("a")["a"] == nil)
    }

    @Test(
        arguments: [
            (#"{"jsonrpc":"2.0","id":7,"x":"\ud800"}"#, JSON.integer(7)),
            (#"{"params":{"id":1,"v":99999999999999999999},"id" : "a\"b"}"#, "a\"b"),
            (#"{"x":[{"id":1}],"id":-5}"#, -5),
            (#"{"a":"id","id":3,"a":1}"#, 3),
            (#"{"id":4"#, 4),
            (#"{"i\u0064":4}"#, 4),
        ] as [(String, JSON)])
    func `the id of a message that cannot be parsed is still found`(text: String, id: JSON) {
        #expect(JSON.topLevelMember("id", in: Array(text.utf8)) == id)
    }

    @Test(arguments: [#"{"a":{"id":1}}"#, #"["id",1]"#, #"{"a":"id"}"#, #"{"id":}"#, #"{"id":nope}"#, #"{"id""#, "\""])
    func `no id is made up`(text: String) {
        #expect(JSON.topLevelMember("id", in: Array(text.utf8)) == nil)
    }

    @Test func `random and cut bytes never crash the parser`() throws {
        var random = SeededRandom()
        let sample = Array(#"{"id":7,"a":[1,-2.5e3,"x\u00e9\\",{"b":null,"c":[true,false]}]}"#.utf8)
        for _ in 0..<5_000 {
            var bytes = sample
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
            if let value = try? JSON(parsing: bytes) {
                #expect(try JSON(parsing: value.bytes()) == value, "seed \(random.seed)")
            }
            _ = JSON.topLevelMember("id", in: bytes)
        }
    }
}
