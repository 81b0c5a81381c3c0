import JSON

/// One client's conversation: decides what each line means and what is answered; does nothing itself.
///
/// Both eras of MCP are served side by side and judged per request: one that names its protocol version in `_meta` is
/// modern, any other belongs to the handshake. Nothing a client sends first locks out the other.
/// Spec: MCP 2024-11-05 to 2025-11-25, basic "Lifecycle"; MCP 2026-07-28, basic and server/discover; JSON-RPC 2.0.
struct Session: Sendable {
    /// What to do about a line.
    enum Step: Sendable, Equatable {
        case answer(JSON)
        case start(Call)
        /// End that call; it is answered no more.
        case cancel(Call)
        /// What came of a question that this call asked.
        case confirm(Call, Consent)
    }

    /// A tool call that was accepted.
    struct Call: Sendable, Equatable {
        let tool: String
        let arguments: JSON.Object
        let id: RequestID
        let meta: RequestMeta
        let client: ClientInfo?
        /// Whether a person can be asked.
        let canAsk: Bool
        /// What a person answered to which question in the round before.
        let answer: Answer?
        /// The batch that it came in.
        let batch: Int?
        /// Differs for every call of the session: an id may be used again once it was answered.
        let serial: Int
    }

    /// The most bytes in the text of a result.
    static let resultLimit = 4 << 20

    let info: ServerInfo
    let instructions: String?
    let listings: [JSON]
    let toolNames: [String]
    /// The most calls at work at one time.
    let callLimit: Int
    /// What the handshake agreed on; nil before it.
    var revision: Revision?
    /// What the client said of itself in the handshake.
    var handshake: (client: ClientInfo?, capabilities: JSON?)
    var inFlight: [RequestID: RunningCall] = [:]
    /// Questions asked by a request of ours, by its id.
    var asked: [Int: Call] = [:]
    var lastAsked = 0
    var pendingQuestions = PendingQuestions()
    var subscriptions: [RequestID] = []
    var batches: [Int: Batch] = [:]
    private var lastBatch = 0
    private var lastSerial = 0

    /// - Parameter tools: names and `tools/list` entries, in the order they are listed.
    init(
        info: ServerInfo, instructions: String?, tools: [(name: String, listing: JSON)], callLimit: Int = 16
    ) {
        self.info = info
        self.instructions = instructions
        self.callLimit = callLimit
        listings = tools.map(\.listing)
        toolNames = tools.map(\.name)
    }

    /// - Parameters:
    ///   - line: one line without its newline; a carriage return at its end and a byte order mark are ignored.
    ///   - now: when it came.
    mutating func receive(_ line: [UInt8], at now: ContinuousClock.Instant = .now) -> [Step] {
        var line = line[...]
        if line.starts(with: [0xef, 0xbb, 0xbf]) { line = line.dropFirst(3) }
        guard line.contains(where: { ![0x20, 0x09, 0x0d].contains($0) }) else { return [] }
        let bytes = Array(line)
        do {
            let message = try JSON(parsing: bytes)
            guard let elements = message.array else { return receive(message, batch: nil, at: now) }
            return receiveBatch(elements, at: now)
        } catch {
            return [.answer(reply(to: RequestID(JSON.topLevelMember("id", in: bytes)), .parse("\(error)")))]
        }
    }

    /// Answers a line that was too long to be read, of which only both ends were kept.
    func refuseLine(beginning: [UInt8], end: [UInt8], limit: Int) -> Step {
        let error = RPCError.invalidRequest("a message may have at most \(limit) bytes; this one was skipped")
        return .answer(reply(to: RequestID(beginning: beginning, end: end), error))
    }

    mutating func nextBatch() -> Int {
        lastBatch += 1
        return lastBatch
    }

    /// One message, alone or in a batch.
    mutating func receive(_ message: JSON, batch: Int?, at now: ContinuousClock.Instant) -> [Step] {
        guard let object = message.object else {
            return [.answer(reply(to: nil, .invalidRequest("a message is one object, got \(message.kind)")))]
        }
        guard let method = object["method"] else {
            if object["result"] != nil || object["error"] != nil { return consent(from: object) }
            return [.answer(reply(to: RequestID(object["id"]), .invalidRequest("method is missing")))]
        }
        guard let idMember = object["id"] else {
            return method == "notifications/cancelled" ? cancel(object["params"]) : []
        }
        guard let id = RequestID(idMember) else {
            let error = RPCError.invalidRequest("id must be a string or an integer, got \(idMember.kind)")
            return [.answer(reply(to: nil, error))]
        }
        do {
            return [try request(id, method, object, batch: batch, at: now)]
        } catch {
            return [.answer(reply(to: id, error))]
        }
    }

    private mutating func request(
        _ id: RequestID, _ method: JSON, _ object: JSON.Object, batch: Int?, at now: ContinuousClock.Instant
    ) throws(RPCError) -> Step {
        guard object["jsonrpc"] == "2.0" else { throw .invalidRequest("jsonrpc must be \"2.0\"") }
        guard let method = method.string else { throw .invalidRequest("method must be a string") }
        guard inFlight[id] == nil, !subscriptions.contains(id) else { throw .invalidRequest("this id is still in use") }
        if method == "initialize", batch != nil { throw .invalidRequest("initialize must not be in a batch") }
        let params = object["params"] ?? .null
        guard params == .null || params.object != nil else {
            throw .invalidParams("params must be an object, got \(params.kind)")
        }
        let meta = try RequestMeta(params)
        if method == "tools/call", meta.isModern || revision != nil {
            return try start(id, params, meta, batch: batch, at: now)
        }
        if method == "subscriptions/listen", meta.isModern { return .answer(try listen(id, params)) }
        let result = try meta.isModern ? modernResult(method, params) : handshakeResult(method, params)
        return .answer(reply(to: id, result, isModern: meta.isModern))
    }

    private mutating func start(
        _ id: RequestID, _ params: JSON, _ meta: RequestMeta, batch: Int?, at now: ContinuousClock.Instant
    ) throws(RPCError) -> Step {
        guard let name = params["name"]?.string else { throw .invalidParams("name must be the name of a tool") }
        guard toolNames.contains(name) else {
            let meant = nearest(to: name, in: toolNames).map { " (did you mean \($0)?)" } ?? ""
            let names = toolNames.joined(separator: ", ")
            throw .invalidParams("unknown tool \(excerpt(name))\(meant); tools: \(names)")
        }
        let argumentsMember = params["arguments"] ?? .null
        guard argumentsMember == .null || argumentsMember.object != nil else {
            throw .invalidParams("arguments must be an object, got \(argumentsMember.kind)")
        }
        guard inFlight.count < callLimit else {
            let refusal = ToolResult(
                "\(name): \(callLimit) calls are at work, and no more are taken; wait 1 s, then repeat", isError: true)
            return .answer(reply(to: id, members(of: refusal), isModern: meta.isModern))
        }
        let arguments = argumentsMember.object ?? JSON.Object()
        let answer = meta.isModern ? try pendingQuestions.redeem(params, tool: name, arguments, at: now) : nil
        let capabilities = meta.isModern ? meta.capabilities : handshake.capabilities
        lastSerial += 1
        let call = Call(
            tool: name, arguments: arguments, id: id, meta: meta,
            client: meta.isModern ? meta.client : handshake.client,
            canAsk: (meta.isModern || (revision ?? .november2024) >= .june2025)
                && Question.isPossible(with: capabilities),
            answer: answer, batch: batch, serial: lastSerial
        )
        inFlight[id] = RunningCall(call: call)
        if let batch { batches[batch]?.open += 1 }
        return .start(call)
    }
}
