import Testing

@testable import ClientSetup

/// What `--dry-run` shows: what changes, and nothing of others.
@Suite struct DifferenceTests {
    private func difference(_ old: String, _ new: String) -> String {
        ClientSetup.difference(from: Array(old.utf8), to: Array(new.utf8), path: "f")
    }

    @Test func `only lines that change are shown`() {
        #expect(
            difference("a\nb\nc\n", "a\nB\nc\nd\n")
                == "--- f\n+++ f\n@@ -2 +2 @@\n-b\n+B\n@@ -3,0 +4 @@\n+d\n")
        #expect(difference("", "x\n") == "--- f\n+++ f\n@@ -0,0 +1 @@\n+x\n")
        #expect(difference("x\ny\n", "") == "--- f\n+++ f\n@@ -1,2 +0,0 @@\n-x\n-y\n")
    }

    @Test func `of a long line only what differs is shown`() {
        let start = #"{"others":{"API_TOKEN":"s3cret"},"filling":""# + String(repeating: "x", count: 200) + "\""
        let shown = difference(start + "}\n", start + #","opamp":{"command":"x"}}"# + "\n")
        #expect(shown == "--- f\n+++ f\n@@ -1 +1 @@\n-……\n+…,\"opamp\":{\"command\":\"x\"}…\n")
    }

    @Test(arguments: [
        (#"  "OPAMP_SERVER_TOKEN": "abc","#, #"  "OPAMP_SERVER_TOKEN": "…","#),
        (#"env = { A = "b", MY_SECRET = 'abc', C = "d" }"#, #"env = { A = "b", MY_SECRET = '…', C = "d" }"#),
        (#""Authorization" : "Basic abc""#, #""Authorization" : "…""#),
        (
            #""args": ["--header", "Authorization: Bearer abc def"]"#,
            #""args": ["--header", "Authorization: Bearer …"]"#
        ),
        (#"password="a\"b" # x"#, #"password="…" # x"#),
        (#""--token-file", "/home/u/token""#, #""--token-file", "/home/u/token""#),
        (#""apiKey": 1, "b": "c""#, #""apiKey": 1, "b": "c""#),
    ])
    func `values with a telling name are masked`(line: String, expected: String) {
        #expect(masked(line) == expected)
    }

    @Test func `control characters do not reach a terminal`() {
        #expect(
            !difference("", "a\u{1B}[2Jb\u{7}\u{9B}c\n").contains {
                $0.unicodeScalars.contains { $0.value == 0x1B || $0.value == 0x9B }
            })
    }
}
