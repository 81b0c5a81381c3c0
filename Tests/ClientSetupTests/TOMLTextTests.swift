import JSON
import TestSupport
import Testing

@testable import ClientSetup

/// One table of a TOML text, set and taken away; every other byte stays.
@Suite struct TOMLTextTests {
    static let launch = Launch(program: "/bin/opamp-mcp", settings: Settings()) { $0 }
    private let block = launch.table("opamp")

    private func setting(_ text: String, _ name: String = "opamp") throws -> String {
        let old = try TOMLText(Array(text.utf8))
        return String(decoding: applying(try old.setting(name, to: Self.launch), to: old.bytes), as: UTF8.self)
    }

    private func removing(_ text: String, _ name: String = "opamp") throws -> String {
        let old = try TOMLText(Array(text.utf8))
        return String(decoding: applying(try old.removing(name), to: old.bytes), as: UTF8.self)
    }

    @Test func `the block is one table`() throws {
        #expect(
            block == """
                [mcp_servers.opamp]
                command = "/bin/opamp-mcp"
                args = ["--provider", "http://127.0.0.1:8080"]
                tool_timeout_sec = 120

                """)
        #expect(try setting("") == block)
        #expect(try removing(block) == "")
    }

    @Test(arguments: [
        "model = \"o\"\n",
        "# only a comment\n",
        "[mcp_servers.other]\ncommand = \"x\" # [mcp_servers.opamp]\nargs = [\n  \"a\", # one\n  \"]\",\n]\n\n\n",
        "a.\"b.c\" = 1979-05-27 07:32:00Z\nt = { x = [1, { y = 'z' }], }\n[[list]]\n[[list]]\nv = +inf\n",
        "text = \"\"\"\n[mcp_servers.opamp]\ncommand = \\\"\"\" # still text\n\"\"\"\"\nraw = '''\n[mcp_servers.opamp]'''\n",
        "[mcp_servers]\nother = { command = \"x\" }\nthird.command = 'y'\n",
        "\"é\" = \"not\"\n",
    ])
    func `a table comes at the end and goes without a trace`(text: String) throws {
        let added = try setting(text)
        #expect(added == text + "\n" + block)
        #expect(try setting(added) == added)
        #expect(try removing(added) == text)
        #expect(try removing(text) == text)
    }

    @Test func `line ends and a missing last one are taken over`() throws {
        #expect(try setting("a = 1\r\n") == "a = 1\r\n\r\n" + block.replacing("\n", with: "\r\n"))
        #expect(try setting("a = 1") == "a = 1\n\n" + block)
        #expect(try setting("\u{FEFF}a = 1\n") == "\u{FEFF}a = 1\n\n" + block)
    }

    @Test func `keys that are not ours stay, those that are change in place`() throws {
        let old = """
            [mcp_servers."opamp"] # mine
            startup_timeout_sec = 20
            args = [
              "--provider", # which
              "http://old:1",
            ] # two
            command = '/old/opamp-mcp' # where
            # why
            tool_timeout_sec = 300
            enabled_tools = ["fleet_summary"]

            [mcp_servers.opamp.env]
            HTTPS_PROXY = "http://proxy"

            # of the next
            [mcp_servers.opamp.tools.restart_agent]
            approval_mode = "prompt"

            [profile]
            x = 1

            """
        let new = """
            [mcp_servers."opamp"] # mine
            startup_timeout_sec = 20
            args = ["--provider", "http://127.0.0.1:8080"] # two
            command = "/bin/opamp-mcp" # where
            # why
            tool_timeout_sec = 300
            enabled_tools = ["fleet_summary"]

            [mcp_servers.opamp.env]
            HTTPS_PROXY = "http://proxy"

            # of the next
            [mcp_servers.opamp.tools.restart_agent]
            approval_mode = "prompt"

            [profile]
            x = 1

            """
        #expect(try setting(old) == new)
        #expect(try setting(new) == new)
        #expect(try removing(new) == "\n# of the next\n\n[profile]\nx = 1\n")
        let entry = try #require(try TOMLText(Array(new.utf8)).servers.first)
        #expect(entry.command == "/bin/opamp-mcp" && entry.arguments == ["--provider", "http://127.0.0.1:8080"])
        #expect(entry.environment == ["HTTPS_PROXY": "http://proxy"])
    }

    @Test func `missing keys come behind those that are there`() throws {
        let text = "[mcp_servers.opamp]\ncommand = \"/bin/opamp-mcp\"\n[a]\n"
        #expect(
            try setting(text) == "[mcp_servers.opamp]\ncommand = \"/bin/opamp-mcp\"\n"
                + "args = [\"--provider\", \"http://127.0.0.1:8080\"]\ntool_timeout_sec = 120\n[a]\n")
        #expect(
            try setting("[mcp_servers.opamp]") == "[mcp_servers.opamp]\n"
                + block.split(separator: "\n").dropFirst().joined(separator: "\n"))
    }

    @Test(arguments: [
        (
            "mcp_servers = { opamp = { command = \"x\" } }",
            "line 1, column 1: mcp_servers is not written as a table of its own"
        ),
        (
            "a = 1\nmcp_servers.opamp.command = \"x\"",
            "line 2, column 1: mcp_servers.opamp.command is not written as a table"
        ),
        (
            "[mcp_servers]\nopamp = { command = \"x\" }",
            "line 2, column 1: mcp_servers.opamp is not written as a table of its own"
        ),
        (
            "[mcp_servers]\nopamp.command = \"x\"",
            "line 2, column 1: mcp_servers.opamp.command is not written as a table"
        ),
        ("[[mcp_servers]]\nname = \"opamp\"", "line 1, column 1: mcp_servers is an array of tables here"),
        ("[mcp_servers.opamp]\n[mcp_servers.opamp]", "line 2, column 1: mcp_servers.opamp is there twice"),
        ("a = ", "line 1, column 5: a value is expected"),
        ("a = 1 b = 2, ", "line 1, column 12: the end of the line is expected"),
        ("just words", "line 1, column 6: = is expected"),
        ("a = \"b\nc\"", "line 1, column 5: a text without its end"),
        ("a = '''b", "line 1, column 5: a text without its end"),
        ("a = [1, 2", "line 1, column 10: a comma or ] is expected"),
        ("[a", "line 1, column 3: ] is expected"),
        ("= 1", "line 1, column 1: a name is expected"),
    ])
    func `what is not understood is refused with its place`(text: String, why: String) {
        let error = #expect(throws: ConfigRefusal.self) { try setting(text) }
        #expect(error?.description.hasPrefix(why) == true, "\(error?.description ?? "")")
    }

    @Test func `random texts keep every byte of others`() throws {
        var random = SeededRandom()
        let lines = [
            "a = 1", "b.c = \"x\\\"y\" # c", "", "# [mcp_servers.opamp]", "t = { a = 'b', c = [1,\n 2] }", "[x.y]",
            "[[z]]",
            "s = '''\n[mcp_servers.opamp]\n'''", "m = \"\"\"a\n\"\"quotes\"\"\"", "[mcp_servers.other]",
            "command = \"o\"",
            "[mcp_servers.other.env]", "  indented\t=\ttrue", "d = 2026-11-28",
        ]
        for _ in 0..<400 {
            let chosen = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                lines.randomElement(using: &random) ?? ""
            }
            let end = Bool.random(using: &random) ? "\n" : "\r\n"
            let text = chosen.map { $0.replacing("\n", with: end) + end }.joined()
            let added = try setting(text)
            #expect(added.hasPrefix(text), "\(text)")
            #expect(try removing(added) == text, "\(text)")
        }
    }

    @Test func `random damage is refused or keeps every byte`() throws {
        var random = SeededRandom()
        let text = "a = [1, 'x', \"y\"]\n[mcp_servers.other]\ncommand = \"\"\"o\"\"\"\nenv = { A = \"b\" }\n# end\n"
        for _ in 0..<2_000 {
            var bytes = Array(text.utf8)
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                if Bool.random(using: &random) {
                    bytes[place] = "[]{}='\"#\n\r.,x".utf8.randomElement(using: &random) ?? 0
                } else {
                    bytes.remove(at: place)
                }
            }
            guard let old = try? TOMLText(bytes), let edits = try? old.setting("opamp", to: Self.launch) else {
                continue
            }
            let new = applying(edits, to: bytes)
            #expect(new.starts(with: bytes))
            #expect(try TOMLText(new).setting("opamp", to: Self.launch) == [])
        }
    }
}
