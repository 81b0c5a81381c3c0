import FleetAPI
import HTTPTypes
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

private let type = HTTPFields([HTTPField(name: .contentType, value: "application/x-protobuf")])

private func fields(_ more: [HTTPField.Name: String]) -> HTTPFields {
    var fields = type
    for (name, value) in more { fields[name] = value }
    return fields
}

@Test(arguments: [
    type, fields([.contentType: "Application/X-Protobuf; charset=utf-8"]), fields([.contentEncoding: "identity"]),
    fields([.contentLength: "100"]),
])
func `an agent's request is read`(fields: HTTPFields) {
    #expect(AgentExchange.refusal(method: .post, fields: fields, limit: 100) == nil)
}

@Test(arguments: [
    (HTTPRequest.Method.get, type, 426), (.put, type, 405), (.delete, type, 405), (.post, HTTPFields(), 415),
    (.post, fields([.contentType: "application/json"]), 415),
    (.post, fields([.contentType: "application/x-protobuf2"]), 415),
    (.post, fields([.contentEncoding: "gzip"]), 415), (.post, fields([.contentLength: "101"]), 413),
])
func `another request on the agents' path is refused`(
    method: HTTPRequest.Method, fields: HTTPFields, status: Int
) throws {
    let refusal = try #require(AgentExchange.refusal(method: method, fields: fields, limit: 100))
    #expect(refusal.status == status)
    #expect(!refusal.detail.isEmpty)
}

@Test func `the status of an answer follows its error`() {
    #expect(AgentExchange.status(of: AgentReply(.with { $0.capabilities = 1 })) == .ok)
    #expect(AgentExchange.status(of: AgentReply(.badRequest("empty"))) == .badRequest)
    #expect(AgentExchange.status(of: AgentReply(.with { $0.errorResponse.type = .unavailable })) == .serviceUnavailable)
    #expect(AgentExchange.status(of: AgentReply(.with { $0.errorResponse.type = .unknown })) == .internalServerError)
}
