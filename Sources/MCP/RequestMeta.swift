import JSON

/// What a request says about itself in `params._meta`.
///
/// Spec: MCP 2026-07-28, basic "Request metadata".
enum RequestMeta {
    private static let prefix = "io.modelcontextprotocol/"
    static let serverInfo = prefix + "serverInfo"

    /// Whether the request is one of the revision without a handshake.
    ///
    /// - Throws: when it is, but names another version or leaves out what that revision demands.
    static func isModern(_ params: JSON) throws(RPCError) -> Bool {
        guard let meta = params["_meta"]?.object else { return false }
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
