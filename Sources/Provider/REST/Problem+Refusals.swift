import FleetAPI

extension Problem {
    /// A refusal that names what was wrong: a header, a parameter or a member.
    static func refused(
        _ status: Int, _ title: String, field: String, value: String?, _ detail: String, allowed: [String]? = nil
    ) -> Problem {
        var problem = Problem(status, title, detail: detail)
        (problem.field, problem.value, problem.allowed) = (field, value, allowed)
        return problem
    }

    /// A parameter or member that cannot be used as it is.
    static func badRequest(
        field: String, value: String? = nil, _ detail: String, allowed: [String]? = nil
    ) -> Problem {
        refused(400, "Bad Request", field: field, value: value, detail, allowed: allowed)
    }

    /// A body that has not the shape it should have.
    static func badRequest(_ error: ShapeError) -> Problem {
        badRequest(
            field: error.path.isEmpty ? "body" : error.path, value: error.value, "\(error)",
            allowed: error.allowed.map { ["\($0.lowerBound) to \($0.upperBound)"] })
    }
}
