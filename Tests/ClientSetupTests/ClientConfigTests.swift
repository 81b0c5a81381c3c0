import JSON
import Testing

@testable import ClientSetup

@Suite struct ClientConfigTests {
    private func block(
        _ client: Client, program: String = "/opt/bin/opamp-mcp", _ flags: [String] = [], token: String? = nil
    ) throws -> String {
        let settings = try Settings(arguments: flags) { $0 == "OPAMP_SERVER_TOKEN" ? token : nil }
        return ClientConfig(program: program, settings: settings) { "/abs/" + $0 }.block(for: client)
    }

    @Test func `Claude Desktop gets the path of the program and the address`() throws {
        #expect(
            try block(.claudeDesktop) == """
                {
                  "mcpServers": {
                    "opamp": {
                      "command": "/opt/bin/opamp-mcp",
                      "args": [
                        "--provider",
                        "http://127.0.0.1:8080"
                      ]
                    }
                  }
                }

                """)
    }

    @Test(arguments: [(Client.claudeCode, "mcpServers"), (.vscode, "servers")])
    func `those who want to know are told the transport, too`(client: Client, container: String) throws {
        let server = try JSON(parsing: block(client))[container]?["opamp"]
        #expect(server?["type"] == "stdio")
        #expect(server?["command"] == "/opt/bin/opamp-mcp")
    }

    @Test func `Codex gets a table, with what TOML wants escaped`() throws {
        #expect(
            try block(.codex, program: "/o\u{7F}p \"t\"\\/opamp-mcp", ["--provider", "https://fleet.example"]) == """
                [mcp_servers.opamp]
                command = "/o\\u007Fp \\"t\\"\\\\/opamp-mcp"
                args = ["--provider", "https://fleet.example"]
                tool_timeout_sec = 120

                """)
    }

    @Test func `LibreChat gets YAML`() throws {
        #expect(
            try block(.librechat, ["--read-only"]) == """
                mcpServers:
                  opamp:
                    type: stdio
                    command: "/opt/bin/opamp-mcp"
                    args:
                      - "--provider"
                      - "http://127.0.0.1:8080"
                      - "--read-only"
                    timeout: 120000

                """)
    }

    @Test func `flags are repeated with absolute paths, in one order`() throws {
        let flags = [
            "--read-only", "--token-file", "t", "--ca-file=ca", "--client-cert", "c", "--client-key", "k",
            "--timeout", "5", "--tools", "a,b", "--exclude-tools", "c", "--name", "fleet", "print-config", "cursor",
        ]
        #expect(
            try JSON(parsing: block(.cursor, flags))["mcpServers"]?["fleet"]?["args"] == [
                "--provider", "http://127.0.0.1:8080", "--token-file", "/abs/t", "--ca-file", "/abs/ca",
                "--client-cert", "/abs/c", "--client-key", "/abs/k",
                "--timeout", "5", "--read-only", "--tools", "a,b", "--exclude-tools", "c",
            ])
    }

    @Test(arguments: Client.allCases)
    func `a token is never in the block`(client: Client) throws {
        #expect(try block(client, token: "secret-1234") == block(client))
    }

    @Test(arguments: Client.allCases)
    func `the templates are the blocks, with the usual place of the program`(client: Client) throws {
        let ending = client.format == .toml ? "toml" : client.format == .yaml ? "yaml" : "json"
        try check(
            try block(client, program: "/usr/local/bin/opamp-mcp"),
            against: "\(packageFolder)/mcp/templates/\(client.rawValue).\(ending)")
    }
}
