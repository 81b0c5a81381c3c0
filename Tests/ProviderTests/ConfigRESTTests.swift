import FleetAPI
import Foundation
import HTTP
import JSON
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

private let isJSON = [(name: "Content-Type", value: "application/json")]

extension TransportTestProvider {
    /// Sends a message of an agent over plain HTTP and takes the answer.
    func report(_ message: AgentToServer) async throws -> ServerToAgent {
        let type = [(name: "Content-Type", value: "application/x-protobuf")]
        let answer = try await request(.post, "/v1/opamp", headers: type, body: try message.body())
        return try ServerToAgent(body: answer.body)
    }

    /// Sends JSON; gives status, ETag and the object that is answered.
    func send(
        _ method: HTTPRequest.Method, _ path: String, _ body: JSON?, ifMatch: String? = nil, key: String? = nil
    ) async throws -> (status: Int, eTag: String?, json: JSON) {
        let conditions = [(name: "If-Match", value: ifMatch), (name: "Idempotency-Key", value: key)]
        let headers = isJSON + conditions.compactMap { name, value in value.map { (name: name, value: $0) } }
        let answer = try await request(method, path, headers: headers, body: body.map { Array($0.text.utf8) })
        return (answer.status, answer.header("ETag"), answer.body.isEmpty ? .null : try JSON(parsing: answer.body))
    }
}

@Suite struct ConfigRESTTests {
    private static let path = "/api/v1/agents/web-17/config"

    private func files(_ text: String, _ name: String = "fluent-bit.yaml") -> JSON {
        let file: JSON = ["content": .string(text)]
        return ["files": .object(.init([(key: name, value: file)]))]
    }

