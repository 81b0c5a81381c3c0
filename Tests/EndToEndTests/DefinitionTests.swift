import Foundation
import JSON
import Testing

/// Commands that files define, in a provider that runs.
@Suite(.timeLimit(.minutes(5))) struct DefinitionTests {
    @Test func `a definition takes effect while the provider runs, and a wrong one stops nothing`() async throws {
        try await withStage { stage in
            let folder = stage.folder + "/commands"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data(#"{"name": "restart"}"#.utf8).write(to: URL(fileURLWithPath: folder + "/wrong.json"))
            let child = try stage.start(
                "opamp-provider",
                ["--listen", "127.0.0.1:0", "--in-memory", "--commands", folder, "--log-level", "warning"])
            let line = try JSON(parsing: try await child.line())
            let provider = Provider(child: child, url: try #require(line["listening"]?.string))
            let types = try await provider.get("command-types")
            #expect(types["definition_errors"]?.array?.count == 1)
            #expect(types["definition_errors"]?.array?.first?["file"] == "wrong.json")
            let definition = """
                {"name": "drain", "description": "Empties a queue.", "capability": "org.example.drain",
                 "message_type": "request", "proof": "reply", "parameters": {"properties": {"queue": {"type": "string"}}}}
                """
            try Data(definition.utf8).write(to: URL(fileURLWithPath: folder + "/drain.json"), options: .atomic)
            let later = try await provider.wait(for: "command-types") { types in
                types["command_types"]?.array?.contains { $0["name"] == "drain" } == true
            }
            #expect(later["definition_errors"]?.array?.count == 1)
            #expect(child.log.contains("wrong.json"))
        }
    }
}
