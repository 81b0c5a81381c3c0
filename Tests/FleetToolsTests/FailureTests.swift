import FleetAPI
import FleetClient
import Glibc
import JSON
import MCP
import TestSupport
import Testing

@testable import FleetTools

/// What a model reads when the provider does not do what it was asked.
@Suite(.timeLimit(.minutes(5))) struct FailureTests {
    private let hint = "set OPAMP_SERVER_URL or --provider to its address"

    private func summary(_ reply: ScriptedServer.Reply, timeout: Duration = .seconds(10)) async -> (
        ToolResult, SampleProvider
    ) {
        let provider = SampleProvider(replies: ["GET /api/v1/fleet": reply])
        return (await provider.call("fleet_summary", timeout: timeout), provider)
    }

    private func html(_ status: Int, _ body: String = "<html>hello</html>") -> ScriptedServer.Reply {
        .answer(status, headers: ["Content-Type": "text/html; charset=utf-8"], body)
    }

    @Test func `a provider that is down is named with the way out`() async {
        let (listener, port) = listenOnLoopback()
        close(listener)
        let server = fleetServer(
            fleetTools, FleetSession(FleetClient(ProviderAddress(url: "http://127.0.0.1:\(port)"))))
        let why = "cannot connect to 127.0.0.1:\(port): is opamp-provider running? \(hint)"
        #expect(await server.callTool("fleet_summary") == ToolResult(why, isError: true))
        #expect(
            await server.callTool("restart_agent", arguments: ["agent": "a1b2c3"])
                == ToolResult("refused: \(why)", isError: true))
    }

    @Test func `a slow provider is told with its limit, and a restart may have been queued`() async {
        let provider = SampleProvider(replies: [
            "GET /api/v1/fleet": .stall, "POST /api/v1/agents/a1b2c3/commands": .stall,
        ])
        let slow =
            "no answer from 127.0.0.1:\(provider.server.port) within 0.2 seconds; try again, or allow more with --timeout"
        #expect(await provider.call("fleet_summary", timeout: .milliseconds(200)) == ToolResult(slow, isError: true))
        #expect(
            await provider.call("restart_agent", ["agent": "a1b2c3"], timeout: .milliseconds(200))
                == ToolResult(
                    "unconfirmed: \(slow); the command may have been queued; see command_status before repeating",
                    isError: true))
    }

    @Test(arguments: [200, 404, 502])
    func `an answer in HTML is no provider's`(status: Int) async {
        let (result, provider) = await summary(html(status))
        #expect(
            result
                == ToolResult(
                    "\(provider.server.url) answered \(status) with text/html, which does not look like an opamp-provider; \(hint)",
                    isError: true))
    }

    @Test(arguments: [
        ("{\"total\":50,", "not valid JSON at byte"), ("", "with nothing"), ("[]", "the value is an array"),
        ("{\"items\":[]}", "total is missing"),
        ("{\"total\":\"many\",\"matched\":1,\"status\":{},\"health\":{}}", "total is a string, not a whole number"),
    ])
    func `JSON of another shape is no provider's, and what is wrong is said`(body: String, reason: String) async {
        let (result, provider) = await summary(.answer(200, headers: ["Content-Type": "application/json"], body))
        #expect(result.isError)
        #expect(holds(result.text, reason), "\(result.text)")
        #expect(result.text.hasPrefix("\(provider.server.url) answered 200 with "))
        #expect(result.text.hasSuffix("which does not look like an opamp-provider; \(hint)"))
    }

    @Test func `half a body is tried once more, and then told`() async {
        let (result, provider) = await summary(.cut(Array("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"tot".utf8)))
        #expect(
            result
                == ToolResult(
                    "127.0.0.1:\(provider.server.port) closed the connection before its answer was complete; "
                        + "try again, and check that it is an opamp-provider", isError: true))
        #expect(provider.paths.count == 2)
    }

    @Test(arguments: [nil, "s3cret"])
    func `a wrong or missing token is told without the token`(token: String?) async throws {
        let reply = ScriptedServer.Reply.json(Problem(401, "Unauthorized", detail: ""), status: 401)
        let provider = SampleProvider(replies: ["GET /api/v1/fleet": reply])
        let result = await fleetServer(fleetTools, FleetSession(provider.client(token: token))).callTool(
            "fleet_summary")
        #expect(
            result
                == ToolResult(
                    "\(provider.server.url) \(token == nil ? "wants a token" : "refuses the token") (401); "
                        + "set OPAMP_SERVER_TOKEN or --token-file to one of its tokens", isError: true))
    }

    @Test func `what a token may not do is told with the reason`() async {
        let (result, provider) = await summary(.json(Problem(403, "Forbidden", detail: "role viewer"), status: 403))
        #expect(
            result
                == ToolResult(
                    "\(provider.server.url) does not allow this (403): role viewer; "
                        + "set OPAMP_SERVER_TOKEN or --token-file to a token that may", isError: true))
    }

    @Test func `a refused parameter is told with what is allowed`() async {
        var problem = Problem(400, "Bad request", detail: "the filter has no key colour")
        problem.allowed = ["type", "host"]
        let (result, _) = await summary(.json(problem, status: 400))
        #expect(result == ToolResult("the filter has no key colour; allowed: type, host", isError: true))
    }

    @Test func `an action that is refused says so first, and names what stands in the way`() async {
        var unable = Problem(409, "Conflict", detail: "web-0 does not accept restarts")
        unable.missingCapability = "AcceptsRestartCommand"
        var ambiguous = Problem(409, "Conflict", detail: "2 agents are called web")
        ambiguous.candidates = SampleFleet.agents(7)
        var unknown = Problem(404, "Not found", detail: "no agent matches \"web\"")
        unknown.candidates = SampleFleet.agents(1)
        let expected = [
            (unable, "refused: web-0 does not accept restarts"),
            (
                ambiguous,
                "refused: 2 agents are called web; use one id of: web-0 (a1b2c3), db-1 (3fea3c), "
                    + "edge-2 (de21b5), web-3 (7c592e) … 3 more"
            ),
            (unknown, "refused: no agent matches \"web\"; nearest: web-0 (a1b2c3)"),
        ]
        for (problem, text) in expected {
            let path = "POST /api/v1/agents/web/commands"
            let provider = SampleProvider(replies: [path: .json(problem, status: problem.status)])
            #expect(await provider.call("restart_agent", ["agent": "web"]) == ToolResult(text, isError: true))
            #expect(provider.paths == [path])
        }
    }

    @Test func `text of agents in a refusal is cleaned`() async {
        var problem = Problem(404, "Not found", detail: "no \u{1B}[2Jagent\n\u{202E}here")
        problem.candidates = [SampleFleet.agent(0)]
        problem.candidates?[0].host = "evil\nrefused: \u{E0041}x"
        let (result, _) = await summary(.json(problem, status: 404))
        #expect(result.text == "no agent here; nearest: evil refused: x (a1b2c3)")
    }

    @Test(arguments: [".", "..", "find"])
    func `a reference that would be another path is not sent`(agent: String) async {
        let provider = SampleProvider()
        let result = await provider.call("get_agent", ["agent": .string(agent)])
        #expect(result == ToolResult("nothing is called \"\(agent)\"; give its id instead", isError: true))
        #expect(provider.paths.isEmpty)
    }

    private func holds(_ text: String, _ part: String) -> Bool {
        let (bytes, part) = (Array(text.utf8), Array(part.utf8))
        return bytes.indices.contains { bytes[$0...].starts(with: part) }
    }
}
