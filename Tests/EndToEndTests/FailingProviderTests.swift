import Glibc
import JSON
import TestSupport
import Testing

/// What the tools say when there is no provider, or something else in its place; the server itself goes on.
@Suite(.timeLimit(.minutes(5))) struct FailingProviderTests {
    private let wayOut = "set OPAMP_SERVER_URL or --provider to its address"

    /// What a reading tool and a changing one answer; in between, the server answers for itself.
    private func answers(
        from url: String, _ flags: [String] = [], environment: [String: String] = [:]
    ) async throws -> (reading: String, changing: String) {
        var texts = ("", "")
        try await withStage { stage in
            let child = try stage.start("opamp-mcp", ["--provider", url] + flags, environment: environment)
            let server = MCPClient(child)
            let reading = try await server.call("fleet_summary")
            #expect(try await server.request("ping")["result"] == [:])
            let changing = try await server.call("restart_agent", ["agent": "web-17"])
            let tools = try await server.request("tools/list")["result"]?["tools"]?.array
            #expect(tools?.contains { $0["name"] == "restart_agent" } == true)
            #expect(reading.isError)
            #expect(changing.isError)
            texts = (reading.text, changing.text)
            child.endInput()
            #expect(await child.exitCode() == 0)
            #expect(await child.remainingLines() == [])
        }
        return texts
    }

    @Test func `nobody listens`() async throws {
        let (listener, port) = listenOnLoopback()
        close(listener)
        let why = "cannot connect to 127.0.0.1:\(port): is opamp-provider running? \(wayOut)"
        #expect(try await answers(from: "http://127.0.0.1:\(port)") == (why, "refused: \(why)"))
    }

    @Test func `a web server answers`() async throws {
        let server = ScriptedServer { _ in .answer(200, headers: ["Content-Type": "text/html"], "<html>hello</html>") }
        let why = "\(server.url) answered 200 with text/html, which does not look like an opamp-provider; \(wayOut)"
        let answers = try await answers(from: server.url)
        #expect(answers.reading == why)
        #expect(answers.changing.contains(why))
    }

    @Test func `what answers does not speak HTTP`() async throws {
        let server = ScriptedServer { _ in .cut(Array("SSH-2.0-OpenSSH_9.2\r\n".utf8)) }
        let answers = try await answers(from: server.url)
        #expect(answers.reading.contains("127.0.0.1:\(server.port)"))
        #expect(answers.changing.contains("127.0.0.1:\(server.port)"))
    }

    @Test func `a provider hangs`() async throws {
        let server = ScriptedServer { _ in .stall }
        let why = "no answer from 127.0.0.1:\(server.port) within 1.0 seconds; try again, or allow more with --timeout"
        let answers = try await answers(from: server.url, ["--timeout", "1"])
        #expect(answers.reading == why)
        #expect(
            answers.changing
                == "unconfirmed: \(why); the command may have been queued; see command_status before repeating")
    }

    @Test func `an answer ends in its middle`() async throws {
        let half = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"tot"
        let server = ScriptedServer { _ in .cut(Array(half.utf8)) }
        let why = "127.0.0.1:\(server.port) closed the connection before its answer was complete"
        let answers = try await answers(from: server.url)
        #expect(answers.reading.hasPrefix(why))
        #expect(answers.changing.hasPrefix("unconfirmed: \(why)"))
    }

    @Test(arguments: [nil, "s3cret"])
    func `a token is missing or wrong`(token: String?) async throws {
        let problem = #"{"status":401,"title":"Unauthorized","type":"about:blank"}"#
        let server = ScriptedServer { _ in
            .answer(401, headers: ["Content-Type": "application/problem+json"], problem)
        }
        let what = token == nil ? "wants a token" : "refuses the token"
        let why = "\(server.url) \(what) (401); set OPAMP_SERVER_TOKEN or --token-file to one of its tokens"
        let environment = token.map { ["OPAMP_SERVER_TOKEN": $0] } ?? [:]
        #expect(try await answers(from: server.url, environment: environment) == (why, "refused: \(why)"))
        #expect(server.requests.allSatisfy { $0.headers["authorization"] == token.map { "Bearer \($0)" } })
    }

    @Test func `a provider that comes later, or comes back, is used from then on`() async throws {
        try await withStage { stage in
            let (listener, port) = listenOnLoopback()
            close(listener)
            let server = try stage.server("http://127.0.0.1:\(port)")
            #expect(try await server.call("fleet_summary").isError)
            for _ in 0..<2 {
                let provider = try await stage.provider(port: port)
                let answer = try await server.call("fleet_summary")
                #expect(answer.text.hasPrefix("the fleet is empty: no agent has reported to this provider yet"))
                #expect(!answer.isError)
                await provider.child.end()
                #expect(try await server.call("fleet_summary").isError)
            }
        }
    }
}
