import FoundationEssentials
import JSON

/// The members of a custom message's data; none when it is empty. A member that is no string is kept as its JSON text.
func textMembers(of data: Data) throws(OpAMPError) -> [String: String] {
    if data.isEmpty { return [:] }
    let value: JSON
    do {
        value = try JSON(parsing: Array(data), limit: defaultMessageLimit)
    } catch {
        throw .malformedData(reason: "\(error)")
    }
    guard let object = value.object else { throw .malformedData(reason: "\(value.kind), not an object") }
    let members = object.members.map { ($0.key, $0.value.string ?? $0.value.text) }
    // Keys of different bytes can be equal as texts, composed and decomposed: the first one counts.
    return Dictionary(members) { first, _ in first }
}

/// The members as one JSON object, sorted by key.
func data(of fields: [String: String]) -> Data {
    Data(JSON.object(.init(fields.map { (key: $0.key, value: .string($0.value)) })).text.utf8)
}
