/// New labels of one agent: all of them, or only what changes. The body of `PUT agents/{ref}/labels`.
package struct LabelsRequest: RESTObject, Equatable {
    /// The most labels of one agent.
    package static let countLimit = 64
    /// A name has so many characters of `A-Z a-z 0-9 . _ / -`.
    package static let nameLengths = 1...63
    /// The most bytes of a value.
    package static let valueLimit = 256

    /// Replaces all labels; excludes the other two.
    package var labels: [String: String]?
    /// Adds these, or gives them other values.
    package var set: [String: String]?
    /// Takes these names away; one that is not there is passed over.
    package var remove: [String]?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.field("labels", &labels)
        try coder.field("set", &set)
        try coder.field("remove", &remove)
    }
}
