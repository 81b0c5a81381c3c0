package import JSON

/// One client's conversation: decides what each line means and what is answered; does nothing itself.
///
/// Both eras of MCP are served side by side and judged per request: one that names its protocol version in `_meta` is
/// modern, any other belongs to the handshake. Nothing a client sends first locks out the other.
/// Spec: MCP 2024-11-05 to 2025-11-25, basic "Lifecycle"; MCP 2026-07-28, basic and server/discover; JSON-RPC 2.0.
package struct Session: Sendable {
    /// What to do about a line.
    package enum Step: Sendable, Equatable {
        case nothing
        case answer(JSON)
        case start(Call)
        /// End that call; it is answered no more.
        case cancel(Call)
    }

    /// A tool call that was accepted.
    package struct Call: Sendable, Equatable {
        package let tool: String
        package let arguments: JSON.Object
        let id: RequestID
        let isModern: Bool
        /// Differs for every call of the session: an id may be used again once it was answered.
        let serial: Int
    }

    /// The most bytes in the text of a result.
    package static let resultLimit = 4 << 20

    let info: ServerInfo
    let instructions: String?
    let listings: [JSON]
    let toolNames: [String]
    /// What the handshake agreed on; nil before it.
    var revision: Revision?
    private var inFlight: [RequestID: Call] = [:]
    private var lastSerial = 0

    /// - Parameter tools: names and `tools/list` entries, in the order they are listed.
    package init(info: ServerInfo, instructions: String?, tools: [(name: String, listing: JSON)]) {
        self.info = info
        self.instructions = instructions
        listings = tools.map(\.listing)
        toolNames = tools.map(\.name)
    }

    /// - Parameter line: one line without its newline; a carriage return at its end and a byte order mark are ignored.
    package mutating func receive(_ line: [UInt8]) -> Step {
        var line = line[...]
        if line.starts(with: [0xef, 0xbb, 0xbf]) { line = line.dropFirst(3) }
        guard line.contains(where: { ![0x20, 0x09, 0x0d].contains($0) }) else { return .nothing }
        let bytes = Array(line)
        do {
            return receive(try JSON(parsing: bytes))
        } catch {
            return .answer(reply(to: RequestID(JSON.topLevelMember("id", in: bytes)), .parse("\(error)")))
        }
    }

    /// Answers a line that was too long to be read, of which only both ends were kept.
    package func refuseLine(beginning: [UInt8], end: [UInt8], limit: Int) -> Step {
        let error = RPCError.invalidRequest("a message may have at most \(limit) bytes; this one was skipped")
        return .answer(reply(to: RequestID(beginning: beginning, end: end), error))
    }

    /// Ends a call. A text over `resultLimit` is replaced by a failure that says so.
    ///
    /// - Returns: what to answer; nil when the client cancelled it.
    package mutating func finish(_ call: Call, with result: ToolResult) -> JSON? {
        guard inFlight[call.id]?.serial == call.serial else { return nil }
        inFlight[call.id] = nil
        let size = result.text.utf8.count
        let result =
            size <= Self.resultLimit
            ? result
            : ToolResult(
                "the answer has \(size) bytes, at most \(Self.resultLimit) are sent; ask for less", isError: true)
        var members = JSON.Object([("content", [["text": .string(result.text), "type": "text"]])])
        if result.isError { members["isError"] = true }
        return reply(to: call.id, members, isModern: call.isModern)
    }

    private mutating func receive(_ message: JSON) -> Step {
        guard let object = message.object else {
            return .answer(reply(to: nil, .invalidRequest("a message is one object, got \(message.kind)")))
        }
        guard let method = object["method"] else {
            // We ask clients nothing, so an answer of theirs can only be stray.
            if object["result"] != nil || object["error"] != nil { return .nothing }
            return .answer(reply(to: RequestID(object["id"]), .invalidRequest("method is missing")))
        }
        guard let idMember = object["id"] else {
            return method == "notifications/cancelled" ? cancel(object["params"]) : .nothing
        }
        guard let id = RequestID(idMember) else {
            return .answer(reply(to: nil, .invalidRequest("id must be a string or an integer, got \(idMember.kind)")))
        }
        do {
            return try request(id, method, object)
        } catch {
            return .answer(reply(to: id, error))
        }
    }

    private mutating func cancel(_ params: JSON?) -> Step {
        guard let id = RequestID(params?["requestId"]), let call = inFlight.removeValue(forKey: id) else {
            return .nothing
        }
        return .cancel(call)
    }

    private mutating func request(_ id: RequestID, _ method: JSON, _ object: JSON.Object) throws(RPCError) -> Step {
        guard object["jsonrpc"] == "2.0" else { throw .invalidRequest("jsonrpc must be \"2.0\"") }
        guard let method = method.string else { throw .invalidRequest("method must be a string") }
        guard inFlight[id] == nil else { throw .invalidRequest("this id is still in use") }
        let params = object["params"] ?? .null
        guard params == .null || params.object != nil else {
            throw .invalidParams("params must be an object, got \(params.kind)")
        }
        let isModern = try RequestMeta.isModern(params)
        if method == "tools/call", isModern || revision != nil {
            return .start(try start(id, params, isModern: isModern))
        }
        let result = try isModern ? modernResult(method, params) : handshakeResult(method, params)
        return .answer(reply(to: id, result, isModern: isModern))
    }

    private mutating func start(_ id: RequestID, _ params: JSON, isModern: Bool) throws(RPCError) -> Call {
        guard let name = params["name"]?.string else { throw .invalidParams("name must be the name of a tool") }
        guard toolNames.contains(name) else {
            let meant = nearest(to: name, in: toolNames).map { " (did you mean \($0)?)" } ?? ""
            let names = toolNames.joined(separator: ", ")
            throw .invalidParams("unknown tool \(excerpt(name))\(meant); tools: \(names)")
        }
        let arguments = params["arguments"] ?? .null
        guard arguments == .null || arguments.object != nil else {
            throw .invalidParams("arguments must be an object, got \(arguments.kind)")
        }
        lastSerial += 1
        let call = Call(
            tool: name, arguments: arguments.object ?? JSON.Object(), id: id, isModern: isModern, serial: lastSerial
        )
        inFlight[id] = call
        return call
    }
}
