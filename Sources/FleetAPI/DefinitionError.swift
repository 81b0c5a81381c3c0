/// What is wrong with a file that should define commands. REST: `definition_errors` of `GET command-types`.
package struct DefinitionError: RESTObject, Error, Equatable {
    /// The name of the file in the directory of definitions.
    package var file = ""
    /// The member that is wrong, after the name of the command where it is known; absent where all of it is.
    package var member: String?
    package var reason = ""

    package init() {}

    package init(member: String?, reason: String) {
        (self.member, self.reason) = (member, reason)
    }

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("file", &file)
        try coder.field("member", &member)
        try coder.required("reason", &reason)
    }
}
