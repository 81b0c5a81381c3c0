import Testing

@testable import ClientSetup

/// Where clients have their files, on each system.
@Suite struct ClientPathTests {
    private static let homes: [Platform: [String: String]] = [
        .linux: ["HOME": "/home/u"], .macOS: ["HOME": "/Users/u"],
        .windows: ["USERPROFILE": #"C:\Users\u"#, "APPDATA": #"C:\Users\u\AppData\Roaming"#],
    ]

    @Test(arguments: [
        (Client.claudeDesktop, Platform.linux, "/home/u/.config/Claude/claude_desktop_config.json"),
        (.claudeDesktop, .macOS, "/Users/u/Library/Application Support/Claude/claude_desktop_config.json"),
        (.claudeDesktop, .windows, #"C:\Users\u\AppData\Roaming\Claude\claude_desktop_config.json"#),
        (.claudeCode, .linux, "/home/u/.claude.json"),
        (.claudeCode, .windows, #"C:\Users\u\.claude.json"#),
        (.codex, .linux, "/home/u/.codex/config.toml"),
        (.codex, .macOS, "/Users/u/.codex/config.toml"),
        (.codex, .windows, #"C:\Users\u\.codex\config.toml"#),
        (.gemini, .linux, "/home/u/.gemini/settings.json"),
        (.vscode, .linux, "/home/u/.config/Code/User/mcp.json"),
        (.vscode, .macOS, "/Users/u/Library/Application Support/Code/User/mcp.json"),
        (.vscode, .windows, #"C:\Users\u\AppData\Roaming\Code\User\mcp.json"#),
        (.cursor, .linux, "/home/u/.cursor/mcp.json"),
    ])
    func `each client has its file`(client: Client, platform: Platform, path: String) {
        #expect(client.file(on: platform) { Self.homes[platform]?[$0] } == path)
    }

    @Test func `variables that move a client's files are respected`() {
        let moved = [
            "HOME": "/home/u", "XDG_CONFIG_HOME": "/cfg", "CODEX_HOME": "/codex", "CLAUDE_CONFIG_DIR": "/claude",
        ]
        #expect(Client.claudeDesktop.file(on: .linux) { moved[$0] } == "/cfg/Claude/claude_desktop_config.json")
        #expect(Client.codex.file(on: .linux) { moved[$0] } == "/codex/config.toml")
        #expect(Client.claudeCode.file(on: .linux) { moved[$0] } == "/claude/.claude.json")
        let empty = ["HOME": "/home/u", "XDG_CONFIG_HOME": "", "CODEX_HOME": ""]
        #expect(Client.vscode.file(on: .linux) { empty[$0] } == "/home/u/.config/Code/User/mcp.json")
        #expect(Client.codex.file(on: .linux) { empty[$0] } == "/home/u/.codex/config.toml")
        #expect(
            Client.cursor.file(on: .linux) { ["XDG_CONFIG_HOME": "relative", "HOME": "/h"][$0] }
                == "/h/.cursor/mcp.json")
        #expect(
            Client.vscode.file(on: .linux) { ["XDG_CONFIG_HOME": "relative", "HOME": "/h"][$0] }?.hasPrefix(
                "/h/.config") == true)
    }

    @Test(arguments: Client.allCases, Platform.allCases)
    func `without a home there is no file`(client: Client, platform: Platform) {
        #expect(client.file(on: platform) { _ in nil } == nil)
    }
}
