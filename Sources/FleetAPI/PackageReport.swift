/// What an agent says of its packages. Spec: OpAMP, "PackageStatuses Message".
package struct PackageReport: RESTObject, Equatable {
    /// One package. Spec: OpAMP, "PackageStatus Message".
    package struct Package: RESTObject, Equatable {
        package var name = ""
        /// `installed`, `install_pending`, `installing`, `install_failed` or `downloading`.
        package var status = ""
        package var agentHasVersion: String?
        package var serverOfferedVersion: String?
        package var error: String?

        package init() {}

        package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
            try coder.required("name", &name)
            try coder.field("status", &status)
            try coder.field("agent_has_version", &agentHasVersion)
            try coder.field("server_offered_version", &serverOfferedVersion)
            try coder.field("error", &error)
        }
    }

    package var packages: [Package] = []
    /// The hash of all packages the agent was last offered, as hex.
    package var offeredHash: String?
    package var error: String?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("packages", &packages)
        try coder.field("offered_hash", &offeredHash)
        try coder.field("error", &error)
    }
}
