/// What to do with agents that wait or do harm. The body of `POST approvals`.
package struct AdmissionRequest: RESTObject, Equatable {
    /// The most decisions of one request.
    package static let limit = 1000

    package enum Verb: String, RESTEnum {
        /// Lets a pending agent in.
        case approve
        /// Refuses an agent from now on, whatever it is now.
        case block
        /// Lets a blocked agent in again.
        case unblock
    }

    package struct Decision: RESTObject, Equatable {
        /// A reference to one agent.
        package var agent = ""
        package var decision = Verb.approve

        package init() {}

        package init(_ agent: String, _ decision: Verb) {
            (self.agent, self.decision) = (agent, decision)
        }

        package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
            try coder.required("agent", &agent)
            try coder.required("decision", &decision)
        }
    }

    package var decisions: [Decision] = []

    package init() {}

    package init(_ decisions: [Decision]) {
        self.decisions = decisions
    }

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("decisions", &decisions)
    }
}

/// What became of each decision, in the order asked. The answer of `POST approvals`: by then all of it is on disk.
package struct AdmissionResults: RESTObject, Equatable {
    package struct Result: RESTObject, Equatable {
        /// The reference as it was given.
        package var agent = ""
        /// Absent where the reference means no agent, or several.
        package var instanceUID: String?
        /// What the agent is now.
        package var admission: Admission?
        /// Why nothing was done; the other decisions are carried out all the same.
        package var error: Problem?

        package init() {}

        package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
            try coder.required("agent", &agent)
            try coder.field("instance_uid", &instanceUID)
            try coder.field("admission", &admission)
            try coder.field("error", &error)
        }
    }

    package var results: [Result] = []

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("results", &results)
    }
}
