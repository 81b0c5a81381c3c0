import JSON

extension Session {
    /// The methods of the revisions with a handshake.
    mutating func handshakeResult(_ method: String, _ params: JSON) throws(RPCError) -> JSON.Object {
        switch method {
        case "ping": return JSON.Object()
        case "initialize":
            let agreed = params["protocolVersion"]?.string.flatMap(Revision.init) ?? .newest
            revision = agreed
            handshake = (ClientInfo(params["clientInfo"]), params["capabilities"])
            var result = JSON.Object([("capabilities", capabilities)])
            result["instructions"] = instructions.map { .string($0) }
            result["protocolVersion"] = .string(agreed.rawValue)
            result["serverInfo"] = info.json
            return result
        case _ where revision == nil:
            throw .invalidParams("\(excerpt(method)) came before initialize; send initialize first")
        case "tools/list": return try toolList(params)
        default: throw .unknownMethod(method)
        }
    }

    /// The methods of the revision without one.
    func modernResult(_ method: String, _ params: JSON) throws(RPCError) -> JSON.Object {
        var result: JSON.Object
        switch method {
        case "server/discover":
            result = JSON.Object([("capabilities", capabilities)])
            result["instructions"] = instructions.map { .string($0) }
            result["supportedVersions"] = [.string(Revision.modern)]
        case "tools/list": result = try toolList(params)
        default: throw .unknownMethod(method)
        }
        result["cacheScope"] = "public"
        result["ttlMs"] = 3_600_000
        return result
    }

    func reply(to id: RequestID, _ result: JSON.Object, isModern: Bool) -> JSON {
        reply(to: id, result, type: isModern ? "complete" : nil)
    }

    /// - Parameter type: what the modern revision calls the result; nil for the others.
    func reply(to id: RequestID, _ result: JSON.Object, type: String?) -> JSON {
        var result = result
        if let type {
            result["resultType"] = .string(type)
            var meta = result["_meta"]?.object ?? JSON.Object()
            meta[RequestMeta.serverInfo] = info.json
            result["_meta"] = .object(meta)
        }
        return .object(JSON.Object([("id", id.json), ("jsonrpc", "2.0"), ("result", .object(result))]))
    }

    func notification(_ method: String, _ params: JSON.Object) -> JSON {
        .object(JSON.Object([("jsonrpc", "2.0"), ("method", .string(method)), ("params", .object(params))]))
    }

    /// - Parameter id: nil when it could not be read: left out then, but null where the revision demands a member.
    func reply(to id: RequestID?, _ error: RPCError) -> JSON {
        var object = JSON.Object([("error", error.json)])
        if let id {
            object["id"] = id.json
        } else if let revision, revision < .november2025 {
            object["id"] = .null
        }
        object["jsonrpc"] = "2.0"
        return .object(object)
    }

    private var capabilities: JSON { ["tools": [:]] }

    /// All tools on one page, so that no cursor is ever valid.
    private func toolList(_ params: JSON) throws(RPCError) -> JSON.Object {
        if let cursor = params["cursor"], cursor != .null { throw .invalidParams("unknown cursor") }
        return JSON.Object([("tools", .array(listings))])
    }
}
