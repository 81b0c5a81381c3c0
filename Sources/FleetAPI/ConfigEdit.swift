/// How one file of each agent's configuration is to change: made anew, or a text in it replaced. What is desired of an
/// agent is changed, or what it runs on where nothing is. REST: `config` of `POST operations`.
package struct ConfigEdit: RESTObject, Equatable {
    /// The most bytes of the new content, of the text to find and of the one that replaces it.
    package static let textLimit = 1 << 20

    /// The file by its name; absent: the only one there is.
    package var file: String?
    /// The whole new content; excludes the other three.
    package var content: String?
    /// A text that must be there exactly once, unless `all` is given.
    package var find: String?
    /// What takes its place; absent: nothing.
    package var replace: String?
    /// Whether every place with that text is meant.
    package var all = false

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.field("file", &file)
        try coder.field("content", &content)
        try coder.field("find", &find)
        try coder.field("replace", &replace)
        try coder.field("all", &all)
    }
}

/// What becomes of one file at some agents. Secrets are masked.
package struct ConfigChange: RESTObject, Equatable {
    /// How many agents it is the same for, and the first of them, at most 3.
    package var agents = 0
    package var first: [Agent] = []
    package var file = ""
    /// What it was made from: `desired`, `effective`, or `nothing`.
    package var base = ""
    package var before = ""
    package var after = ""
    /// Whether all that differs is masked.
    package var isHidden = false

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("agents", &agents)
        try coder.field("first", &first)
        try coder.required("file", &file)
        try coder.field("base", &base)
        try coder.required("before", &before)
        try coder.required("after", &after)
        try coder.field("is_hidden", &isHidden)
    }
}
