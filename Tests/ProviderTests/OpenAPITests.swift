import FleetAPI
import HTTP
import JSON
import Testing

@testable import Provider

private let document = OpenAPI.document

/// The operations of the document: method and path, and what it says of them.
private let operations: [(key: String, path: String, json: JSON)] =
    document["paths"]?.object?.members.flatMap { path, item in
        item.object?.members.map { ("\($0.key.uppercased()) \(path)", path, $0.value) } ?? []
    } ?? []

/// All objects within a JSON value, itself too.
private func objects(in json: JSON) -> [JSON.Object] {
    switch json {
    case .object(let object): [object] + object.members.flatMap { objects(in: $0.value) }
    case .array(let elements): elements.flatMap(objects)
    default: []
    }
}

/// What a reference of the document points at.
private func target(of reference: String) -> JSON? {
    var json = document
    for part in reference.dropFirst("#/".count).split(separator: "/") {
        guard let next = json[String(part)] else { return nil }
        json = next
    }
    return json
}

@Test func `every route declares what it takes and answers`() {
    let silent = API.routes.routes.filter { $0.declaration == nil }.map { "\($0.method) \($0.path)" }
    #expect(silent.isEmpty, "give these routes a summary, inputs and answers, as the others have")
}

@Test func `every route is in the document, and nothing else`() {
    #expect(Set(operations.map(\.key)) == Set(API.routes.routes.map { "\($0.method) \($0.path)" }))
    #expect(operations.count == API.routes.routes.count)
    let identifiers = operations.compactMap { $0.json["operationId"]?.string }
    #expect(Set(identifiers).count == operations.count)
}

@Test func `the document says of each route what the route says`() throws {
    for route in API.routes.routes {
        let operation = try #require(operations.first { $0.key == "\(route.method) \(route.path)" }?.json)
        #expect(operation["x-role"] == .string(route.role.rawValue))
        #expect(operation["summary"]?.string?.last == ".", "\(route.path)")
        let parameters = operation["parameters"]?.array ?? []
        let names = { (place: String) in
            parameters.filter { $0["in"]?.string == place }.compactMap { $0["name"]?.string }
        }
        #expect(names("query") == route.parameters, "\(route.path)")
        #expect(names("path") == Route.names(in: route.path))
        if let body = operation["requestBody"]?["content"]?["application/json"] {
            #expect(body["example"]?.object?.members.isEmpty == false, "\(route.path): show what a body looks like")
        }
        let responses = operation["responses"]?.object?.members ?? []
        #expect(responses.contains { $0.key.hasPrefix("2") }, "\(route.path)")
        #expect(responses.allSatisfy { target(of: $0.value["$ref"]?.string ?? "#/paths") != nil })
    }
}

@Test func `every reference leads somewhere, and every schema is used`() {
    let references = Set(objects(in: document).compactMap { $0["$ref"]?.string })
    #expect(references.count > 40)
    #expect(references.filter { target(of: $0) == nil }.isEmpty)
    let schemas = Set((document["components"]?["schemas"]?.object?.members ?? []).map(\.key))
    let used = references.filter { $0.hasPrefix("#/components/schemas/") }.map { String($0.dropFirst(21)) }
    #expect(schemas.subtracting(used).isEmpty)
}

@Test func `every problem has a meaning`() {
    for (name, response) in document["components"]?["responses"]?.object?.members ?? [] {
        #expect(response["description"]?.string?.isEmpty == false, "\(name)")
    }
}

@Test(
    arguments: [
        Agent.self, AgentPage.self, AgentDetail.self, Command.self, CommandRequest.self, FleetOperation.self,
        OperationRequest.self, ConfigRequest.self, FleetSummary.self, Problem.self,
    ] as [any RESTObject.Type])
func `an object has the members that are declared`(type: any RESTObject.Type) {
    let properties = document["components"]?["schemas"]?["\(type)"]?["properties"]?.object?.members.map(\.key)
    #expect(properties == type.fieldNames)
}

/// The values of an enumeration, and those that the document lists.
private func values<Choice: RESTEnum>(of type: Choice.Type) -> (all: [JSON], listed: [JSON]?) {
    let name = String(reflecting: type).split(separator: ".").dropFirst().joined(separator: ".")
    return (
        Choice.allCases.map { .string($0.rawValue) }, document["components"]?["schemas"]?[name]?["enum"]?.array
    )
}

