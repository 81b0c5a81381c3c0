/// Until when nobody is told of agents that are lost or unhealthy: the body of `PUT agents/{ref}/mute`. One of both
/// members.
package struct MuteRequest: RESTObject, Equatable {
    /// The longest a mute may last, in seconds: 30 days.
    package static let secondsAllowed = 0...2_592_000

    package var until: Timestamp?
    /// From now on; 0 ends a mute.
    package var seconds: Int?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.field("until", &until)
        try coder.field("seconds", &seconds, in: Self.secondsAllowed)
    }

    /// When the mute ends; nil: it ends now.
    ///
    /// - Throws: 400 for both members or none, and for what is out of range.
    package func end(now: Timestamp) throws(Problem) -> Timestamp? {
        func refusal(_ field: String, _ value: String?, _ detail: String) -> Problem {
            var problem = Problem(400, "Bad Request", detail: detail)
            (problem.field, problem.value) = (field, value)
            return problem
        }
        let days = "at most \(Self.secondsAllowed.upperBound / 86_400) days"
        switch (until, seconds) {
        case (let until?, nil):
            guard until > now, until <= now + .seconds(Self.secondsAllowed.upperBound) else {
                throw refusal("until", until.description, "until must be in the future, by \(days); it is \(now) now")
            }
            return until
        case (nil, let seconds?):
            return seconds == 0 ? nil : now + .seconds(seconds)
        default: throw refusal("until", nil, "give either until, a time, or seconds")
        }
    }
}

/// The same for all agents that a filter matches: the body of `PUT mutes`.
package struct MutesRequest: RESTObject, Equatable {
    package var filter = ""
    package var until: Timestamp?
    package var seconds: Int?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("filter", &filter)
        try coder.field("until", &until)
        try coder.field("seconds", &seconds, in: MuteRequest.secondsAllowed)
    }

    /// Without the filter.
    package var mute: MuteRequest {
        var request = MuteRequest()
        (request.until, request.seconds) = (until, seconds)
        return request
    }
}

/// What became of it.
package struct MutesResult: RESTObject, Equatable {
    /// Agents that the filter matched, all of which are muted now, or are not any more.
    package var matched = 0
    /// Absent when mutes were ended.
    package var until: Timestamp?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("matched", &matched)
        try coder.field("until", &until)
    }
}
