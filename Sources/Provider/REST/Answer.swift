import FleetAPI
import HTTPTypes
import HummingbirdCore
import JSON
import NIOCore

/// What a path of the API answers with.
struct Answer: Sendable {
    var status: HTTPResponse.Status = .ok
    /// Absent where there is nothing to say.
    var json: JSON?
    var fields: HTTPFields = [:]
    /// What is written instead where it is no JSON: of the type that `fields` say.
    var body: ResponseBody?
}

extension Response {
    /// - Throws: for a number that JSON cannot express.
    init(_ answer: Answer, contentType: String = "application/json") throws(JSONError) {
        if let body = answer.body {
            self.init(status: answer.status, headers: answer.fields, body: body)
            return
        }
        guard let json = answer.json else {
            self.init(status: answer.status, headers: answer.fields)
            // Spec: RFC 9110, section 8.6: never with a 204.
            if answer.status == .noContent { headers[.contentLength] = nil }
            return
        }
        var fields = answer.fields
        fields[.contentType] = contentType
        let body = ResponseBody(byteBuffer: ByteBuffer(bytes: try json.bytes(.sorted)))
        self.init(status: answer.status, headers: fields, body: body)
    }

    /// Spec: RFC 9457.
    init(_ problem: Problem, fields: HTTPFields = [:]) {
        var fields = fields
        fields[.contentType] = "application/problem+json"
        let body = ByteBuffer(string: problem.json.text)
        self.init(
            status: .init(code: problem.status), headers: fields, body: ResponseBody(byteBuffer: body))
    }
}
