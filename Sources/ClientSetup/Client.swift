/// The programs that can be connected.
package enum Client: String, CaseIterable, Sendable {
    case claudeDesktop = "claude-desktop"
    case claudeCode = "claude-code"
    case codex
    case gemini
    case vscode
    case cursor
    case librechat

    /// How its file is written.
    enum Format: Equatable {
        /// - Parameter container: the member of the root that holds the servers.
        case json(container: String, type: String?)
        case toml
        /// Only printed: there is no file of a known place.
        case yaml
    }

    var format: Format {
        switch self {
        case .claudeDesktop, .gemini, .cursor: .json(container: "mcpServers", type: nil)
        case .claudeCode: .json(container: "mcpServers", type: "stdio")
        case .vscode: .json(container: "servers", type: "stdio")
        case .codex: .toml
        case .librechat: .yaml
        }
    }

    /// Those whose files are written.
    package static var configurable: [Client] { allCases.filter { $0.format != .yaml } }

    /// What makes it read its file anew.
    var afterwards: String {
        switch self {
        case .claudeDesktop: "quit Claude Desktop fully and start it again"
        case .claudeCode: "start Claude Code again; /mcp shows the server"
        case .codex: "start Codex again; /mcp shows the server"
        case .gemini: "start Gemini CLI again; /mcp shows the server"
        case .vscode: "VS Code offers to start the server; MCP: List Servers shows it"
        case .cursor: "Settings, MCP shows the server; start Cursor again if it does not"
        case .librechat: "start LibreChat again"
        }
    }
}
