import JSON
import Testing

/// A client of a real `opamp-mcp`.
final class MCPClient {
    struct Answer: Equatable {
        let text: String
        let isError: Bool
    }

    let child: Child
    private var lastID = 0
    private var isIntroduced = false

    init(_ child: Child) {
        self.child = child
    }

    /// Sends a request and waits for its answer; any other line is a failure.
    func request(_ method: String, _ params: JSON = [:]) async throws -> JSON {
        let id = try await send(method, params)
        let answer = try JSON(parsing: try await child.line())
        #expect(answer["id"] == .integer(id), "\(answer.text)")
        return answer
    }

    /// Sends a request without waiting.
    ///
    /// - Returns: its id.
    @discardableResult
    func send(_ method: String, _ params: JSON = [:]) async throws -> Int {
        lastID += 1
        let message: JSON = ["jsonrpc": "2.0", "id": .integer(lastID), "method": .string(method), "params": params]
        await child.send(message.text + "\n")
        return lastID
    }

    func notify(_ method: String, _ params: JSON = [:]) async {
        let message: JSON = ["jsonrpc": "2.0", "method": .string(method), "params": params]
        await child.send(message.text + "\n")
    }

    /// The handshake, once.
    func introduce() async throws {
        guard !isIntroduced else { return }
        isIntroduced = true
        let client: JSON = ["name": "test", "version": "1"]
        let params: JSON = ["protocolVersion": "2025-11-25", "capabilities": [:], "clientInfo": client]
        let answer = try await request("initialize", params)
        #expect(answer["result"]?["protocolVersion"] == "2025-11-25")
        await notify("notifications/initialized")
    }

    /// Calls a tool and waits for its result.
    func call(_ tool: String, _ arguments: JSON = [:]) async throws -> Answer {
        try await introduce()
        return try Answer(try await request("tools/call", ["name": .string(tool), "arguments": arguments]))
    }
}

extension MCPClient.Answer {
    init(_ message: JSON) throws {
        let result = try #require(message["result"], "\(message.text)")
        let text = try #require(result["content"]?.array?.first?["text"]?.string, "\(message.text)")
        self.init(text: text, isError: result["isError"]?.bool ?? false)
    }
}
