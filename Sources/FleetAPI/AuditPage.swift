/// What people did and what they were refused, newest first. REST: `GET audit`.
package struct AuditPage: RESTObject, Equatable {
    package struct Entry: RESTObject, Equatable {
        package var at = Timestamp(seconds: 0)
        /// Who asked, and from which address.
        package var by = ""
        package var from = ""
        /// `queue` and `cancel` of commands, `start` and `stop` of operations, `approve`, `block`, `unblock`, `label` and
        /// `forget` of agents, `settings`.
        package var action = ""
        /// The uid of an agent, the id of a command or an operation, or the name of what was changed.
        package var target = ""
        /// `done`, `nothing to do`, or the status and the title of the refusal.
        package var outcome = ""
        /// What exactly, in words.
        package var detail: String?

        package init() {}

        package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
            try coder.required("at", &at)
            try coder.field("by", &by)
            try coder.field("from", &from)
            try coder.required("action", &action)
            try coder.field("target", &target)
            try coder.field("outcome", &outcome)
            try coder.field("detail", &detail)
        }
    }

    package var entries: [Entry] = []
    package var matched = 0
    package var next: String?
    package var asOf = Timestamp(seconds: 0)

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("entries", &entries)
        try coder.field("matched", &matched)
        try coder.field("next", &next)
        try coder.field("as_of", &asOf)
    }
}
