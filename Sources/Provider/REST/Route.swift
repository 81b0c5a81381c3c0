import FleetAPI
import HTTPTypes

/// One method of one path, the parameters it knows, and what it does.
struct Route: Sendable {
    let method: HTTPRequest.Method
    /// The parts of the path; nil takes any part, and hands it over as an argument.
    let parts: [String?]
    let parameters: [String]
    /// Who may ask.
    let role: Role
    /// The most bytes of a body.
    let bodyLimit: Int
    let answer: @Sendable (Call) async throws -> Answer

    /// - Parameters:
    ///   - path: parts in braces take anything, for example `/api/v1/agents/{ref}`.
    ///   - role: everybody may read; what changes something names its role.
    init(
        _ method: HTTPRequest.Method, _ path: String, _ parameters: [String] = [], for role: Role = .viewer,
        bodyLimit: Int = Call.bodyLimit, answer: @escaping @Sendable (Call) async throws -> Answer
    ) {
        self.method = method
        parts = path.split(separator: "/").map { $0.hasPrefix("{") ? nil : String($0) }
        (self.parameters, self.role) = (parameters, role)
        self.bodyLimit = bodyLimit
        self.answer = answer
    }

    /// What stands in the places of the path's parameters; nil when this is another path.
    func arguments(in path: [String]) -> [String]? {
        guard path.count == parts.count else { return nil }
        var arguments: [String] = []
        for (part, expected) in zip(path, parts) {
            if expected == nil, !part.isEmpty {
                arguments.append(part)
            } else if part != expected {
                return nil
            }
        }
        return arguments
    }
}

/// The paths that the API knows.
struct RouteTable: Sendable {
    struct NotAllowed: Error, Equatable {
        let methods: [String]
    }

    let routes: [Route]

    /// The route of a path, and its arguments; nil for an unknown path. A path in so many words comes first.
    func find(
        _ method: HTTPRequest.Method, _ path: [String]
    ) throws(NotAllowed) -> (route: Route, arguments: [String])? {
        let found = routes.compactMap { route in route.arguments(in: path).map { (route: route, arguments: $0) } }
        guard let fewest = found.map(\.arguments.count).min() else { return nil }
        let best = found.filter { $0.arguments.count == fewest }
        guard let match = best.first(where: { $0.route.method == method }) else {
            throw NotAllowed(methods: best.map(\.route.method.rawValue))
        }
        return match
    }
}
