import JSON

/// A message that cannot be served at all: malformed, or a method, version or tool that does not exist.
///
/// What a tool has to say about its arguments or its work is a `ToolFailure`, never this.
/// Spec: JSON-RPC 2.0, section 5.1; MCP 2026-07-28, basic "Errors".
struct RPCError: Error {
    let code: Int
    let message: String
    var data: JSON?

    static func parse(_ message: String) -> RPCError { RPCError(code: -32700, message: message) }
    static func invalidRequest(_ message: String) -> RPCError { RPCError(code: -32600, message: message) }
    static func unknownMethod(_ name: String) -> RPCError {
        RPCError(code: -32601, message: "unknown method \(excerpt(name))")
    }
    static func invalidParams(_ message: String) -> RPCError { RPCError(code: -32602, message: message) }
    /// Spec: MCP 2026-07-28, basic "Missing required client capability".
    static func missingElicitation(_ message: String) -> RPCError {
        RPCError(code: -32021, message: message, data: ["requiredCapabilities": ["elicitation": [:]]])
    }
    static func `internal`(_ message: String) -> RPCError { RPCError(code: -32603, message: message) }
    static func unsupportedVersion(_ requested: String) -> RPCError {
        let supported = Revision.modern
        return RPCError(
            code: -32022, message: "protocol version \(excerpt(requested)) is not served per request; use \(supported)",
            data: ["requested": .string(requested), "supported": [.string(supported)]]
        )
    }

    var json: JSON {
        var error = JSON.Object([("code", .integer(code))])
        error["data"] = data
        error["message"] = .string(message)
        return .object(error)
    }
}
