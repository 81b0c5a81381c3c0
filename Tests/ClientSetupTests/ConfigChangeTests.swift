import JSON
import TestSupport
import Testing

@testable import ClientSetup

/// What becomes of whole files of clients. The files of `Goldens` that end with `.after` are rewritten by `RECORD=1`.
@Suite struct ConfigChangeTests {
    private static let json = Client.Format.json(container: "mcpServers", type: nil)
    private static let launch = Launch(program: "/bin/opamp-mcp", settings: Settings()) { $0 }

    private func change(
        _ text: String, _ format: Client.Format = json, name: String = "opamp", launch: Launch? = launch,
        replaces: Bool = false
    ) throws(ConfigRefusal) -> ConfigChange {
        try ConfigChange(
            Array(text.utf8), format: format, name: name, program: "/bin/opamp-mcp", launch: launch, replaces: replaces)
    }

    @Test(arguments: [
        ("claude-desktop.json", Client.claudeDesktop, ConfigChange.Outcome.added, 0),
        ("claude-code.json", .claudeCode, .updated, 0),
        ("codex.toml", .codex, .updated, 0),
        ("gemini.json", .gemini, .added, 0),
        ("vscode.json", .vscode, .added, 0),
        ("cursor.json", .cursor, .added, 0),
        ("python-project.json", .claudeDesktop, .added, 1),
        ("python-project.toml", .codex, .added, 1),
    ])
    func `files become as recorded, and do not change again`(
        golden: String, client: Client, outcome: ConfigChange.Outcome, notes: Int
    ) throws {
        let parts = golden.split(separator: "." as Character).map(String.init)
        let old = try #require(contents(of: "\(goldens)/\(parts[0]).before.\(parts[1])"))
        let made = try change(old, client.format, replaces: notes > 0)
        #expect(made.outcome == outcome)
        #expect(made.notes.count == notes)
        try check(String(decoding: made.bytes, as: UTF8.self), against: "\(goldens)/\(parts[0]).after.\(parts[1])")
        let again = try change(String(decoding: made.bytes, as: UTF8.self), client.format)
        #expect(again.outcome == .unchanged && again.bytes == made.bytes && again.notes == [])
        let removed = try change(String(decoding: made.bytes, as: UTF8.self), client.format, launch: nil)
        #expect(removed.outcome == .removed)
        if outcome == .added, notes == 0, !old.isEmpty { #expect(removed.bytes == Array(old.utf8)) }
        #expect(
            try change(String(decoding: removed.bytes, as: UTF8.self), client.format, launch: nil).outcome == .absent)
    }

    @Test func `another server of the name stays until it is said to go`() throws {
        let text = #"{"mcpServers":{"opamp":{"command":"/usr/bin/fleet","env":{"KEY":"s3cret"}}}}"#
        for launch in [Self.launch, nil] {
            let error = #expect(throws: ConfigRefusal.self) { try change(text, launch: launch) }
            #expect(error?.description.contains("is another server: it starts /usr/bin/fleet; give --replace") == true)
        }
        let replaced = try change(text, replaces: true)
        #expect(replaced.outcome == .updated)
        #expect(!String(decoding: replaced.bytes, as: UTF8.self).contains("s3cret"))
        #expect(try change(text, name: "fleet").outcome == .added)
    }

    @Test func `what the Python project left is told, and goes only when it is said`() throws {
        let left = [
            #"{"command":"mcp-remote","args":["http://h:8080/sse"],"env":{"OPAMP_MCP_SSE_URL":"http://h:8080/sse"}}"#,
            #"{"command":"npx","args":["-y","mcp-remote","http://h:8080/sse"]}"#,
            #"{"type":"stdio","command":"uv","args":["run","fastmcp","run","/x/routes.py:mcpserver"]}"#,
            #"{"command":"C:\\bin\\uv.exe","args":[]}"#,
            #"{"url":"http://h:8080/mcp"}"#,
        ]
        for entry in left {
            let text = #"{"mcpServers":{"OpAMP Server":\#(entry)}}"#
            let kept = try change(text)
            #expect(kept.notes.count == 1 && kept.notes[0].contains("--replace"), "\(entry)")
            #expect(String(decoding: kept.bytes, as: UTF8.self).contains("OpAMP Server"))
            let gone = try change(text, replaces: true)
            #expect(gone.notes == ["\"OpAMP Server\", left by the Python project's set-up, is taken out"])
            #expect(!String(decoding: gone.bytes, as: UTF8.self).contains("OpAMP Server"), "\(entry)")
        }
        let others =
            #"{"mcpServers":{"npx":{"command":"npx","args":["mcp-remote","http://h/sse"]},"OpAMP Server":{"command":"mine"}}}"#
        #expect(try change(others, replaces: true).notes == [])
        let own = try change(#"{"mcpServers":{"opamp-server":\#(left[0])}}"#, name: "opamp-server", replaces: true)
        #expect(own.outcome == .updated && own.notes == [])
    }

    @Test func `a token in the entry and a switch that is off are told`() throws {
        let entry = #"{"command":"/bin/opamp-mcp","disabled":true,"env":{"OPAMP_SERVER_TOKEN":"s3cret"}}"#
        let made = try change(#"{"mcpServers":{"opamp":\#(entry)}}"#)
        #expect(made.notes.count == 2 && made.notes.allSatisfy { !$0.contains("s3cret") })
        let toml =
            "[mcp_servers.opamp]\ncommand = \"opamp-mcp\"\nenabled = false\nenv = { OPAMP_SERVER_TOKEN = \"s3cret\" }\n"
        #expect(try change(toml, .toml).notes.count == 2)
    }

    @Test(arguments: [#"{"mcpServers":[]}"#, #"{"mcpServers":null}"#, #"{"mcpServers":{"opamp":[]}}"#, "[]", "{", "#"])
    func `a file of another shape is refused`(text: String) {
        #expect(throws: ConfigRefusal.self) { try change(text) }
    }

    @Test func `a program of another name knows its own entry`() throws {
        let text = Array(#"{"mcpServers":{"opamp":{"command":"/bin/fleet-mcp"}}}"#.utf8)
        let removed = try ConfigChange(
            text, format: Self.json, name: "opamp", program: "/bin/fleet-mcp", launch: nil, replaces: false)
        #expect(removed.outcome == .removed && removed.bytes == Array(#"{"mcpServers":{}}"#.utf8))
    }

    @Test func `no argument of the entry is a token`() throws {
        let settings = try Settings(arguments: ["--token-file", "/t", "configure", "codex"]) {
            $0 == "OPAMP_SERVER_TOKEN" ? "s3cret" : nil
        }
        let launch = Launch(program: "/p", settings: settings) { $0 }
        #expect(launch.arguments == ["--provider", "http://127.0.0.1:8080", "--token-file", "/t"])
    }
}