@Test(
    arguments: [
        AgentStatus.self, AgentHealth.self, Admission.self, AgentTransport.self, AgentSection.self,
        AgentConfig.Part.self,
        AdmissionRequest.Verb.self, CommandState.self, CommandProof.self, ConfigStatus.self, ConfigEncoding.self,
        OfferState.self, OperationState.self,
    ] as [any RESTEnum.Type])
func `every value of an enumeration is listed`(type: any RESTEnum.Type) {
    let (all, listed) = values(of: type)
    #expect(listed == all)
}

@Test func `what must be there, may be null and is bounded is said of requests`() throws {
    let schemas = try #require(document["components"]?["schemas"])
    let operation = try #require(schemas["OperationRequest"])
    #expect(operation["required"] == ["filter", "command"])
    #expect(operation["additionalProperties"] == false)
    #expect(
        operation["properties"]?["max_in_flight"]
            == ["type": ["integer", "null"], "minimum": 1, "maximum": 1000, "default": 10])
    #expect(
        schemas["HeartbeatRequest"]?["properties"]?["seconds"]
            == ["type": ["integer", "null"], "minimum": 0, "maximum": 86_400])
    let change = try #require(schemas["ProviderSettingsChange"])
    #expect(change["required"] == nil)
    #expect(change["properties"]?["keep_audit_days"]?["default"] == nil, "what is absent stays as it is")
    #expect(schemas["ProviderSettings"]?["additionalProperties"] == nil, "newer providers may tell more")
}

/// A value of a parameter that the document forbids; nil where any text will do.
private func forbidden(_ parameter: JSON) -> String? {
    guard var schema = parameter["schema"] else { return nil }
    if let items = schema["items"] { schema = items }
    if let reference = schema["$ref"]?.string { schema = target(of: reference) ?? [:] }
    if let maximum = schema["maximum"]?.integer { return "\(maximum + 1)" }
    return schema["enum"] == nil ? nil : "nonsense"
}

/// Each parameter of a query with such a value, after those that must be there.
private let forbiddenQueries: [(name: String, target: String)] = operations.filter { $0.key.hasPrefix("GET") }
    .flatMap { operation -> [(name: String, target: String)] in
        let parameters = (operation.json["parameters"]?.array ?? []).filter { $0["in"] == "query" }
        let path = operation.path.replacing("{ref}", with: "a").replacing("{id}", with: "b")
            .replacing("{number}", with: "1")
        let required = parameters.filter { $0["required"] == true }.compactMap { $0["name"]?.string }
        return parameters.compactMap { parameter in
            guard let name = parameter["name"]?.string, let value = forbidden(parameter) else { return nil }
            let query = required.filter { $0 != name }.map { "\($0)=x" } + ["\(name)=\(value)"]
            return (name, "\(path)?\(query.joined(separator: "&"))")
        }
    }

@Test(.timeLimit(.minutes(5)))
func `what the document forbids in a query is refused by name`() async throws {
    #expect(forbiddenQueries.count > 10)
    try await TransportTestProvider.with { provider in
        for (name, target) in forbiddenQueries {
            let answer = try await provider.request(.get, target)
            #expect(answer.status == 400, "\(target)")
            #expect(try JSON(parsing: answer.body)["field"] == .string(name), "\(target)")
        }
    }
}

@Test(.timeLimit(.minutes(5)))
func `HEAD gives the headers of GET, and OPTIONS the methods`() async throws {
    try await TransportTestProvider.with { provider in
        let length = try await provider.request(.get, "/api/v1/settings").body.count
        try await TransportTestConnection.with(port: provider.port) { connection in
            // One after the other: a body that came with HEAD would stand before the next answer.
            func head(_ request: String) async throws -> String {
                try await connection.send("\(request) HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                return try await connection.head().lowercased()
            }
            let found = try await head("HEAD /api/v1/settings")
            #expect(found.hasPrefix("http/1.1 200") && found.contains("content-type: application/json"))
            #expect(found.contains("content-length: \(length)\r\n"))
            #expect(try await head("HEAD /api/v1/agents/abcdef").hasPrefix("http/1.1 404"))
            let options = try await head("OPTIONS /api/v1/settings")
            #expect(options.hasPrefix("http/1.1 204") && options.contains("allow: get, put, head, options\r\n"))
            let trace = try await head("OPTIONS /api/v1/nothing")
            #expect(trace.hasPrefix("http/1.1 404"))
        }
    }
}
