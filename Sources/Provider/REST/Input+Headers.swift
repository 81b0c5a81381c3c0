import FleetAPI
import HTTPTypes
import JSON

extension Input where Value == String? {
    /// The key under which a repeated request is the same request: 1 to 255 printable ASCII characters.
    static var idempotencyKey: Input {
        let declaration = InputDeclaration(
            .header, "Idempotency-Key",
            "makes a repetition of this request safe for 24 hours; with another body it is refused", isRequired: false
        ) { _ in ["type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"] }
        return Input(declaration) { call throws(Problem) in try Route.idempotencyKey(call.fields) }
    }
}

extension Input where Value == IfMatch? {
    /// The revisions that the request is meant for; nil: whatever is the present one.
    static var ifMatch: Input {
        let declaration = InputDeclaration(
            .header, "If-Match", "the revision this is meant for, in quotes as in `ETag`; any other is refused",
            isRequired: false
        ) { _ in ["type": "string", "pattern": #"^(\*|(W/)?"[^",]*"( *, *(W/)?"[^",]*")*)$"#] }
        return Input(declaration) { call throws(Problem) in try IfMatch(call.fields) }
    }
}
