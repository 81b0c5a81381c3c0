/// How the content of a file travels.
package enum ConfigEncoding: String, RESTEnum {
    /// The content is the text itself.
    case utf8 = "utf-8"
    /// The content is not text: base64 with padding. Spec: RFC 4648, section 4.
    case base64
}

/// One file of a configuration, with its content. Spec: OpAMP, "AgentConfigObject Message".
package struct ConfigFile: RESTObject, Equatable {
    package var content = ""
    /// How `content` is written; absent means text.
    package var encoding: ConfigEncoding?
    package var contentType: String?
    /// What the agent uses the file for, for example `primary`; absent where nothing is said.
    package var role: String?
    /// The size of the content as the agent has it; only told, not asked for.
    package var bytes: Int?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("content", &content)
        try coder.field("encoding", &encoding)
        try coder.field("content_type", &contentType)
        try coder.field("role", &role)
        try coder.field("bytes", &bytes)
    }
}
