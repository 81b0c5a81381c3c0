import FleetAPI
import HTTPTypes
import JSON

/// One request to the API once its path, its query and its body have been read.
struct Call: Sendable {
    /// The most bytes of a request's body, unless its path allows another number.
    static let bodyLimit = 1 << 20

    let fleet: Fleet
    /// What stood in the places of the path's parameters, in their order.
    let arguments: [String]
    /// Their names.
    var argumentNames: [String] = []
    let query: QueryParameters
    let fields: HTTPFields
    let body: [UInt8]
    let caller: Caller
    let doorkeeper: Doorkeeper
    /// Whether it came over TLS.
    var isSecure = false

    /// What stood in the place of one of the path's parameters.
    subscript(path name: String) -> String {
        zip(argumentNames, arguments).first { $0.0 == name }?.1 ?? ""
    }

    /// The body as the object it should be.
    ///
    /// - Throws: a 400 with the place, for members that do not exist too.
    func object<Object: RESTObject>(_ type: Object.Type) throws(Problem) -> Object {
        try read(type) { try Object(json: $0) }
    }

    /// The body as the members of an object that are to change, each of the right shape.
    ///
    /// - Throws: as `object`.
    func members<Object: RESTObject>(of type: Object.Type) throws(Problem) -> JSON {
        try read(type) { json in
            _ = try Object().changed(by: json)
            return json
        }
    }

    private func read<Object: RESTObject, Result>(
        _: Object.Type, _ convert: (JSON) throws -> Result
    ) throws(Problem) -> Result {
        do {
            let json = try JSON(parsing: body, limit: max(body.count, Self.bodyLimit))
            let names = Object.fieldNames
            if let unknown = json.object?.members.first(where: { !names.contains($0.key) }) {
                throw Problem.badRequest(
                    field: unknown.key, "there is no member \(unknown.key); use: \(names.joined(separator: ", "))",
                    allowed: names)
            }
            return try convert(json)
        } catch let problem as Problem {
            throw problem
        } catch let error as ShapeError {
            throw .badRequest(error)
        } catch {
            throw .badRequest(field: "body", "\(error)")
        }
    }
}
