package import JSON
import SwiftProtobuf

/// A custom message from the server that asks for something: its `data` is one JSON object of texts.
///
/// The members the Python project's agents read are `action`, `tag` and `attributes`; `command_id` is ours, so that
/// the reply can name the command.
package struct CustomRequest: Sendable, Equatable {
    /// Without `request:` before it.
    package var capability: String
    /// The `type` of the message.
    package var type: String
    /// The members of `data`.
    package var fields: [String: String]

    package init(capability: String, type: String, fields: [String: String]) {
        self.capability = CustomCapability.bare(capability)
        self.type = type
        self.fields = fields
    }

    /// - Throws: if the data is neither empty nor a JSON object. A member that is no string is kept as its JSON text.
    package init(_ message: CustomMessage) throws(OpAMPError) {
        self.init(
            capability: message.capability, type: message.type,
            fields: try textMembers(of: message.data)
        )
    }

    package var action: String? { fields["action"] }
    package var tag: String? { fields["tag"] }
    package var commandID: String? { fields["command_id"] }

    /// The message to send; the members of its data are sorted by key.
    package var message: CustomMessage {
        .with {
            $0.capability = capability
            $0.type = type
            $0.data = data(of: fields)
        }
    }
}

extension CustomRequest {
    /// Sends a record with that tag to the agent's HTTP input.
    ///
    /// - Parameter attributes: the record; it travels as JSON text. Nil sends none, which their agents read as `{}`.
    package static func chatOps(tag: String, attributes: JSON? = nil, commandID: String?) -> CustomRequest {
        var fields = common("chatopcommand", commandID)
        fields["tag"] = tag
        fields["attributes"] = attributes?.text
        return CustomRequest(capability: CustomCapability.chatOps, type: "request", fields: fields)
    }

    package static func shutdown(commandID: String?) -> CustomRequest {
        CustomRequest(
            capability: CustomCapability.shutdown, type: "Shutdown Agent", fields: common("shutdownagent", commandID)
        )
    }

    package static func null(dummyValue: String? = nil, commandID: String?) -> CustomRequest {
        var fields = common("nullcommand", commandID)
        fields["dummyValue"] = dummyValue
        return CustomRequest(capability: CustomCapability.null, type: "Null Command", fields: fields)
    }

    private static func common(_ operation: String, _ commandID: String?) -> [String: String] {
        var fields = ["action": operation, "classifier": "custom", "operation": operation]
        fields["command_id"] = commandID
        return fields
    }
}
