import JSON

/// What a request says about itself in `params._meta`.
///
/// Spec: MCP 2026-07-28, basic "Request metadata".
struct RequestMeta: Sendable, Equatable {
    private static let prefix = "io.modelcontextprotocol/"
    static let serverInfo = prefix + "serverInfo"
    static let subscriptionID = prefix + "subscriptionId"

    /// Whether the request is one of the revision without a handshake.
    let isModern: Bool
    /// What the client can do and calls itself; only in a modern request.
    let capabilities: JSON?
    let client: ClientInfo?
    /// Wants to be told of progress under this token.
    let progressToken: RequestID?
    let trace: TraceContext?

    /// - Throws: when the request is modern, but names another version or leaves out what that revision demands.
    init(_ params: JSON) throws(RPCError) {
        let meta = params["_meta"]?.object
        progressToken = RequestID(meta?["progressToken"])
        trace = TraceContext(meta)
        isModern = try Self.isModern(meta)
        capabilities = isModern ? meta?[Self.prefix + "clientCapabilities"] : nil
        client = isModern ? ClientInfo(meta?[Self.prefix + "clientInfo"]) : nil
    }

    private static func isModern(_ meta: JSON.Object?) throws(RPCError) -> Bool {
        guard let meta else { return false }
        guard let version = meta[prefix + "protocolVersion"] else {
            guard meta[prefix + "clientCapabilities"] == nil else {
                throw .invalidParams("_meta has no \(prefix)protocolVersion")
            }
            return false
        }
        guard let version = version.string else {
            throw .invalidParams("_meta: \(prefix)protocolVersion must be a string")
        }
        guard version == Revision.modern else { throw .unsupportedVersion(version) }
        guard meta[prefix + "clientCapabilities"]?.object != nil else {
            throw .invalidParams("_meta: \(prefix)clientCapabilities must be an object")
        }
        return true
    }
}

/// What a client calls itself: a claim, for logs.
struct ClientInfo: Sendable, Equatable {
    private static let lengthLimit = 80

    let text: String

    /// - Returns: nil where there is no name.
    init?(_ json: JSON?) {
        guard let name = json?["name"]?.string, !name.isEmpty else { return nil }
        let version = json?["version"]?.string.map { " " + $0.prefix(Self.lengthLimit) } ?? ""
        text = name.prefix(Self.lengthLimit) + version
    }
}
