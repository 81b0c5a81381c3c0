import HTTP
import JSON
import Testing

private let json = [(name: "Content-Type", value: "application/json")]

@Test(.timeLimit(.minutes(5)))
func `the provider says what it is`() async throws {
    try await TransportTestProvider.with { provider in
        #expect(try await provider.json("/healthz") == ["status": "ok"])
        let info = try await provider.json("/api/v1/info")
        #expect(info["version"] == "1.2.3")
        #expect(info["store"] == "memory")
        #expect(info["agents"] == 0)
    }
}

@Test(.timeLimit(.minutes(5)))
func `an empty fleet is answered in full`() async throws {
    try await TransportTestProvider.with { provider in
        let page = try await provider.json("/api/v1/agents?fields=host,status&limit=1000&filter=")
        #expect(page["agents"] == [])
        #expect(page["matched"] == 0)
        #expect(try await provider.json("/api/v1/fleet")["total"] == 0)
        #expect(try await provider.json("/api/v1/agents/find?q=web")["matches"] == [])
        #expect(try await provider.json("/api/v1/commands?state=queued&limit=1")["commands"] == [])
    }
}

@Test(
    .timeLimit(.minutes(5)),
    arguments: [
        ("/api/v1/agents?limit=0", 400, "limit"), ("/api/v1/agents?limit=1001", 400, "limit"),
        ("/api/v1/agents?limt=1", 400, "limt"), ("/api/v1/agents?fields=host,colour", 400, "fields"),
        ("/api/v1/agents/find", 400, "q"), ("/api/v1/agents/abcdef?include=health,all", 400, "include"),
        ("/api/v1/commands?state=done", 400, "state"), ("/api/v1/commands/00ff?wait_seconds=46", 400, "wait_seconds"),
        ("/api/v1/agents/%ff", 400, "path"), ("/api/v1/info?x=1", 400, "x"),
    ])
func `a wrong request is refused with what was wrong`(path: String, status: Int, field: String) async throws {
    try await TransportTestProvider.with { provider in
        let answer = try await provider.request(.get, path)
        #expect(answer.status == status)
        #expect(answer.contentType == "application/problem+json")
        let problem = try JSON(parsing: answer.body)
        #expect(problem["status"] == .integer(status))
        #expect(problem["field"] == .string(field))
    }
}

@Test(.timeLimit(.minutes(5)), arguments: ["/nothing", "/api/v1/agents/abcdef", "/api/v1/commands/00ff"])
func `what is not there is a 404 problem`(path: String) async throws {
    try await TransportTestProvider.with { provider in
        let answer = try await provider.request(.get, path)
        #expect(answer.status == 404)
        #expect(answer.contentType == "application/problem+json")
        #expect(try JSON(parsing: answer.body)["title"]?.string?.isEmpty == false)
    }
}

@Test(.timeLimit(.minutes(5)))
func `a wrong method is a 405 with the right ones`() async throws {
    try await TransportTestProvider.with { provider in
        let answer = try await provider.request(.put, "/api/v1/agents/abcdef", headers: json)
        #expect(answer.status == 405)
        #expect(answer.header("Allow") == "GET, DELETE, HEAD, OPTIONS")
    }
}

@Test(
    .timeLimit(.minutes(5)),
    arguments: [
        ("", "body"), ("[]", "body"), ("{", "body"), ("{}", "command"), (#"{"command":3}"#, "command"),
        (#"{"command":"restart","command":"restart"}"#, "body"), (#"{"command":"restart","x":1}"#, "x"),
        (#"{"command":"restart","expires_seconds":0}"#, "expires_seconds"),
        (#"{"command":"restart","parameters":[]}"#, "parameters"),
    ])
func `a body of another shape is refused with the place`(body: String, field: String) async throws {
    try await TransportTestProvider.with { provider in
        let answer = try await provider.request(
            .post, "/api/v1/agents/abcdef/commands", headers: json, body: Array(body.utf8))
        #expect(answer.status == 400)
        #expect(try JSON(parsing: answer.body)["field"] == .string(field))
    }
}

@Test(.timeLimit(.minutes(5)))
func `a body over the limit is refused`() async throws {
    try await TransportTestProvider.with { provider in
        let body = Array(repeating: UInt8(ascii: " "), count: (1 << 20) + 1)
        let answer = try await provider.request(
            .post, "/api/v1/agents/abcdef/commands", headers: json, body: body)
        #expect(answer.status == 413)
    }
}

@Test(.timeLimit(.minutes(5)))
func `a command for an unknown agent is a 404, never a phantom`() async throws {
    try await TransportTestProvider.with { provider in
        let answer = try await provider.request(
            .post, "/api/v1/agents/abcdef/commands", headers: json, body: Array(#"{"command":"restart"}"#.utf8))
        #expect(answer.status == 404)
        #expect(try await provider.json("/api/v1/agents")["agents"] == [])
    }
}

@Test(.timeLimit(.minutes(5)))
func `a page of another origin reaches nothing`() async throws {
    try await TransportTestProvider.with { provider in
        let foreign = try await provider.request(
            .get, "/api/v1/agents", headers: [(name: "Origin", value: "https://evil.example")])
        #expect(foreign.status == 403)
        let rebound = try await provider.request(
            .get, "/api/v1/agents", headers: [(name: "Host", value: "evil.example")])
        #expect(rebound.status == 421)
        let form = try await provider.request(
            .post, "/api/v1/agents/abcdef/commands", headers: [(name: "Content-Type", value: "text/plain")],
            body: Array(#"{"command":"restart"}"#.utf8))
        #expect(form.status == 415)
    }
}
