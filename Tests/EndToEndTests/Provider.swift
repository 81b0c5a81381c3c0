import HTTP
import JSON
import Testing

/// A provider that runs, and its REST API.
struct Provider {
    let child: Child
    let url: String
    private let client = HTTPClient()

    init(child: Child, url: String) {
        (self.child, self.url) = (child, url)
    }

    var agentURL: String { "ws" + url.dropFirst(4) + "/v1/opamp" }
    var port: Int { url.split(separator: ":").last.flatMap { Int($0) } ?? 0 }

    /// Asks for a path below `/api/v1`.
    func get(_ path: String) async throws -> JSON {
        let response = try await client.send(HTTPRequest(.get, "\(url)/api/v1/\(path)", timeout: .seconds(50)))
        try #require(response.status == 200, "\(path): \(String(decoding: response.body, as: UTF8.self))")
        return try JSON(parsing: response.body)
    }

    /// Sends a request for a path below `/api/v1`.
    ///
    /// - Returns: the answer, whatever its status.
    func send(
        _ method: HTTPRequest.Method, _ path: String, _ body: JSON? = nil,
        headers: [(name: String, value: String)] = []
    ) async throws -> HTTPResponse {
        try await client.send(HTTPRequest(method, "\(url)/api/v1/\(path)", headers: headers, body: body?.bytes()))
    }

    /// Asks for a command to an agent.
    ///
    /// - Returns: the command, which the provider has accepted.
    func command(_ command: JSON, to agent: String) async throws -> JSON {
        let path = "\(url)/api/v1/agents/\(agent)/commands"
        let response = try await client.send(HTTPRequest(.post, path, body: try command.bytes()))
        try #require(response.status == 202, "\(String(decoding: response.body, as: UTF8.self))")
        return try JSON(parsing: response.body)
    }

    /// A command once it has ended, or after that long.
    func outcome(of command: JSON, waitSeconds: Int = 30) async throws -> JSON {
        let id = try #require(command["id"]?.string)
        return try await get("commands/\(id)?wait_seconds=\(waitSeconds)")
    }

    /// The agents that a filter matches, in the order of their hosts.
    func agents(_ filter: String = "", sort: String = "host") async throws -> [JSON] {
        let filter = filter.replacing(":", with: "%3A").replacing(" ", with: "%20").replacing("|", with: "%7C")
        let page = try await get("agents?limit=1000&sort=\(sort)&filter=\(filter)")
        return try #require(page["agents"]?.array)
    }

    /// Asks again until an answer is as expected. The time limit of the test ends it.
    func wait(for path: String, until isExpected: (JSON) -> Bool) async throws -> JSON {
        while true {
            let answer = try await get(path)
            if isExpected(answer) { return answer }
            try Task.checkCancellation()
        }
    }
}
