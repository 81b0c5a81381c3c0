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
    fields([.contentLength: "100"]), fields([.contentEncoding: "gzip"]), fields([.contentEncoding: "X-GZIP, identity"]),
])
func `an agent's request is read`(fields: HTTPFields) throws {
    let head = try AgentRequestHead(method: .post, fields: fields)
    #expect(head.isGzip == (fields[.contentEncoding]?.lowercased().contains("gzip") == true))
    #expect(head.claimedUID == nil)
}

@Test(arguments: [
    (HTTPRequest.Method.get, type, 426), (.put, type, 405), (.delete, type, 405), (.post, HTTPFields(), 415),
    (.post, fields([.contentType: "application/json"]), 415),
    (.post, fields([.contentType: "application/x-protobuf2"]), 415),
    (.post, fields([.contentEncoding: "br"]), 415), (.post, fields([.contentEncoding: "gzip, gzip"]), 415),
    (.post, fields([.contentEncoding: "deflate, gzip"]), 415),
])
func `another request on the agents' path is refused`(
    method: HTTPRequest.Method, fields: HTTPFields, status: Int
) throws {
    let refusal = try #require(throws: Problem.self) { try AgentRequestHead(method: method, fields: fields) }
    #expect(refusal.status == status)
    #expect(!refusal.detail.isEmpty)
}

@Test func `the status of an answer follows its error and its ending`() {
    #expect(AgentExchange.status(of: AgentReply(.with { $0.capabilities = 1 })) == .ok)
    #expect(AgentExchange.status(of: AgentReply(.badRequest("empty"))) == .badRequest)
    let unavailable = ServerToAgent.unavailable("later", retryAfter: .seconds(60))
    #expect(AgentExchange.status(of: AgentReply(unavailable)) == .serviceUnavailable)
    #expect(AgentExchange.status(of: AgentReply(.with { $0.errorResponse.type = .unknown })) == .internalServerError)
    #expect(AgentExchange.status(of: AgentReply(unavailable, ending: .forbidden)) == .forbidden)
    #expect(AgentExchange.status(of: AgentReply(.badRequest("taken"), ending: .refused)) == .badRequest)
}

@Test(arguments: [
    (Duration.seconds(30), "30"), (.milliseconds(30_001), "31"), (.nanoseconds(1), "1"), (.zero, "0"),
])
func `Retry-After is the hint in whole seconds, rounded up`(hint: Duration, seconds: String) {
    #expect(RetryHint.seconds(hint) == seconds)
    let message = ServerToAgent.unavailable("later", retryAfter: hint)
    #expect(RetryHint.of(message) == hint)
    #expect(message.errorResponse.retryInfo.retryAfterNanoseconds == UInt64(hint.nanoseconds))
    #expect(RetryHint.of(.badRequest("wrong")) == nil)
}

@Test func `an agent that is turned away waits 30 to 60 seconds, not all the same`() {
    let hints = (1...200).map { _ in RetryHint.random() }
    #expect(hints.allSatisfy { .seconds(30) <= $0 && $0 <= .seconds(60) })
    #expect(Set(hints).count > 5)
}

@Test func `the OpAMP-Instance-UID header is not required, and must not contradict the message`() throws {
    let uid = InstanceUID(high: 7, low: 9)
    let message = AgentToServer.with { $0.instanceUid = uid.data }
    let name = try #require(HTTPField.Name("opamp-instance-uid"))
    let same = ["00000000-0000-0007-0000-000000000009", "\(uid)", "\(uid)".uppercased()]
    for text in same {
        let head = try AgentRequestHead(method: .post, fields: fields([name: text]))
        #expect(head.contradiction(to: message) == nil)
    }
    #expect(try AgentRequestHead(method: .post, fields: type).contradiction(to: message) == nil)
    for text in ["00000000-0000-0007-0000-000000000008", "", "agent 7"] {
        let head = try AgentRequestHead(method: .post, fields: fields([name: text]))
        let reason = try #require(head.contradiction(to: message))
        #expect(reason.contains(text) && reason.contains("\(uid)"))
    }
}
