import FleetAPI

/// What people decided about one agent: kept apart from what it reports, and durable before it is acknowledged.
struct Decisions: RESTObject, Equatable {
    /// Nothing has been decided.
    static let none = Decisions()

    var admission = Admission.approved
    /// The operators' own tags.
    var labels: [String: String] = [:]

    init() {}

    init(admission: Admission = .approved, labels: [String: String] = [:]) {
        (self.admission, self.labels) = (admission, labels)
    }

    mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.field("admission", &admission)
        try coder.field("labels", &labels)
    }
}
