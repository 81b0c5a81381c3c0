/// Totals of the fleet, or of the part that a filter matches. REST: `GET fleet`.
package struct FleetSummary: RESTObject, Equatable {
    /// One combination of values of the attributes grouped by.
    package struct Group: RESTObject, Equatable {
        /// In the order of `group_by`; an agent without the attribute counts under `-`.
        package var values: [String] = []
        package var count = 0
        /// How many of them have a problem.
        package var problems = 0

        package init() {}

        package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
            try coder.required("values", &values)
            try coder.required("count", &count)
            try coder.field("problems", &problems)
        }
    }

    package var total = 0
    package var matched = 0
    /// Counts by `AgentStatus`; all three are always there.
    package var status: [String: Int] = [:]
    /// Counts by `AgentHealth`; all three are always there.
    package var health: [String: Int] = [:]
    /// Agents with a failed configuration, and those waiting for approval.
    package var configFailed = 0
    package var pending = 0
    package var groupBy: [String] = []
    /// The largest first, at most 200.
    package var groups: [Group] = []
    /// How many groups there are in all.
    package var groupsTotal = 0
    package var asOf = Timestamp(seconds: 0)

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("total", &total)
        try coder.required("matched", &matched)
        try coder.required("status", &status)
        try coder.required("health", &health)
        try coder.field("config_failed", &configFailed)
        try coder.field("pending", &pending)
        try coder.field("group_by", &groupBy)
        try coder.field("groups", &groups)
        try coder.field("groups_total", &groupsTotal)
        try coder.field("as_of", &asOf)
    }
}

/// What answers at this address. REST: `GET info`.
package struct ServerInfo: RESTObject, Equatable {
    package var product = ""
    package var version = ""
    /// Features of the API that a client may ask for by name.
    package var api: [String] = []
    package var agents = 0
    /// `sqlite` or `memory`.
    package var store = ""
    /// When the certificate that its listeners show ends; absent without TLS.
    package var certificateExpiresAt: Timestamp?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("product", &product)
        try coder.required("version", &version)
        try coder.field("api", &api)
        try coder.field("agents", &agents)
        try coder.field("store", &store)
        try coder.field("certificate_expires_at", &certificateExpiresAt)
    }
}
