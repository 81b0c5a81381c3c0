import FleetAPI
import OpAMP

/// The custom message of a command that a file defined when the command was accepted: it goes out as it was then,
/// whatever becomes of the file.
struct AcceptedMessage: RESTObject, Equatable {
    var capability = ""
    var type = ""
    /// The members of its data, all but the command id.
    var data: [String: String] = [:]
    /// The types of the messages that say that it was done, or that it failed, beside `success` and `failure`.
    var replyType: String?
    var failureType: String?

    init() {}

    init(capability: String, type: String, data: [String: String]) {
        (self.capability, self.type, self.data) = (CustomCapability.bare(capability), type, data)
    }

    mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("capability", &capability)
        try coder.required("type", &type)
        try coder.field("data", &data)
        try coder.field("reply_type", &replyType)
        try coder.field("failure_type", &failureType)
    }

    /// What a reply calls the command.
    var action: String? { data["action"] }

    /// The message as it goes to an agent.
    func message(commandID: String) -> CustomMessage {
        var fields = data
        fields["command_id"] = commandID
        return CustomRequest(capability: capability, type: type, fields: fields).message
    }
}
