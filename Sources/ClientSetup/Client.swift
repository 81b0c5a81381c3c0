/// The programs that `print-config` knows.
package enum Client: String, CaseIterable, Sendable {
    case claudeDesktop = "claude-desktop"
    case claudeCode = "claude-code"
    case codex

    /// Where the block goes.
    package var file: String {
        switch self {
        case .claudeDesktop:
            "claude_desktop_config.json (Settings, Developer, Edit Config), then restart Claude Desktop"
        case .claudeCode: ".mcp.json of a project, or mcpServers in ~/.claude.json"
        case .codex: "~/.codex/config.toml"
        }
    }
}