    @Test(.timeLimit(.minutes(5)))
    func `a configuration goes from PUT over the agent's answer to APPLIED, and is told at each step`() async throws {
        try await TransportTestProvider.with { provider in
            var agent = Reporter.configurable()
            _ = try await provider.report(agent.full())
            let before = try await provider.send(.get, Self.path, nil)
            #expect(before.status == 200 && before.eTag == "\"0\"" && before.json["desired"] == nil)

            let put = try await provider.send(.put, Self.path, files("service:\n  flush: 1\n"), ifMatch: "\"0\"")
            #expect(put.status == 202 && put.eTag == "\"1\"" && put.json["command"] == "config")
            #expect(put.json["state"] == "queued" && put.json["parameters"]?["revision"] == 1)

            let offer = try await provider.report(agent.beat()).remoteConfig
            let file = try #require(offer.config.configMap["fluent-bit.yaml"])
            #expect(file.body == Data("service:\n  flush: 1\n".utf8) && file.contentType == "text/yaml")
            let hash = ContentHash(offer.configHash)
            #expect(hash == offer.config.offerHash)

            _ = try await provider.report(agent.status(.applied, of: hash, effective: "service: {flush: 1}"))
            let id = put.json["id"]?.string ?? ""
            #expect(try await provider.json("/api/v1/commands/\(id)")["state"] == "confirmed")
            let after = try await provider.send(.get, Self.path, nil)
            #expect(after.eTag == "\"1\"")
            #expect(after.json["desired"]?["state"] == "applied" && after.json["reported"]?["status"] == "applied")
            #expect(after.json["reported"]?["hash"] == .string(hash.hex))
            #expect(after.json["effective"]?["files"]?[""]?["content"] == "service: {flush: 1}")
            #expect(after.json["effective"]?["changed_at"] != nil && after.json["drift"] == nil)
            #expect(after.json["desired"]?["requested_by"] == "anonymous")

            let same = try await provider.send(.put, Self.path, files("service:\n  flush: 1\n"))
            #expect(same.status == 200 && same.json["id"]?.string == id, "unchanged: the command of then")
            let part = try await provider.json(Self.path + "?which=reported")
            #expect(part["desired"] == nil && part["effective"] == nil && part["reported"] != nil)
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `a request meant for another revision is refused with the present one`() async throws {
        try await TransportTestProvider.with { provider in
            var agent = Reporter.configurable()
            _ = try await provider.report(agent.full())
            #expect(try await provider.send(.put, Self.path, files("a"), ifMatch: "*").status == 202)
            let late = try await provider.send(.put, Self.path, files("b"), ifMatch: "\"0\"")
            #expect(late.status == 412 && late.json["allowed"] == ["\"1\""])
            #expect(try await provider.send(.delete, Self.path, nil, ifMatch: "\"7\", W/\"1\"").status == 412)
            #expect(try await provider.send(.put, Self.path, files("b"), ifMatch: "1").status == 400)
            #expect(try await provider.send(.put, Self.path, files("b"), ifMatch: "\"9\", \"1\"").status == 202)
            let gone = try await provider.send(.delete, Self.path, nil, ifMatch: "\"2\"")
            #expect(gone.status == 204 && gone.eTag == "\"0\"")
            #expect(try await provider.send(.delete, Self.path, nil).status == 404)
            #expect(try await provider.report(agent.beat()).hasRemoteConfig == false)
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `revisions are listed newest first, rolled back to and tried again`() async throws {
        try await TransportTestProvider.with { provider in
            var agent = Reporter.configurable()
            _ = try await provider.report(agent.full())
            func apply(_ status: RemoteConfigStatuses, error: String = "") async throws {
                let hash = ContentHash(try await provider.report(agent.beat()).remoteConfig.configHash)
                _ = try await provider.report(agent.status(status, of: hash, error: error))
            }
            _ = try await provider.send(.put, Self.path, files("one"))
            #expect(try await provider.send(.post, Self.path + "/rollback", [:]).status == 409, "nothing before")
            try await apply(.applied)
            _ = try await provider.send(.put, Self.path, files("two"))
            try await apply(.failed, error: "no")
            #expect(try await provider.send(.put, Self.path, files("two")).status == 409)
            let retry = try await provider.send(.post, Self.path + "/retry", nil)
            #expect(retry.status == 202 && retry.eTag == "\"2\"")
            try await apply(.failed, error: "still no")

            let back = try await provider.send(.post, Self.path + "/rollback", [:], ifMatch: "\"2\"")
            #expect(back.status == 202 && back.eTag == "\"3\"" && back.json["parameters"]?["rolled_back_to"] == 1)
            let offer = try await provider.report(agent.beat()).remoteConfig
            #expect(offer.config.configMap.values.map(\.body) == [Data("one".utf8)])
            _ = try await provider.report(agent.status(.applied, of: ContentHash(offer.configHash)))

            let page = try await provider.json(Self.path + "/revisions?limit=2")
            #expect(page["matched"] == 3 && page["next"] == "2")
            let rows = page["revisions"]?.array ?? []
            #expect(
                rows.map { $0["revision"]?.integer } == [3, 2] && rows.map { $0["state"] } == ["applied", "failed"])
            #expect(rows[0]["rolled_back_to"] == 1 && rows[1]["error"] == "still no")
            #expect(rows[0]["files"]?.array?.first?["bytes"] == 3 && rows[0]["contents"] == nil)
            let rest = try await provider.json(Self.path + "/revisions?cursor=2")
            #expect(rest["revisions"]?.array?.count == 1 && rest["next"] == nil)
            let two = try await provider.json(Self.path + "/revisions/2")
            #expect(two["contents"]?["fluent-bit.yaml"]?["content"] == "two")
            #expect(try await provider.send(.get, Self.path + "/revisions/9", nil).status == 404)
            #expect(try await provider.send(.post, Self.path + "/rollback", ["revision": 9]).status == 404)
        }
    }

    @Test(
        .timeLimit(.minutes(5)),
        arguments: [
            (#"{"files":{}}"#, 400, "files"), (#"{}"#, 400, "files"), (#"{"files":[]}"#, 400, "files"),
            (#"{"files":{"a":{"content":"x"}},"stop_agent":true}"#, 400, "stop_agent"),
            (#"{"files":{"a":{"content":"x","colour":1}}}"#, 400, "files.a.colour"),
            (#"{"files":{"a":{}}}"#, 400, "files.a.content"),
            (#"{"files":{"a\u0001":{"content":"x"}}}"#, 400, "files"),
            (#"{"files":{"a":{"content":"x","encoding":"base64"}}}"#, 400, "files.a.content"),
            (#"{"files":{"\u00e9":{"content":"x"},"e\u0301":{"content":"y"}}}"#, 400, "files.e\u{301}"),
            (#"{"files":{"a":{"content":"one\npassword ***MASKED***\n"}}}"#, 422, "files.a"),
            (#"{"files":{"a":{"content":"x"}},"expires_seconds":0}"#, 400, "expires_seconds"),
        ])
    func `a configuration that cannot be offered is refused with the place`(
        body: String, status: Int, field: String
    ) async throws {
        try await TransportTestProvider.with { provider in
            var agent = Reporter.configurable()
            _ = try await provider.report(agent.full())
            let answer = try await provider.request(.put, Self.path, headers: isJSON, body: Array(body.utf8))
            #expect(answer.status == status)
            let problem = try JSON(parsing: answer.body)
            #expect(problem["field"] == .string(field))
            if status == 422 { #expect(problem["value"] == "line 2") }
            #expect(try await provider.report(agent.beat()).hasRemoteConfig == false)
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `an empty configuration, an empty name and bytes that are no text travel as they are`() async throws {
        try await TransportTestProvider.with { provider in
            var agent = Reporter.configurable()
            _ = try await provider.report(agent.full())
            let bytes: JSON = [
                "files": [
                    "": ["content": "//4=", "encoding": "base64", "role": "primary", "content_type": "application/x"]
                ]
            ]
            #expect(try await provider.send(.put, Self.path, bytes).status == 202)
            let file = try #require(try await provider.report(agent.beat()).remoteConfig.config.configMap[""])
            #expect(file.body == Data([0xff, 0xfe]) && file.role == "primary" && file.contentType == "application/x")
            let told = try await provider.json(Self.path)
            #expect(told["desired"]?["files"]?[""]?["content"] == "//4=")
            #expect(told["desired"]?["files"]?[""]?["encoding"] == "base64")

            #expect(try await provider.send(.put, Self.path, ["files": [:], "stop_agent": true]).status == 202)
            let empty = try await provider.report(agent.beat())
            #expect(empty.hasRemoteConfig && empty.remoteConfig.config.configMap.isEmpty)
            #expect(empty.remoteConfig.configHash.count == 32)
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `secrets are masked in what is shown, and sent and stored as they are`() async throws {
        try await TransportTestProvider.with { provider in
            var agent = Reporter.configurable()
            _ = try await provider.report(agent.full())
            let text = "[OUTPUT]\n    Name es\n    HTTP_Passwd hunter2\n    Host ${HOST}\n"
            let shown: JSON = "[OUTPUT]\n    Name es\n    HTTP_Passwd ***MASKED***\n    Host ${HOST}\n"
            let put = try await provider.send(.put, Self.path, files(text, "a.conf"))
            let offer = try await provider.report(agent.beat()).remoteConfig
            #expect(offer.config.configMap["a.conf"]?.body == Data(text.utf8), "sent as it is")
            let hash = ContentHash(offer.configHash)
            let failed = agent.status(
                .failed, of: hash, error: "cannot log in with password=hunter2", effective: text)
            _ = try await provider.report(failed)

            let told = try await provider.json(Self.path)
            #expect(told["desired"]?["files"]?["a.conf"]?["content"] == shown)
            #expect(told["effective"]?["files"]?[""]?["content"] == shown)
            let masked: JSON = "cannot log in with password=***MASKED***"
            #expect(told["desired"]?["error"] == masked && told["reported"]?["error"] == masked)
            let revision = try await provider.json(Self.path + "/revisions/1")
            #expect(revision["contents"]?["a.conf"]?["content"] == shown && revision["error"] == masked)
            let command = try await provider.json("/api/v1/commands/\(put.json["id"]?.string ?? "")")
            #expect(command["result"] == masked)
            let detail = try await provider.json("/api/v1/agents/web-17?include=events,config,commands")
            #expect(!detail.text.contains("hunter2"))
            let retry = try await provider.send(.post, Self.path + "/retry", [:])
            #expect(retry.status == 202)
            let again = try await provider.report(agent.beat()).remoteConfig
            #expect(again.config.configMap["a.conf"]?.body == Data(text.utf8), "stored as it is")
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `an agent that takes no configuration is told by its missing capability`() async throws {
        try await TransportTestProvider.with { provider in
            var agent = Reporter()
            let answer = try await provider.report(agent.full())
            #expect(ServerCapabilities(rawValue: answer.capabilities).isSuperset(of: [.offersRemoteConfig]))
            let put = try await provider.send(.put, Self.path, files("a"))
            #expect(put.status == 409 && put.json["missing_capability"] == "AcceptsRemoteConfig")
            #expect(try await provider.send(.post, Self.path + "/retry", nil).status == 409)
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `a configuration may have 4 MiB, and no more`() async throws {
        try await TransportTestProvider.with { provider in
            var agent = Reporter.configurable()
            _ = try await provider.report(agent.full())
            let text = String(repeating: "# padding\n", count: 300_000)
            #expect(try await provider.send(.put, Self.path, files(text)).status == 202)
            #expect(
                try await provider.report(agent.beat()).remoteConfig.config.configMap.values.first?.body.count
                    == 3_000_000)
            #expect(try await provider.send(.put, Self.path, files(text + text)).status == 413)
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `over a WebSocket an offer comes by itself, and again after the connection was lost`() async throws {
        try await TransportTestProvider.with { provider in
            var agent = Reporter.configurable()
            try await TransportTestConnection.with(port: provider.port) { connection in
                _ = try await connection.upgrade()
                try await connection.sendFrame(2, try agent.full().frame())
                _ = try await connection.message()
                #expect(try await provider.send(.put, Self.path, files("a")).status == 202)
                let offer = try await connection.message()
                #expect(offer.hasRemoteConfig && !offer.hasCommand)
            }
            try await TransportTestConnection.with(port: provider.port) { connection in
                _ = try await connection.upgrade()
                try await connection.sendFrame(2, try agent.full().frame())
                _ = try await connection.message()
                let offer = try await connection.message()
                #expect(offer.remoteConfig.config.configMap["fluent-bit.yaml"]?.body == Data("a".utf8))
                let hash = ContentHash(offer.remoteConfig.configHash)
                try await connection.sendFrame(2, try agent.status(.applied, of: hash).frame())
                _ = try await connection.message()
                #expect(try await provider.json(Self.path)["desired"]?["state"] == "applied")
            }
        }
    }
}

@Suite struct ConfigStoreTests {
    @Test func `desired configurations, their content and their history survive a start of the provider`() async throws
    {
        let directory = TemporaryDirectory()
        let uid = Reporter().uid
        let hash = Stage.hash("a")
        let body =
            try EffectiveConfig.with { config in
                config.configMap.configMap[""] = .with { $0.body = Data("a".utf8) }
            }.serializedBytes() as [UInt8]
        do {
            var (stage, agent) = (Stage(), Reporter.configurable())
            stage.send(agent.full(), over: exchange())
            var request = OfferRequest(
                kind: .config, command: .config, hash: hash, body: body, revision: ConfigRevision())
            request.parameters = ["files": ["": 1]]
            let id = try stage.offer(request, to: uid)
            stage.send(agent.beat(), over: exchange())
            let store = try Store(directory: directory.path)
            try await write(stage.effects.changes, to: store)
            try store.close()
            #expect(stage.command(id)?.state == .sent)
        }
        let store = try Store(directory: directory.path)
        let fleet = try store.load(unconfirmedSince: Timestamp(seconds: 0))
        let state = FleetState(fleet, now: Stage.start)
        #expect(state.records[0].decisions.config.desired?.state == .sent)
        #expect(try await store.config(hash.hex) == body)
        let found = try await store.revisions(of: uid, .config, before: nil, limit: 10)
        #expect(found.matched == 1 && found.revisions[0].state == .sent && found.revisions[0].requestedBy == "ann")

        var stage = Stage()
        stage.state = state
        var agent = Reporter.configurable()
        _ = agent.beat()
        _ = agent.beat()
        stage.send(agent.beat(), over: exchange())
        #expect(stage.reoffered == [hash], "sent, and the provider died: offered again when the agent is heard")
        stage.send(agent.status(.applied, of: hash), over: exchange())
        #expect(stage.desired(uid)?.state == .applied)
        try store.close()
    }

    @Test func `no more than a hundred revisions are kept, and the one that runs`() async throws {
        let store = try Store(directory: nil)
        let uid = Reporter().uid
        func revision(_ number: Int) -> ConfigRevision {
            var revision = ConfigRevision()
            (revision.revision, revision.hash) = (number, "00")
            return revision
        }
        let changes = (1...105).map { Change.revision(uid, .config, revision($0), sparing: 2) }
        try await write(changes, to: store)
        let found = try await store.revisions(of: uid, .config, before: nil, limit: 1000)
        #expect(found.revisions.map(\.revision) == Array((6...105).reversed()) + [2])
        try store.close()
    }

    @Test func `with an agent its revisions are forgotten, and they move with it to another uid`() async throws {
        let store = try Store(directory: nil)
        let (uid, other) = (Reporter(1).uid, Reporter(2).uid)
        var revision = ConfigRevision()
        (revision.revision, revision.hash) = (1, "00")
        try await write([.revision(uid, .config, revision, sparing: nil), .rename(from: uid, to: other)], to: store)
        #expect(try await store.revisions(of: uid, .config, before: nil, limit: 9).matched == 0)
        #expect(try await store.revisions(of: other, .config, before: nil, limit: 9).matched == 1)
        try await write([.forget(other)], to: store)
        #expect(try await store.revisions(of: other, .config, before: nil, limit: 9).matched == 0)
        try store.close()
    }

    private func write(_ changes: [Change], to store: Store) async throws {
        try await withCheckedThrowingContinuation { continuation in
            store.write(changes) { continuation.resume(with: $0) }
        }
    }
}
