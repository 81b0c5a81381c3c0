import FleetAPI
import HTTPTypes
import JSON
import Testing

@testable import Provider

private func find(_ method: HTTPRequest.Method, _ path: String) throws -> [String]? {
    try API.routes.find(method, try API.parts(of: path[...]))?.arguments
}

@Test(arguments: [
    ("/healthz", []), ("/api/v1/info", []), ("/api/v1/fleet", []), ("/api/v1/agents", []), ("/api/v1/agents/find", []),
    ("/api/v1/agents/A1b2c3", ["A1b2c3"]), ("/api/v1/agents/web%2F1%20a", ["web/1 a"]), ("/api/v1/commands", []),
    ("/api/v1/commands/00ff", ["00ff"]), ("/api/v1/command-types", []),
])
func `a path is found with its arguments`(path: String, arguments: [String]) throws {
    #expect(try find(.get, path) == arguments)
}

@Test(arguments: [
    "", "/", "/api", "/api/v1", "/api/v1/", "/api/v1/agents/", "/API/v1/info", "/api/v1/info/", "//api/v1/info",
    "/api/v1/agents/a/b", "/api/v1/agents/a/commands/b", "http://127.0.0.1/healthz", "*",
])
func `another path is not found`(path: String) throws {
    #expect(try find(.get, path) == nil)
}

@Test(arguments: [
    (HTTPRequest.Method.post, "/api/v1/agents", ["GET", "HEAD", "OPTIONS"]),
    (.get, "/api/v1/agents/a/commands", ["POST", "OPTIONS"]),
    (.head, "/api/v1/agents/a/commands", ["POST", "OPTIONS"]),
    (.put, "/api/v1/agents/a", ["GET", "DELETE", "HEAD", "OPTIONS"]),
    (.delete, "/api/v1/agents/find", ["GET", "HEAD", "OPTIONS"]), (.options, "/healthz", ["GET", "HEAD", "OPTIONS"]),
])
func `a wrong method is told the right ones`(method: HTTPRequest.Method, path: String, allowed: [String]) throws {
    let error = try #require(throws: RouteTable.NotAllowed.self) { try find(method, path) }
    #expect(error.methods == allowed)
}

@Test func `what can be got can be asked for its head`() throws {
    #expect(try find(.head, "/api/v1/agents/A1b2c3") == ["A1b2c3"])
}

@Test func `a path that is not percent-encoded is refused`() throws {
    let problem = try #require(throws: Problem.self) { try API.parts(of: "/api/v1/agents/%ff") }
    #expect(problem.status == 400)
    #expect(problem.value == "%ff")
}

@Test func `no two routes answer the same request`() {
    let keys = API.routes.routes.map { "\($0.method) \($0.parts.map { $0 ?? "{}" })" }
    #expect(Set(keys).count == keys.count)
}

@Test func `whatever changes something is refused to a viewer`() {
    // A session is the viewer's own.
    for route in API.routes.routes where route.method != .get && route.parts.last != "session" {
        #expect(route.role > .viewer, "\(route.method) \(route.parts)")
    }
}

@Test func `a page is written with the fields asked for`() {
    var page = AgentPage()
    var agent = Agent()
    (agent.instanceUID, agent.host) = ("00", "web-1")
    (page.agents, page.total, page.matched) = ([agent], 9, 4)
    let json = Route.written(page, only: ["host"])
    #expect(json["agents"] == [["host": "web-1"]])
    #expect(json["total"] == 9)
    #expect(json["matched"] == 4)
    #expect(Route.written(page, only: nil) == page.json)
}

@Test(arguments: ["", " ", ",", "3", "\"3", "\"3\"4\"", "W/3", "\"3\" \"4\""])
func `what is no list of entity tags is refused`(text: String) {
    #expect(throws: Problem.self) { try IfMatch([.ifMatch: text]) }
}

@Test func `an idempotency key is one line of printable ASCII`() throws {
    #expect(try Route.idempotencyKey([:]) == nil)
    #expect(try Route.idempotencyKey([.idempotencyKey: "a 1"]) == "a 1")
    let long = String(repeating: "k", count: 256)
    for wrong in [[""], [long], ["é"], ["a", "b"]] {
        let fields = HTTPFields(wrong.map { HTTPField(name: .idempotencyKey, value: $0) })
        #expect(throws: Problem.self) { try Route.idempotencyKey(fields) }
    }
}
