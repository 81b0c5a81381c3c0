/// An error answer of the REST API, `application/problem+json`. Spec: RFC 9457.
package struct Problem: RESTObject, Error, Equatable {
    package var type = "about:blank"
    package var title = ""
    package var status = 500
    /// What was wrong and the way out, in a sentence.
    package var detail = ""
    /// The parameter or member that was wrong, its value, and what is allowed instead.
    package var field: String?
    package var value: String?
    package var allowed: [String]?
    /// The agents that an ambiguous reference could mean, at most 10, or the nearest to one that was not found.
    package var candidates: [Agent]?
    /// The open command that stands in the way.
    package var commandID: String?
    /// The capability that the agent lacks.
    package var missingCapability: String?

    package init() {}

    package init(_ status: Int, _ title: String, detail: String) {
        (self.status, self.title, self.detail) = (status, title, detail)
    }

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.field("type", &type)
        try coder.required("title", &title)
        try coder.required("status", &status)
        try coder.field("detail", &detail)
        try coder.field("field", &field)
        try coder.field("value", &value)
        try coder.field("allowed", &allowed)
        try coder.field("candidates", &candidates)
        try coder.field("command_id", &commandID)
        try coder.field("missing_capability", &missingCapability)
    }
}
