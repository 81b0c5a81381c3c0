import FleetAPI
import JSON
import OpAMP

/// What a file says of one command: a custom message, what an agent must declare for it, and what proves it.
struct CommandDefinition: RESTObject, Equatable {
    /// Proofs that need nothing of the provider but to listen.
    static let proofs: [CommandProof] = [.reply, .goodbye, .fullReport, .startTime, .nothing]
    private static let textLimit = 200
    private static let descriptionLimit = 2_000

    var name = ""
    var title: String?
    /// For people and for models: what it does.
    var description = ""
    /// The custom capability that an agent must declare, and of the message.
    var capability = ""
    /// The type of the message.
    var messageType = ""
    var proof = CommandProof.reply
    /// The types of the messages with which agents say that it was done, or that it failed, whatever their data;
    /// `success` and `failure` count beside them.
    var replyType: String?
    var failureType: String?
    /// JSON Schema of the parameters; none are taken where it is absent.
    var parameters: JSON = ["type": "object", "properties": [:]]
    /// Members of the message's data that are the same each time. `action` is the name unless it is given here.
    var data: [String: JSON] = [:]
    /// How long proof is waited for unless the request says otherwise.
    var confirmSeconds: Int?

    mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("name", &name)
        try coder.field("title", &title)
        try coder.required("description", &description)
        try coder.required("capability", &capability)
        try coder.required("message_type", &messageType)
        try coder.required("proof", &proof)
        try coder.field("reply_type", &replyType)
        try coder.field("failure_type", &failureType)
        try coder.field("parameters", &parameters)
        try coder.field("data", &data)
        try coder.field("confirm_seconds", &confirmSeconds)
    }

    /// The kind of command that this defines.
    ///
    /// - Throws: the member that is wrong and why.
    func kind() throws(DefinitionError) -> CommandKind {
        try checkTexts()
        guard Self.proofs.contains(proof) else {
            throw wrong(
                "proof", "is \(proof.rawValue); use one of: \(Self.proofs.map(\.rawValue).joined(separator: ", "))")
        }
        for (member, type) in [("reply_type", replyType), ("failure_type", failureType)]
        where type != nil && proof != .reply {
            throw wrong(member, "is given, but the proof is \(proof.rawValue); use it with proof reply")
        }
        if let confirmSeconds, !CommandRequest.confirmSecondsAllowed.contains(confirmSeconds) {
            let allowed = CommandRequest.confirmSecondsAllowed
            throw wrong(
                "confirm_seconds", "is \(confirmSeconds); it must be \(allowed.lowerBound) to \(allowed.upperBound)")
        }
        if data["command_id"] != nil { throw wrong("data.command_id", "is set by the provider") }
        var schema = parameters.object ?? .init()
        if schema["type"] == nil { schema["type"] = "object" }
        if schema["additionalProperties"] == nil { schema["additionalProperties"] = false }
        guard parameters.object != nil, schema["type"] == "object", schema["additionalProperties"] == false else {
            throw wrong("parameters", "must be a schema of type object without additionalProperties")
        }
        let checked: ParameterSchema
        do { checked = try ParameterSchema(.object(schema)) } catch {
            throw wrong(error.path.isEmpty ? "parameters" : "parameters.\(error.path)", error.reason)
        }
        for (key, _) in checked.properties where ["action", "command_id"].contains(key) || data[key] != nil {
            throw wrong("parameters.properties.\(key)", "is a member of the message's data already; use another name")
        }
        var kind = CommandKind(
            name: name, description: description, requirement: .custom(CustomCapability.bare(capability)),
            proof: proof, schema: .object(schema))
        kind.definition = self
        return kind
    }

    private func checkTexts() throws(DefinitionError) {
        let isName = name.utf8.allSatisfy {
            (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f || $0 == 0x2d
        }
        guard isName, (1...40).contains(name.utf8.count) else {
            throw wrong("name", "is \"\(name)\"; it must be 1 to 40 of a-z, 0-9, - and _")
        }
        if CommandKind.all.contains(where: { $0.name == name }) {
            throw wrong("name", "is \"\(name)\", which is built in; use another")
        }
        for (member, text, limit) in [
            ("title", title ?? "-", Self.textLimit), ("description", description, Self.descriptionLimit),
            ("capability", capability, Self.textLimit), ("message_type", messageType, Self.textLimit),
            ("reply_type", replyType ?? "-", Self.textLimit), ("failure_type", failureType ?? "-", Self.textLimit),
        ] where text.isEmpty || text.utf8.count > limit {
            throw wrong(member, "has \(text.utf8.count) bytes; it must have 1 to \(limit)")
        }
        let bare = CustomCapability.bare(capability)
        guard CustomCapability.isReverseDomainName(bare) else {
            throw wrong(
                "capability",
                "is \"\(bare)\"; it must be a reverse domain name like com.example.flush, with an optional version "
                    + "like /v2")
        }
        if bare == CustomCapability.commandIDs || CommandKind.all.contains(where: { $0.requirement == .custom(bare) }) {
            throw wrong("capability", "is \(bare), which is of a built-in command; use that one")
        }
    }

    private func wrong(_ member: String, _ reason: String) -> DefinitionError {
        DefinitionError(member: name.isEmpty || member == "name" ? member : "\(name): \(member)", reason: reason)
    }

    /// The message that carries a command of this kind, without its id: all members of its data are texts.
    func message(_ parameters: [String: JSON]) -> AcceptedMessage {
        var members = ["action": name]
        for (key, value) in data { members[key] = value.string ?? value.text }
        for (key, value) in parameters { members[key] = value.string ?? value.text }
        var message = AcceptedMessage(capability: capability, type: messageType, data: members)
        (message.replyType, message.failureType) = (replyType, failureType)
        return message
    }
}
