import FleetAPI
import Provider
import TestSupport
import Testing

private let names = ["filter", "limit", "state", "fields"]

@Test(arguments: [
    ("", ""), ("a%20b", "a b"), ("%F0%9F%90%9D", "🐝"), ("%2f%2F", "//"), ("100%25", "100%"), ("a+b", "a+b"),
    ("%00", "\0"),
])
func `percent-encoded text is decoded`(text: String, decoded: String) {
    #expect(percentDecoded(text) == decoded)
}

@Test(arguments: ["%", "%2", "a%zz", "%+1", "%ff", "%c3", "%-1"])
func `text that is not percent-encoded UTF-8 is refused`(text: String) {
    #expect(percentDecoded(text) == nil)
}

@Test func `any text survives encoding and decoding`() {
    var random = SeededRandom()
    for _ in 1...200 {
        let bytes = (0..<20).map { _ in UInt8.random(in: 0...255, using: &random) }
        let encoded = bytes.map { "%" + (String($0 >> 4, radix: 16) + String($0 & 15, radix: 16)) }.joined()
        #expect(percentDecoded(encoded) == String(validating: bytes, as: UTF8.self))
    }
}

@Test func `parameters are read by name`() throws {
    let query = try QueryParameters(
        "filter=host:web-%2A+health:unhealthy&limit=7&fields=host,type&state=", names: names)
    #expect(query["filter"] == "host:web-* health:unhealthy")
    #expect(try query.number("limit", in: 1...10, default: 5) == 7)
    #expect(try query.list("fields", of: ["host", "type", "os"]) == ["host", "type"])
    #expect(query["state"] == "")
    let empty = try QueryParameters("", names: names)
    #expect(empty["filter"] == nil)
    #expect(try empty.number("limit", in: 1...10, default: 5) == 5)
    #expect(try empty.list("fields", of: []) == nil)
    #expect(try empty.choice("state", CommandState.self) == nil)
    #expect(try QueryParameters("state=queued", names: names).choice("state", CommandState.self) == .queued)
}

@Test(arguments: ["fields=", "fields=,", "fields=host,", "fields=host,,os"])
func `a list with an empty element is refused`(text: String) throws {
    let query = try QueryParameters(text, names: names)
    let problem = try #require(throws: Problem.self) { try query.list("fields", of: ["host", "os"]) }
    #expect(problem.status == 400 && problem.field == "fields")
    #expect(throws: Problem.self) { try query.list("fields") }
}

@Test(arguments: ["limt=3", "limit=1&limit=2", "LIMIT=1", "limit=%zz", "=1"])
func `a query with unknown, repeated or undecodable parameters is refused`(query: String) {
    #expect(throws: Problem.self) { try QueryParameters(query, names: names) }
}

@Test func `an unknown parameter is named with those that exist`() throws {
    let problem = try #require(throws: Problem.self) { try QueryParameters("limt=3", names: names) }
    #expect(problem.status == 400)
    #expect(problem.field == "limt")
    #expect(problem.value == "3")
    #expect(problem.allowed == names)
}

@Test(arguments: ["0", "11", "-1", "", "x", "1.5", "99999999999999999999"])
func `a number out of its range is refused with the range`(text: String) throws {
    let query = try QueryParameters("limit=\(text)", names: names)
    let problem = try #require(throws: Problem.self) { try query.number("limit", in: 1...10, default: 5) }
    #expect(problem.field == "limit")
    #expect(problem.value == text)
    #expect(problem.allowed == ["1 to 10"])
}

@Test func `a wrong choice is refused with what is allowed`() throws {
    let query = try QueryParameters("state=done&fields=host,colour", names: names)
    let state = try #require(throws: Problem.self) { try query.choice("state", CommandState.self) }
    #expect(state.allowed?.contains("confirmed") == true)
    let fields = try #require(throws: Problem.self) { try query.list("fields", of: ["host"]) }
    #expect(fields.value == "colour")
    let missing = try #require(throws: Problem.self) { try query.required("filter") }
    #expect(missing.field == "filter")
}
