import JSON

/// Messages as clients send them.
func request(_ id: JSON, _ method: String, _ params: JSON? = nil) -> JSON {
    var message = JSON.Object([("jsonrpc", "2.0"), ("id", id), ("method", .string(method))])
    message["params"] = params
    return .object(message)
}

func notification(_ method: String, _ params: JSON? = nil) -> JSON {
    var message = JSON.Object([("jsonrpc", "2.0"), ("method", .string(method))])
    message["params"] = params
    return .object(message)
}

/// A request of the revision without a handshake.
func modern(
    _ id: JSON, _ method: String, _ params: JSON.Object = .init(), version: JSON = "2026-07-28",
    capabilities: JSON = [:], meta: [(key: String, value: JSON)] = []
) -> JSON {
    var params = params
    params["_meta"] = .object(
        JSON.Object(
            [
                ("io.modelcontextprotocol/protocolVersion", version),
                ("io.modelcontextprotocol/clientCapabilities", capabilities),
            ] + meta))
    return request(id, method, .object(params))
}

func initialize(_ version: String = "2025-11-25", id: JSON = 0, capabilities: JSON = [:]) -> JSON {
    let client: JSON = ["name": "t", "version": "1"]
    return request(
        id, "initialize", ["protocolVersion": .string(version), "capabilities": capabilities, "clientInfo": client])
}

func call(_ id: JSON, _ tool: String, _ arguments: JSON = [:]) -> JSON {
    request(id, "tools/call", ["name": .string(tool), "arguments": arguments])
}

/// The text of a tool's result, marked where it tells of a failure.
func text(_ answer: JSON) -> String? {
    guard let text = answer["result"]?["content"]?.array?.first?["text"]?.string else { return nil }
    return answer["result"]?["isError"] == true ? "error: \(text)" : text
}
