import FleetAPI
import Foundation
import HTTP
import JSON
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

extension TransportTestProvider {
    /// Makes an enrolment over the API.
    fileprivate func enrolment(_ body: JSON = [:]) async throws -> JSON {
        let answer = try await asking(.post, "enrolments", body)
        try #require(answer.status == 201, "\(String(decoding: answer.body, as: UTF8.self))")
        return try JSON(parsing: answer.body)
    }

    fileprivate func asking(_ method: HTTPRequest.Method, _ path: String, _ body: JSON? = nil) async throws
        -> HTTPResponse
    {
        let type = [(name: "Content-Type", value: "application/json")]
        return try await request(method, "/api/v1/" + path, headers: body == nil ? [] : type, body: try body?.bytes())
    }

    /// Exchanges an enrolment token.
    fileprivate func exchanging(_ token: String?, _ body: String) async throws -> HTTPResponse {
        var headers = [(name: "Content-Type", value: "application/json")]
        if let token { headers.append((name: "Authorization", value: "Bearer \(token)")) }
        return try await request(.post, "/v1/opamp/enrol", headers: headers, body: Array(body.utf8))
    }

    fileprivate func identity(_ agent: Reporter) async throws -> JSON? {
        try await json("/api/v1/agents/\(agent.uid)")["agent"]?["identity"]
    }
}

/// The token that an answer offers.
private func offered(_ message: ServerToAgent) throws -> String {
    let header = try #require(message.connectionSettings.opamp.headers.headers.first { $0.key == "Authorization" })
    return try #require(Credentials.bearerToken(header.value).map { String($0) })
}

private func authorization(_ token: String) -> String { "Authorization: Bearer \(token)\r\n" }

