import SwiftProtobuf

/// An agent's answer to a `CustomRequest`. Only for servers that announced the capability.
package struct CustomReply: Sendable, Equatable {
    package var capability: String
    /// The message's type is `success` or `failure`.
    package var succeeded: Bool
    /// What had been asked for; the Python project's agents leave it out.
    package var action: String?
    package var commandID: String?
    /// What the agent's HTTP input answered. 201 says that it took the record, not that any work is done.
    package var httpCode: Int?
    package var errorMessage: String?
    package var body: String?
    /// Whether `body` was cut.
    package var isTruncated = false

    package init(capability: String, succeeded: Bool) {
        self.capability = CustomCapability.bare(capability)
        self.succeeded = succeeded
    }

    /// - Throws: if the type is neither `success` nor `failure`, or the data is neither empty nor a JSON object.
    package init(_ message: CustomMessage) throws(OpAMPError) {
        guard ["success", "failure"].contains(message.type) else {
            throw .malformedData(reason: "a reply of type \(message.type); allowed are success and failure")
        }
        self.init(capability: message.capability, succeeded: message.type == "success")
        let members = try textMembers(of: message.data)
        action = members["action"]
        commandID = members["command_id"]
        httpCode = members["http_code"].flatMap { Int($0) }
        errorMessage = members["err_msg"]
        body = members["body"]
        isTruncated = members["truncated"] == "true"
    }

    /// Reads a message of another type that is known to be a reply, and what it says of the outcome. Its data may be
    /// anything.
    package init(anyData message: CustomMessage, succeeded: Bool) {
        self.init(capability: message.capability, succeeded: succeeded)
        let members = (try? textMembers(of: message.data)) ?? [:]
        commandID = members["command_id"]
        body =
            members["body"] ?? String(validating: message.data, as: UTF8.self)
            ?? "\(message.data.count) bytes that are no text"
    }

    package var message: CustomMessage {
        var fields: [String: String] = [:]
        fields["action"] = action
        fields["command_id"] = commandID
        fields["http_code"] = httpCode.map { String($0) }
        fields["err_msg"] = errorMessage
        fields["body"] = body
        fields["truncated"] = isTruncated ? "true" : nil
        return .with {
            $0.capability = capability
            $0.type = succeeded ? "success" : "failure"
            $0.data = data(of: fields)
        }
    }
}
