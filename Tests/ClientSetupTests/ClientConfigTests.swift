import JSON
import Testing

@testable import ClientSetup

@Suite struct ClientConfigTests {
    private func block(
        _ client: Client, program: String = "/opt/bin/opamp-mcp", _ change: (inout Settings) -> Void = { _ in }
    ) -> String {
        var settings = Settings()
        change(&settings)
        return ClientConfig(program: program, settings: settings) { "/abs/" + $0 }.block(for: client)
    }

    @Test func `Claude Desktop gets the path of the program and the address`() {
        #expect(
            block(.claudeDesktop) == """
                {
                  "mcpServers": {
                    "opamp": {
                      "command": "/opt/bin/opamp-mcp",
                      "args": [],
                      "env": {
                        "OPAMP_SERVER_URL": "http://127.0.0.1:8080"
                      }
                    }
                  }
                }

                """)
    }

    @Test func `Claude Code is told the transport too`() throws {
        let server = try JSON(parsing: block(.claudeCode))["mcpServers"]?["opamp"]
        #expect(server?["type"] == "stdio")
        #expect(server?["command"] == "/opt/bin/opamp-mcp")
    }

    @Test func `Codex gets a table, with what TOML wants escaped`() {
        #expect(
            block(.codex, program: "/o\u{7F}p \"t\"\\/opamp-mcp") { $0.provider = "https://fleet.example" } == """
                [mcp_servers.opamp]
                command = "/o\\u007Fp \\"t\\"\\\\/opamp-mcp"
                args = []
                env = { OPAMP_SERVER_URL = "https://fleet.example" }
                tool_timeout_sec = 120

                """)
    }

    @Test func `flags are repeated with absolute paths`() throws {
        let text = block(.claudeDesktop) {
            ($0.tokenFile, $0.caFile, $0.clientCertificate, $0.clientKey) = ("t", "ca", "c", "k")
            ($0.timeoutSeconds, $0.isReadOnly, $0.tools, $0.excludedTools) = (5, true, ["a", "b"], ["c"])
        }
        #expect(
            try JSON(parsing: text)["mcpServers"]?["opamp"]?["args"] == [
                "--token-file", "/abs/t", "--ca-file", "/abs/ca", "--client-cert", "/abs/c", "--client-key", "/abs/k",
                "--timeout", "5", "--read-only", "--tools", "a,b", "--exclude-tools", "c",
            ])
    }

    @Test(arguments: Client.allCases)
    func `a token is never in the block`(client: Client) {
        let withToken = block(client) { $0.token = "secret-1234" }
        #expect(withToken == block(client))
    }
}