/// Enrolments over real connections, and by people.
@Suite(.timeLimit(.minutes(5))) struct EnrolmentLiveTests {
    @Test func `over HTTP the first answer has the token, and with it the agent comes back`() async throws {
        try await TransportTestProvider.with(agentsNeedTokens: true) { provider in
            var (agent, other) = (Reporter.enrolling(1), Reporter.enrolling(2))
            let enrolment = try await provider.enrolment(["name": "rack-7"])
            let token = try #require(enrolment["token"]?.string)
            try await TransportTestConnection.with(port: provider.port) { connection in
                #expect(try await connection.post(try agent.full().body()).status == 401)
                let first = try await connection.post(try agent.full().body(), headers: authorization(token))
                #expect(first.status == 200)
                let own = try offered(try ServerToAgent(body: first.body))
                #expect(try await provider.identity(agent) == "unverified")
                // Lost answers cost nothing, another agent gets none.
                let again = try await connection.post(try agent.full().body(), headers: authorization(token))
                #expect(again.status == 200)
                let second = try offered(try ServerToAgent(body: again.body))
                #expect(second != own)
                let refused = try await connection.post(try other.full().body(), headers: authorization(token))
                #expect(refused.status == 403)
                let error = try ServerToAgent(body: refused.body).errorResponse
                #expect(error.type == .badRequest && error.errorMessage.contains("has been used"))

                let back = try await connection.post(try agent.full().body(), headers: authorization(second))
                #expect(back.status == 200)
                #expect(try await provider.identity(agent) == "verified")
                for gone in [own, token] {
                    #expect(
                        try await connection.post(try agent.beat().body(), headers: authorization(gone)).status == 401)
                }
                let stolen = try await connection.post(try other.full().body(), headers: authorization(second))
                #expect(stolen.status == 403)
                #expect(try await provider.json("/api/v1/info")["agents"] == 1)
                try await notes(on: provider, [token, own, second], agent)
            }
        }
    }

    /// What people see of it, in which there is no token.
    private func notes(on provider: TransportTestProvider, _ secrets: [String], _ agent: Reporter) async throws {
        let detail = try await provider.json("/api/v1/agents/\(agent.uid)?include=commands,events")
        #expect(detail["own_token"]?["shown_at"] != nil && detail["own_token"]?["enrolment"] != nil)
        let list = try await provider.json("/api/v1/enrolments")
        #expect(list["enrolments"]?.array?.first?["state"] == "used_up")
        #expect(list["enrolments"]?.array?.first?["used"] == 1)
        let audit = try await provider.json("/api/v1/audit?limit=100")
        let actions = audit["entries"]?.array?.compactMap { $0["action"]?.string } ?? []
        for action in ["create_enrolment", "enrol", "show_token", "connect"] {
            #expect(actions.contains(action), "\(actions)")
        }
        let connection = try await provider.json("/api/v1/agents/\(agent.uid)/connection-settings?unmasked=true")
        let found = try await provider.json("/api/v1/agents?filter=identity:verified&fields=identity,host")
        #expect(found["matched"] == 1 && found["agents"]?.array?.first?["identity"] == "verified")
        for text in [detail.text, list.text, audit.text, connection.text] {
            for secret in secrets { #expect(!text.contains(secret)) }
        }
    }

    @Test func `over a WebSocket too, and with another uid it ends with 1008`() async throws {
        try await TransportTestProvider.with(agentsNeedTokens: true) { provider in
            var (agent, other) = (Reporter.enrolling(1), Reporter.enrolling(2))
            let token = try #require(try await provider.enrolment()["token"]?.string)
            var own = ""
            try await TransportTestConnection.with(port: provider.port) { connection in
                #expect(try await connection.upgrade(headers: authorization(token)).hasPrefix("HTTP/1.1 101 "))
                try await connection.sendFrame(2, try agent.full().frame())
                var message = try await connection.message()
                if !message.hasConnectionSettings { message = try await connection.message() }
                own = try offered(message)
            }
            try await TransportTestConnection.with(port: provider.port) { connection in
                #expect(try await connection.upgrade(headers: authorization(own)).hasPrefix("HTTP/1.1 101 "))
                try await connection.sendFrame(2, try agent.full().frame())
                #expect(try await connection.message().hasErrorResponse == false)
                #expect(try await provider.identity(agent) == "verified")
            }
            try await TransportTestConnection.with(port: provider.port) { connection in
                #expect(try await connection.upgrade(headers: authorization(own)).hasPrefix("HTTP/1.1 101 "))
                try await connection.sendFrame(2, try other.full().frame())
                let refused = try await connection.message()
                #expect(refused.errorResponse.errorMessage.contains("the token is that of agent \(agent.uid)"))
                var frame = try await connection.frame()
                while frame.opcode == 9 { frame = try await connection.frame() }
                #expect(frame.code == 1008)
            }
            try await TransportTestConnection.with(port: provider.port) { connection in
                let head = try await connection.upgrade(headers: authorization(own + "x"))
                #expect(head.hasPrefix("HTTP/1.1 401 "))
            }
        }
    }

    @Test func `an agent that takes no settings has its token from the exchange`() async throws {
        try await TransportTestProvider.with(agentsNeedTokens: true) { provider in
            var agent = Reporter(1)
            let token = try #require(try await provider.enrolment()["token"]?.string)
            let body = #"{"instance_uid": "\#(agent.uid)"}"#
            for (token, body, status) in [
                (nil, body, 401), (token + "x", body, 401), (token, "{}", 400), (token, "[", 400),
                (token, #"{"instance_uid": "short"}"#, 400),
                (token, #"{"instance_uid": "\#(String(repeating: "a", count: 8_000))"}"#, 413),
            ] {
                #expect(try await provider.exchanging(token, body).status == status, "\(body.prefix(60))")
            }
            #expect(try await provider.request(.get, "/v1/opamp/enrol").status == 405)
            let text = [(name: "Content-Type", value: "text/plain"), (name: "Authorization", value: "Bearer \(token)")]
            let plain = try await provider.request(.post, "/v1/opamp/enrol", headers: text, body: Array(body.utf8))
            #expect(plain.status == 415)

            let first = try await provider.exchanging(token, body)
            #expect(first.status == 201 && first.headers.contains { $0.name.lowercased() == "cache-control" })
            let second = try JSON(parsing: try await provider.exchanging(token, body).body)
            #expect(second["instance_uid"]?.string == agent.uid.description)
            let other = try await provider.exchanging(token, #"{"instance_uid": "\#(Reporter(2).uid)"}"#)
            #expect(other.status == 403)
            // Either is good until one has been shown.
            let own = try #require(try JSON(parsing: first.body)["token"]?.string)
            try await TransportTestConnection.with(port: provider.port) { connection in
                let answer = try await connection.post(try agent.full().body(), headers: authorization(own))
                #expect(answer.status == 200)
            }
            #expect(try await provider.identity(agent) == "verified")
            let late = try await provider.exchanging(token, body)
            #expect(late.status == 401, "it has been used")
            #expect(try await provider.exchanging(own, body).status == 403, "a token of an agent is no enrolment")
        }
    }

    @Test func `what an agent shows opens nothing of the API, nor a person's token the agents' paths`() async throws {
        try await TransportTestProvider.with(agentsNeedTokens: true) { provider in
            let enrolment = try #require(try await provider.enrolment()["token"]?.string)
            let own = try JSON(
                parsing: try await provider.exchanging(enrolment, #"{"instance_uid": "\#(Reporter(1).uid)"}"#).body)
            let admin = try JSON(
                parsing: try await provider.asking(.post, "tokens", ["name": "a", "role": "admin", "expires": "1h"])
                    .body)
            let person = try #require(admin["token"]?.string)
            for token in [enrolment, try #require(own["token"]?.string)] {
                let answer = try await provider.request(
                    .get, "/api/v1/agents", headers: [(name: "Authorization", value: "Bearer \(token)")])
                #expect(answer.status == 401)
            }
            #expect(try await provider.exchanging(person, #"{"instance_uid": "\#(Reporter(1).uid)"}"#).status == 401)
        }
    }

    @Test func `where agents need no token what is not ours is nobody's, and what was ours is refused`() async throws {
        try await TransportTestProvider.with { provider in
            var (agent, enrolling) = (Reporter(1), Reporter.enrolling(2))
            enrolling.host = "db-1"
            let enrolment = try await provider.enrolment()
            let token = try #require(enrolment["token"]?.string)
            try await TransportTestConnection.with(port: provider.port) { connection in
                let foreign = try await connection.post(try agent.full().body(), headers: authorization("of-a-proxy"))
                #expect(foreign.status == 200)
                #expect(try await provider.identity(agent) == nil)
                #expect(
                    try await connection.post(try agent.beat().body(), headers: authorization(token + "x")).status
                        == 401)
                #expect(try await connection.post(try agent.beat().body()).status == 200, "nobody is locked out")
                let first = try await connection.post(try enrolling.full().body(), headers: authorization(token))
                let own = try offered(try ServerToAgent(body: first.body))
                #expect(
                    try await connection.post(try enrolling.full().body(), headers: authorization(own)).status == 200)
                #expect(try await provider.identity(enrolling) == "verified")
                #expect(try await connection.post(try enrolling.beat().body()).status == 403)
                let found = try await provider.json("/api/v1/agents?filter=identity:none")
                #expect(found["matched"] == 1)
            }
        }
    }

    @Test func `wrong tokens of an address are answered 429 after a while, and the right one is let in`() async throws {
        try await TransportTestProvider.with(agentsNeedTokens: true) { provider in
            var agent = Reporter.enrolling()
            let token = try #require(try await provider.enrolment()["token"]?.string)
            try await TransportTestConnection.with(port: provider.port) { connection in
                var statuses: [Int] = []
                while statuses.last != 429, statuses.count < 100 {
                    let answer = try await connection.post(try agent.full().body(), headers: authorization(token + "x"))
                    statuses.append(answer.status)
                    if answer.status == 429 { #expect(answer.fields["retry-after"] != nil) }
                }
                #expect(statuses.first == 401 && statuses.last == 429, "\(statuses)")
                #expect(try await connection.post(try agent.full().body(), headers: authorization(token)).status == 200)
            }
            let audit = try await provider.json("/api/v1/audit?action=connect")
            #expect(audit["matched"] == 1, "one entry a minute")
        }
    }

    @Test func `people revoke and offer tokens, and what cannot be is refused`() async throws {
        try await TransportTestProvider.with { provider in
            var agent = Reporter.enrolling()
            for (body, status) in [
                (["uses": 0], 400), (["expires": "never"], 400), (["name": "a b"], 400), (["use": 1], 400),
            ] as [(JSON, Int)] {
                #expect(try await provider.asking(.post, "enrolments", body).status == status)
            }
            #expect(try await provider.asking(.delete, "enrolments/00").status == 404)
            try await TransportTestConnection.with(port: provider.port) { connection in
                _ = try await connection.upgrade()
                try await connection.sendFrame(2, try agent.full().frame())
                _ = try await connection.message()
                #expect(try await provider.asking(.delete, "agents/\(agent.uid)/token").status == 404)
                let answer = try await provider.asking(.post, "agents/\(agent.uid)/token", [:])
                #expect(answer.status == 202)
                let command = try JSON(parsing: answer.body)
                #expect(command["command"] == "connection_settings" && command["parameters"]?["own_token"] == true)
                let own = try offered(try await connection.message())
                try await TransportTestConnection.with(port: provider.port) { second in
                    _ = try await second.upgrade(headers: authorization(own))
                    try await second.sendFrame(2, try agent.full().frame())
                    _ = try await second.message()
                    #expect(try await provider.identity(agent) == "verified")
                    #expect(try await provider.asking(.delete, "agents/\(agent.uid)/token").status == 204)
                    // The connection is young, so it is kept, unheard, until its first beat; here another way in is tried.
                    try await TransportTestConnection.with(port: provider.port) { third in
                        let head = try await third.upgrade(headers: authorization(own))
                        #expect(head.hasPrefix("HTTP/1.1 401 "))
                    }
                }
                #expect(try await provider.json("/api/v1/agents/\(agent.uid)")["own_token"] == nil)
            }
            let enrolment = try await provider.enrolment()
            let id = try #require(enrolment["id"]?.string)
            for _ in 1...2 { #expect(try await provider.asking(.delete, "enrolments/\(id)").status == 204) }
            let token = try #require(enrolment["token"]?.string)
            let refused = try await provider.exchanging(token, #"{"instance_uid": "\#(agent.uid)"}"#)
            #expect(refused.status == 401 && String(decoding: refused.body, as: UTF8.self).contains("revoked"))
        }
    }

    @Test func `what is enrolled is known after a start, and no token is in the database`() async throws {
        let directory = TemporaryDirectory()
        var agent = Reporter.enrolling()
        var secrets: [String] = []
        try await TransportTestProvider.with(agentsNeedTokens: true, dataDirectory: directory.path) { provider in
            let token = try #require(try await provider.enrolment()["token"]?.string)
            try await TransportTestConnection.with(port: provider.port) { connection in
                let first = try await connection.post(try agent.full().body(), headers: authorization(token))
                secrets = [token, try offered(try ServerToAgent(body: first.body))]
            }
        }
        try await TransportTestProvider.with(agentsNeedTokens: true, dataDirectory: directory.path) { provider in
            try await TransportTestConnection.with(port: provider.port) { connection in
                // The claim is open still: with the enrolment it gets another one, and with the first it is in.
                let again = try await connection.post(try agent.full().body(), headers: authorization(secrets[0]))
                secrets.append(try offered(try ServerToAgent(body: again.body)))
                #expect(
                    try await connection.post(try agent.full().body(), headers: authorization(secrets[1])).status == 200
                )
                #expect(
                    try await connection.post(try agent.full().body(), headers: authorization(secrets[0])).status == 401
                )
            }
            for file in ["fleet.sqlite", "fleet.sqlite-wal"] {
                let path = directory.path + "/" + file
                guard let bytes = FileManager.default.contents(atPath: path) else { continue }
                for secret in secrets { #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(file)") }
            }
        }
        try await TransportTestProvider.with(agentsNeedTokens: true, dataDirectory: directory.path) { provider in
            try await TransportTestConnection.with(port: provider.port) { connection in
                let status = try await connection.post(try agent.full().body(), headers: authorization(secrets[1]))
                    .status
                #expect(status == 200)
            }
            #expect(try await provider.identity(agent) == "verified")
        }
    }
}
