import FleetAPI
import HTTPTypes

/// One method of one path: what it takes, who may ask, what it does, and what it answers.
struct Route: Sendable {
    /// What the document says of a route.
    struct Declaration: Sendable {
        let summary: String
        let inputs: [InputDeclaration]
        let answers: [Reply]
        /// The statuses of problems of this route, besides those that every route may answer with.
        let refusals: [Int]
    }

    let method: HTTPRequest.Method
    /// With the names of its parameters in braces.
    let path: String
    /// The parts of the path; nil takes any part, and hands it over as an argument.
    let parts: [String?]
    /// The names of the query's parameters.
    let parameters: [String]
    /// Who may ask.
    let role: Role
    /// Whether who asks need not say who they are; then they are anonymous viewers.
    let isOpen: Bool
    /// The most bytes of a body.
    let bodyLimit: Int
    /// nil: the document cannot tell of this route, and a test fails.
    let declaration: Declaration?
    let answer: @Sendable (Call) async throws -> Answer

    /// - Parameters:
    ///   - path: parts in braces take anything, for example `/api/v1/agents/{ref}`.
    ///   - summary: what it does, in one sentence.
    ///   - input: in the order of the handler's parameters.
    ///   - role: everybody may read; what changes something names its role.
    ///   - isOpen: whether it is for those too who do not say who they are.
    ///   - answers: one for each status.
    init<each Value: Sendable>(
        _ method: HTTPRequest.Method, _ path: String, _ summary: String, _ input: repeat Input<each Value>,
        for role: Role = .viewer, isOpen: Bool = false, bodyLimit: Int = Call.bodyLimit, answers: [Reply],
        refusals: [Int] = [],
        answer: @escaping @Sendable (Call, repeat each Value) async throws -> Answer
    ) {
        var inputs: [InputDeclaration] = []
        for input in repeat each input { inputs.append(input.declaration) }
        declaration = Declaration(summary: summary, inputs: inputs, answers: answers, refusals: refusals)
        (self.method, self.path, self.bodyLimit) = (method, path, bodyLimit)
        (self.role, self.isOpen) = (role, isOpen)
        parts = Self.parts(of: path)
        parameters = inputs.filter { $0.place == .query }.map(\.name)
        let named = Set(inputs.filter { $0.place == .path }.map(\.name))
        precondition(named == Set(Self.names(in: path)), "\(path): other names than its inputs")
        let statuses = Set(answers.map(\.status.code) + OpenAPI.refusals(of: method, besides: refusals))
        self.answer = { call in
            do {
                let given = try await answer(call, repeat try (each input).read(call))
                assert(statuses.contains(given.status.code), "\(method) \(path) declares no \(given.status.code)")
                return given
            } catch let problem as Problem {
                assert(statuses.contains(problem.status), "\(method) \(path) declares no \(problem.status)")
                throw problem
            }
        }
    }

    /// A route that reads its parameters itself.
    init(
        _ method: HTTPRequest.Method, _ path: String, _ parameters: [String] = [], for role: Role = .viewer,
        bodyLimit: Int = Call.bodyLimit, answer: @escaping @Sendable (Call) async throws -> Answer
    ) {
        (self.method, self.path, self.bodyLimit) = (method, path, bodyLimit)
        (self.role, isOpen) = (role, false)
        (parts, self.parameters, declaration) = (Self.parts(of: path), parameters, nil)
        self.answer = answer
    }

    private static func parts(of path: String) -> [String?] {
        path.split(separator: "/").map { $0.hasPrefix("{") ? nil : String($0) }
    }

    /// The names in braces, in their order.
    static func names(in path: String) -> [String] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
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
    /// HEAD finds the route of GET. Spec: RFC 9110, section 9.3.2.
    ///
    /// - Throws: the methods of the path, when this is none of them. OPTIONS never is: it asks for them.
    func find(
        _ method: HTTPRequest.Method, _ path: [String]
    ) throws(NotAllowed) -> (route: Route, arguments: [String])? {
        let found = routes.compactMap { route in route.arguments(in: path).map { (route: route, arguments: $0) } }
        guard let fewest = found.map(\.arguments.count).min() else { return nil }
        let best = found.filter { $0.arguments.count == fewest }
        guard let match = best.first(where: { $0.route.method == (method == .head ? .get : method) }) else {
            let methods = best.map(\.route.method.rawValue)
            throw NotAllowed(methods: methods + (methods.contains("GET") ? ["HEAD"] : []) + ["OPTIONS"])
        }
        return match
    }
}
