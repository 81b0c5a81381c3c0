import HTTP
import JSON
import Testing

/// The document of the REST API against the provider itself, by programs that other people wrote, from PyPI.
@Suite(.timeLimit(.minutes(4))) struct OpenAPITests {
    @Test func `the document is valid, and the provider keeps to it whatever it is asked`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 6, at: provider)
            let script = "\(testFolder)/Clients/check_openapi.py"
            var tokens: [String] = []
            for role in ["viewer", "operator", "admin"] { tokens.append("\(role)=\(try await stage.token(role))") }
            // The provider has taken over the last one.
            let admin = [(name: "Authorization", value: "Bearer \(tokens[2].dropFirst("admin=".count))")]
            while try await provider.send(.get, "info", headers: admin).status != 200 { try Task.checkCancellation() }
            let check = try stage.start(python, [script, provider.url, stage.folder] + tokens)
            let lines = await check.remainingLines()
            #expect(await check.exitCode() == 0, "\(lines.joined(separator: "\n"))\n\(check.log)")
            // It has withstood that.
            let info = try await provider.send(.get, "info", headers: admin)
            #expect(try JSON(parsing: info.body)["product"] == "opamp-provider")
        }
    }
}
