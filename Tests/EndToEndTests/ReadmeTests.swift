import Testing

/// The README's commands for clients and shells.
@Suite(.timeLimit(.minutes(5))) struct ReadmeTests {
    @Test(arguments: [
        ("opamp-mcp configure claude-desktop --dry-run", "nothing was written"),
        ("opamp-mcp configure claude-code codex gemini vscode cursor", "cursor: opamp added"),
        ("opamp-mcp print-config librechat", "mcpServers:\n  opamp:\n"),
        ("opamp-mcp doctor", "nothing is wrong"),
        ("opamp-mcp call fleet_summary", "12 agents: "),
        (#"opamp-mcp call find_agent '{"query":"web-17"}' --json"#, #""is_error":false"#),
        ("opamp-mcp tools --json", #"{"tools":["#),
    ])
    func `its commands run, and do what it says`(command: String, expected: String) async throws {
        #expect(try contents(of: "\(packageFolder)/README.md").contains(".build/release/\(command)"))
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 12, at: provider)
            let line = product("opamp-mcp") + command.dropFirst("opamp-mcp".count)
            let run = try await stage.run(["-c", line], of: "/bin/sh", environment: ["OPAMP_SERVER_URL": provider.url])
            #expect(run.code == 0 && run.text.contains(expected), "\(run.text)\n\(run.log)")
        }
    }
}
