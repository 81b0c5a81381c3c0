import FleetAPI
import HTTPTypes
import JSON

/// The document that describes the API, made from its routes and types alone. Spec: OpenAPI 3.1.0.
struct OpenAPI {
    /// Of all routes of this program.
    static let document: JSON = OpenAPI().document(of: API.routes.routes)

    /// What a caller may get from every route, whatever it asks for.
    private static let commonRefusals = [400, 401, 403, 421, 429, 500, 503]
    /// And what from those that change something: a body that is no JSON or too long, and a full disk.
    private static let writeRefusals = [413, 415, 507]

    private let schemas = Schemas()

    /// - Parameter routes: those without a declaration are left out.
    func document(of routes: [Route]) -> JSON {
        var paths = JSON.Object()
        for route in routes {
            guard let declaration = route.declaration else { continue }
            var item = paths[route.path]?.object ?? .init()
            item.append(route.method.rawValue.lowercased(), operation(route, declaration))
            paths[route.path] = .object(item)
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "opamp-provider", "version": .string(productVersion),
                "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
                "description": "Agents that speak OpAMP: inventory, commands, configurations.",
            ],
            "servers": [["url": "/"]],
            // Without one where nobody has to authenticate.
            "security": [["bearer": []], ["session": []], [:]],
            "paths": .object(paths),
            "components": [
                "schemas": components, "responses": problemResponses(of: routes),
                "securitySchemes": [
                    "bearer": ["type": "http", "scheme": "bearer"],
                    "session": [
                        "type": "apiKey", "in": "cookie", "name": .string(SessionCookie.name),
                        "description": .string("Over TLS its name is \(SessionCookie.secureName)."),
                    ],
                ],
            ],
        ]
    }

    private func operation(_ route: Route, _ declaration: Route.Declaration) -> JSON {
        var operation = JSON.Object([
            ("operationId", .string(Self.operationID(of: route))), ("summary", .string(declaration.summary)),
            ("x-role", .string(route.role.rawValue)),
        ])
        if route.isOpen { operation["security"] = [] }
        let parameters = declaration.inputs.filter { $0.place != .body }.map(parameter)
        if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
        if let body = declaration.inputs.first(where: { $0.place == .body }) {
            var content = JSON.Object([("schema", body.schema(schemas))])
            content["example"] = body.example
            operation["requestBody"] = [
                "required": .bool(body.isRequired), "content": ["application/json": .object(content)],
            ]
        }
        var responses = JSON.Object()
        for answer in declaration.answers {
            let status = "\(answer.status.code)"
            responses[status] = response(answer, besides: responses[status]?["content"]?.object)
        }
        for status in Self.refusals(of: route) {
            responses.append("\(status)", ["$ref": .string("#/components/responses/Problem\(status)")])
        }
        operation["responses"] = .object(responses)
        return .object(operation)
    }

    /// The statuses of problems that a route of a method may answer with, in their order.
    ///
    /// - Parameter own: those that not every route has.
    static func refusals(of method: HTTPRequest.Method, besides own: [Int]) -> [Int] {
        Set(commonRefusals + own + (method == .get ? [] : writeRefusals)).sorted()
    }

    private static func refusals(of route: Route) -> [Int] {
        refusals(of: route.method, besides: route.declaration?.refusals ?? [])
    }

    /// `getAgentsRefConfig` for `GET /api/v1/agents/{ref}/config`.
    static func operationID(of route: Route) -> String {
        let words = route.path.replacing("/api/v1", with: "").split { !$0.isLetter && !$0.isNumber }
        return route.method.rawValue.lowercased() + words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    private func parameter(_ input: InputDeclaration) -> JSON {
        let schema = input.schema(schemas)
        var parameter = JSON.Object([
            ("name", .string(input.name)), ("in", .string(input.place.rawValue)),
            ("description", .string(input.summary)), ("required", .bool(input.isRequired)), ("schema", schema),
        ])
        if schema["type"] == "array" {
            // A comma list.
            parameter["style"] = "form"
            parameter["explode"] = false
        }
        return .object(parameter)
    }

    /// - Parameter others: the other types of content of the same status.
    private func response(_ answer: Reply, besides others: JSON.Object?) -> JSON {
        var response = JSON.Object([("description", .string(answer.status.reasonPhrase))])
        if !answer.headers.isEmpty {
            var headers = JSON.Object()
            for name in answer.headers {
                headers.append(name.rawName, ["required": true, "schema": ["type": "string"]])
            }
            response["headers"] = .object(headers)
        }
        if let contentType = answer.contentType {
            var content = others ?? .init()
            content[contentType] = ["schema": answer.schema(schemas)]
            response["content"] = .object(content)
        }
        return .object(response)
    }

    private func problemResponses(of routes: [Route]) -> JSON {
        let content: JSON = ["application/problem+json": ["schema": Problem.schema(schemas)]]
        var responses = JSON.Object()
        for status in Set(routes.flatMap(Self.refusals(of:))).sorted() {
            let meaning = Self.meaning(ofRefusal: status)
            responses.append("Problem\(status)", ["description": .string(meaning), "content": content])
        }
        return .object(responses)
    }

    /// What a status says; empty for one that no route may answer with.
    static func meaning(ofRefusal status: Int) -> String {
        switch status {
        case 400: "A parameter, a header or a member of the body is wrong: `field` says which."
        case 401: "Who asks must say who they are, or what they say is not valid."
        case 403: "Who asks may not do this, or the request comes from where none may come from."
        case 404: "What the path or a member names is not there."
        case 409: "The state of what is meant does not allow it now."
        case 412: "It is meant for another revision than the present one."
        case 413: "The body is too long."
        case 415: "What changes something must be sent as `application/json`."
        case 421: "The Host header names another server."
        case 422: "The request is well-formed, and still cannot be done: a masked secret, or a key used before."
        case 429: "Too many requests; `Retry-After` says when to come back."
        case 500: "The provider failed; its log says why."
        case 503: "The provider cannot do this now; repeat it later."
        case 507: "It could not be written to disk and was not done."
        default: ""
        }
    }

    private var components: JSON {
        _ = Problem.schema(schemas)
        return schemas.components
    }
}
