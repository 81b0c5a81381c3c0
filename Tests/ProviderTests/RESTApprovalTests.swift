import HTTP
import JSON
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

private let jsonType = [(name: "Content-Type", value: "application/json")]

extension TransportTestProvider {
    /// Sends a body and gives the status with the answer's body.
    fileprivate func send(
        _ method: HTTPRequest.Method, _ path: String, _ body: String
    ) async throws -> (status: Int, json: JSON) {
        let answer = try await request(method, path, headers: jsonType, body: Array(body.utf8))
        return (answer.status, try JSON(parsing: answer.body))
    }

    /// Posts a message as an agent does over HTTP; gives the status.
    fileprivate func post(_ message: AgentToServer) async throws -> Int {
        try await request(
            .post, "/v1/opamp", headers: [(name: "Content-Type", value: "application/x-protobuf")],
            body: try message.serializedBytes()
        ).status
    }
}

@Test(.timeLimit(.minutes(5)))
func `an agent waits, is approved, is blocked and is let in again`() async throws {
    try await TransportTestProvider.with { provider in
        let settings = try await provider.send(.put, "/api/v1/settings", #"{"approval_required":true}"#)
        #expect(settings.status == 200 && settings.json["approval_required"] == true)
        #expect(settings.json["forget_after_seconds"] == 604_800)
        var agent = Reporter()
        #expect(try await provider.post(agent.full()) == 503)
        let page = try await provider.json("/api/v1/approvals")
        #expect(page["matched"] == 1 && page["agents"]?.array?.first?["admission"] == "pending")
        let command = try await provider.send(.post, "/api/v1/agents/web-17/commands", #"{"command":"resync"}"#)
        #expect(command.status == 409 && command.json["value"] == "pending")

        let approved = try await provider.send(
            .post, "/api/v1/approvals",
            #"{"decisions":[{"agent":"nobody","decision":"approve"},{"agent":"web-17","decision":"approve"}]}"#)
        let results = try #require(approved.json["results"]?.array)
        #expect(approved.status == 200 && results.count == 2)
        #expect(results[0]["error"]?["status"] == 404 && results[0]["agent"] == "nobody")
        #expect(results[1]["admission"] == "approved" && results[1]["error"] == nil)
        #expect(results[1]["instance_uid"] == .string(agent.uid.description))
        #expect(try await provider.post(agent.full()) == 200)

        _ = try await provider.send(
            .post, "/api/v1/approvals", #"{"decisions":[{"agent":"web-17","decision":"block"}]}"#)
        #expect(try await provider.post(agent.beat()) == 403)
        #expect(try await provider.json("/api/v1/approvals?admission=blocked")["matched"] == 1)
        #expect(try await provider.json("/api/v1/approvals")["matched"] == 0)
        let forgotten = try await provider.request(.delete, "/api/v1/agents/web-17", headers: jsonType)
        #expect(forgotten.status == 409)
        let problem = try JSON(parsing: forgotten.body)
        #expect(problem["detail"]?.string?.contains("unblock it first") == true)
        _ = try await provider.send(
            .post, "/api/v1/approvals", #"{"decisions":[{"agent":"web-17","decision":"unblock"}]}"#)
        #expect(try await provider.post(agent.beat()) == 200)
        let kinds = try await provider.json("/api/v1/agents/web-17?include=events")["events"]?.array?.map { $0["kind"] }
        #expect(kinds?.contains("approved") == true && kinds?.contains("blocked") == true)
    }
}

@Test(.timeLimit(.minutes(5)))
func `labels are put over REST and answered with the agent`() async throws {
    try await TransportTestProvider.with { provider in
        var agent = Reporter()
        #expect(try await provider.post(agent.full()) == 200)
        let path = "/api/v1/agents/web-17/labels"
        let put = try await provider.send(.put, path, #"{"labels":{"env":"prod"}}"#)
        #expect(put.status == 200 && put.json["labels"] == ["env": "prod"] && put.json["host"] == "web-17")
        #expect(try await provider.json("/api/v1/agents?filter=label.env:prod")["matched"] == 1)
        #expect(try await provider.send(.put, "/api/v1/agents/abcdef/labels", #"{"labels":{}}"#).status == 404)
    }
}

@Test(
    .timeLimit(.minutes(5)),
    arguments: [
        (HTTPRequest.Method.put, "/api/v1/settings", #"{"approval":true}"#, "approval"),
        (.put, "/api/v1/settings", #"{"approval_required":"yes"}"#, "approval_required"),
        (.put, "/api/v1/settings", "[]", "body"), (.put, "/api/v1/settings", "", "body"),
        (.put, "/api/v1/settings", #"{"keep_events_days":0}"#, "keep_events_days"),
        (.post, "/api/v1/approvals", "{}", "decisions"),
        (.post, "/api/v1/approvals", #"{"decisions":[]}"#, "decisions"),
        (
            .post, "/api/v1/approvals", #"{"decisions":[{"agent":"a","decision":"maybe"}]}"#,
            "decisions.[0].decision"
        ),
        (
            .post, "/api/v1/approvals", #"{"decisions":[{"agent":"a","decision":null}]}"#,
            "decisions.[0].decision"
        ),
        (.put, "/api/v1/agents/a/labels", #"{"label":{}}"#, "label"),
    ])
func `a wrong decision is refused with the place`(
    method: HTTPRequest.Method, path: String, body: String, field: String
) async throws {
    try await TransportTestProvider.with { provider in
        let answer = try await provider.send(method, path, body)
        #expect(answer.status == 400)
        #expect(answer.json["field"] == .string(field))
    }
}

@Test(.timeLimit(.minutes(5)))
func `approved agents are not listed among approvals`() async throws {
    try await TransportTestProvider.with { provider in
        let answer = try await provider.request(.get, "/api/v1/approvals?admission=approved")
        #expect(answer.status == 400)
        #expect(try JSON(parsing: answer.body)["allowed"] == ["pending", "blocked"])
    }
}
