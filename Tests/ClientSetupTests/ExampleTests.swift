import JSON
import Testing

@testable import ClientSetup

/// What is shipped for clients is what the program takes.
@Suite struct ExampleTests {
    private func text(_ path: String) throws -> String {
        try #require(contents(of: "\(packageFolder)/\(path)"), "\(path)")
    }

    @Test(arguments: [
        ("examples/claude_desktop_config.json", Client.claudeDesktop, ["opamp", "opamp-reading"]),
        ("examples/codex-config.toml", .codex, ["opamp"]),
    ])
    func `entries of the examples are ours, with flags that exist, and are merged`(
        path: String, client: Client, names: [String]
    ) throws {
        let old = try text(path)
        let entries = try servers(in: Array(old.utf8), client.format).filter(\.isOurs)
        #expect(entries.map(\.name) == names)
        for entry in entries {
            let settings = try Settings(arguments: try #require(entry.arguments)) { entry.environment[$0] }
            #expect(settings.job == .serve && settings.isProviderChosen)
            // As `configure` writes it with the same flags, it is there already.
            let launch = Launch(program: "/usr/local/bin/opamp-mcp", settings: settings) { $0 }
            let made = try ConfigChange(
                Array(old.utf8), format: client.format, name: entry.name, program: "/p", launch: launch, replaces: false
            )
            #expect(made.outcome == .unchanged && made.notes == [], "\(entry.name)")
        }
    }

    @Test func `the bundle starts the program with flags and variables that exist`() throws {
        let manifest = try JSON(parsing: try text("mcp/manifest.json"))
        for key in ["name", "version", "description"] { #expect(manifest[key]?.string?.isEmpty == false) }
        #expect(manifest["manifest_version"] == "0.3" && manifest["author"]?["name"]?.string?.isEmpty == false)
        let server = try #require(manifest["server"])
        #expect(server["type"] == "binary")
        let config = try #require(server["mcp_config"])
        #expect(config["command"]?.string == "${__dirname}/" + (server["entry_point"]?.string ?? ""))
        let fields = try #require(manifest["user_config"]?.object)
        func filled(_ text: String) throws -> String {
            var text = text
            for (name, field) in fields.members {
                #expect(field["title"] != nil && field["description"] != nil && field["type"] == "string")
                // What nobody fills in must not reach the program as it stands here.
                #expect(field["required"] == true || field["default"] != nil)
                text = text.replacing("${user_config.\(name)}", with: try #require(field["default"]?.string))
            }
            #expect(!text.contains("${"), "\(text)")
            return text
        }
        let arguments = try #require(config["args"]?.array).map { try filled($0.string ?? "") }
        var variables: [String: String] = [:]
        for (name, value) in config["env"]?.object?.members ?? [] { variables[name] = try filled(value.string ?? "") }
        #expect(variables.keys.sorted() == ["OPAMP_SERVER_TOKEN"])
        #expect(fields["token"]?["sensitive"] == true)
        let settings = try Settings(arguments: arguments) { variables[$0] }
        #expect(settings.job == .serve && settings.provider == Settings().provider && settings.token == nil)
    }
}
