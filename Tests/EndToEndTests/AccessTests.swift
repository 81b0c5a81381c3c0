import Glibc
import HTTP
import JSON
import Testing

extension Stage {
    /// Makes a token of a role in the data directory of a provider.
    func token(_ role: String) async throws -> String {
        let child = try start(
            "opamp-provider",
            [
                "token", "create", "--data-dir", "\(folder)/data", "--name", "the-\(role)", "--role", role,
                "--expires", "1h",
            ])
        let issued = try JSON(parsing: try await child.line())
        return try #require(issued["token"]?.string)
    }
}

/// Tokens of people, as the real programs make and take them.
@Suite(.timeLimit(.minutes(5))) struct AccessTests {
    /// Runs `opamp-provider token` to its end.
    private func token(_ stage: Stage, _ arguments: String..., data: String = "data") async throws -> (
        lines: [String], code: Int32?, log: String
    ) {
        let verb = [arguments[0], "--data-dir", "\(stage.folder)/\(data)"]
        let child = try stage.start("opamp-provider", ["token"] + verb + arguments.dropFirst())
        let lines = await child.remainingLines()
        return (lines, await child.exitCode(), child.log)
    }

    private func status(_ provider: Provider, token: String?) async throws -> Int {
        let headers = token.map { [(name: "Authorization", value: "Bearer \($0)")] } ?? []
        return try await provider.send(.get, "agents", headers: headers).status
    }

    /// Asks again until the answer has that status. The time limit of the test ends it.
    private func wait(for expected: Int, _ provider: Provider, token: String?) async throws {
        while try await status(provider, token: token) != expected { try Task.checkCancellation() }
    }

    @Test func `a token made offline opens the API, and its end counts while the provider runs`() async throws {
        try await withStage { stage in
            let made = try await token(
                stage, "create", "--name", "ada", "--role", "admin", "--expires", "90d")
            #expect(made.code == 0 && made.lines.count == 1)
            let issued = try JSON(parsing: try #require(made.lines.first))
            let secret = try #require(issued["token"]?.string)
            #expect(issued["name"] == "ada" && issued["role"] == "admin" && issued["expires_at"] != nil)
            #expect(secret.hasPrefix("opamp_"))

            let provider = try await stage.provider()
            #expect(try await status(provider, token: nil) == 401)
            #expect(try await status(provider, token: secret) == 200)
            let id = try #require(issued["id"]?.string)
            let other = try await token(stage, "create", "--name", "bob", "--role", "viewer", "--expires", "never")
            #expect(other.code == 0, "\(other.log)")
            let second = try JSON(parsing: other.lines.first ?? "")["token"]?.string
            try await wait(for: 200, provider, token: second)
            let list = try await token(stage, "list")
            #expect(list.lines.count == 2 && !list.lines.joined().contains(secret))
            let revoked = try await token(stage, "revoke", id)
            #expect(revoked.code == 0 && revoked.log == "")
            try await wait(for: 401, provider, token: secret)
            #expect(try await status(provider, token: second) == 200)
            provider.child.signal(SIGTERM)
            #expect(await provider.child.exitCode() == 0)
            #expect(!provider.child.log.contains("opamp_"), "\(provider.child.log)")
        }
    }

    @Test func `a provider that runs open is closed by the first token`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            #expect(try await status(provider, token: nil) == 200)
            let made = try await token(stage, "create", "--name", "ada", "--role", "admin", "--expires", "1h")
            #expect(made.code == 0, "\(made.log)")
            try await wait(for: 401, provider, token: nil)
            let issued = try JSON(parsing: try #require(made.lines.first))
            #expect(try await status(provider, token: issued["token"]?.string) == 200)
            let end = try await token(stage, "revoke", try #require(issued["id"]?.string))
            #expect(end.log.contains("no token is left"))
            try await wait(for: 200, provider, token: nil)
        }
    }

    @Test func `what cannot be is named, and ends with 64 or 1`() async throws {
        try await withStage { stage in
            for (arguments, code, named) in [
                (["--name", "a b", "--role", "viewer", "--expires", "1h"], 64, "name"),
                (["--name", "a", "--role", "root", "--expires", "1h"], 64, "operator"),
                (["--name", "a", "--role", "viewer", "--expires", "0h"], 64, "expires"),
                (["--name", "a", "--role", "viewer"], 64, "--expires"),
            ] as [([String], Int32, String)] {
                let child = try stage.start(
                    "opamp-provider", ["token", "create", "--data-dir", "\(stage.folder)/data"] + arguments)
                #expect(await child.exitCode() == code)
                #expect(child.log.contains(named), "\(child.log)")
            }
            let none = try await token(stage, "list", data: "missing")
            #expect(none.code == 1 && none.log.contains("no database"))
        }
    }

    @Test(arguments: [
        (["--jwt-issuer", "https://id.example"], "go together"),
        (["--jwt-jwks", "http://id.example/keys", "--jwt-issuer", "a", "--jwt-audience", "b"], "https://"),
        (["--jwt-jwks", "/nowhere/keys", "--jwt-issuer", "a", "--jwt-audience", "b"], "/nowhere/keys"),
        (["--jwt-jwks", "/etc/passwd", "--jwt-issuer", "a", "--jwt-audience", "b"], "not JSON"),
    ])
    func `a wrong flag for JSON web tokens ends with 64`(flags: [String], named: String) async throws {
        try await withStage { stage in
            let child = try stage.start("opamp-provider", ["--in-memory", "--listen", "127.0.0.1:0"] + flags)
            #expect(await child.exitCode() == 64)
            #expect(child.log.contains(named), "\(child.log)")
        }
    }

    @Test func `the MCP server shows its token, and says what is wrong without`() async throws {
        try await withStage { stage in
            let made = try await token(stage, "create", "--name", "mcp", "--role", "viewer", "--expires", "1h")
            let issued = try JSON(parsing: try #require(made.lines.first))
            let secret = try #require(issued["token"]?.string)
            let provider = try await stage.provider()
            for (token, code) in [(secret, 0), ("", 1), ("opamp_wrong", 1)] as [(String, Int32)] {
                let environment = ["OPAMP_SERVER_URL": provider.url, "OPAMP_SERVER_TOKEN": token]
                let child = try stage.start("opamp-mcp", ["call", "fleet_summary"], environment: environment)
                let text = await child.remainingLines().joined(separator: "\n")
                #expect(await child.exitCode() == code)
                if code == 1 { #expect((text + child.log).contains("token")) }
                #expect(!(text + child.log).contains("opamp_w"))
            }
        }
    }
}
