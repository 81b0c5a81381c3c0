import FleetAPI
import HTTP
import HTTPTypes
import JSON
import Testing

@testable import Provider

/// Who may do what over real connections.
@Suite(.timeLimit(.minutes(5))) struct AccessLiveTests {
    /// Every path with the least role that may use it; `-` where nobody has to say who they are.
    private static let table = """
        - GET /healthz
        viewer GET /api/v1/info
        viewer GET /api/v1/fleet
        viewer GET /api/v1/agents
        viewer GET /api/v1/agents/find
        viewer GET /api/v1/agents/{}
        admin DELETE /api/v1/agents/{}
        viewer GET /api/v1/command-types
        operator POST /api/v1/agents/{}/commands
        viewer GET /api/v1/commands
        viewer GET /api/v1/commands/{}
        operator DELETE /api/v1/commands/{}
        operator POST /api/v1/operations
        viewer GET /api/v1/operations
        viewer GET /api/v1/operations/{}
        operator DELETE /api/v1/operations/{}
        viewer GET /api/v1/agents/{}/config
        admin PUT /api/v1/agents/{}/config
        admin DELETE /api/v1/agents/{}/config
        viewer GET /api/v1/agents/{}/config/revisions
        viewer GET /api/v1/agents/{}/config/revisions/{}
        admin POST /api/v1/agents/{}/config/rollback
        admin POST /api/v1/agents/{}/config/retry
        viewer GET /api/v1/agents/{}/connection-settings
        admin PUT /api/v1/agents/{}/connection-settings
        admin DELETE /api/v1/agents/{}/connection-settings
        admin POST /api/v1/agents/{}/connection-settings/retry
        admin PUT /api/v1/agents/{}/heartbeat
        viewer GET /api/v1/approvals
        admin POST /api/v1/approvals
        operator PUT /api/v1/agents/{}/labels
        viewer GET /api/v1/settings
        admin PUT /api/v1/settings
        admin GET /api/v1/tokens
        admin POST /api/v1/tokens
        admin DELETE /api/v1/tokens/{}
        admin GET /api/v1/enrolments
        admin POST /api/v1/enrolments
        admin DELETE /api/v1/enrolments/{}
        admin POST /api/v1/agents/{}/token
        admin DELETE /api/v1/agents/{}/token
        viewer GET /api/v1/session
        - POST /api/v1/session
        viewer DELETE /api/v1/session
        admin GET /api/v1/audit/export
        operator GET /api/v1/audit
        viewer GET /api/v1/openapi.json
        viewer GET /api/v1/events
        viewer GET /api/v1/events/stream
        - GET /readyz
        viewer GET /metrics
        viewer GET /api/v1/agents.csv
        operator PUT /api/v1/agents/{}/mute
        operator PUT /api/v1/mutes
        """

    @Test func `every path has the role of this table`() {
        let paths = API.routes.routes.map { route in
            "\(route.isOpen ? "-" : route.role.rawValue) \(route.method) /"
                + route.parts.map { $0 ?? "{}" }.joined(separator: "/")
        }
        for path in paths {
            #expect(Self.table.split(separator: "\n").contains(path[...]), "not in the table: \(path)")
        }
        for line in Self.table.split(separator: "\n") { #expect(paths.contains(String(line)), "no path: \(line)") }
    }

    @Test func `every path is refused to who has not its role, before anything of the request is looked at`()
        async throws
    {
        try await TransportTestProvider.with { provider in
            let admin = try #require(try await provider.token("admin")["token"]?.string)
            var tokens: [(role: Role?, text: String?)] = [(nil, nil), (nil, "wrong"), (.admin, admin)]
            for role in [Role.viewer, .operator] {
                let token = try await provider.token(role.rawValue, with: admin)
                tokens.append((role, try #require(token["token"]?.string)))
            }
            for route in API.routes.routes {
                let method = try #require(HTTP.HTTPRequest.Method(rawValue: route.method.rawValue))
                let path = "/" + route.parts.map { $0 ?? "nobody" }.joined(separator: "/")
                // An answer without an end is not asked for by who would get it.
                let isEndless = route.parts.last == "stream"
                for (role, text) in tokens where !isEndless || role == nil {
                    let status = try await provider.ask(method, path, method == .get ? nil : "[]", token: text).status
                    let what = "\(method.rawValue) \(path) as \(role?.rawValue ?? text ?? "nobody")"
                    if route.isOpen {
                        #expect(status != 403 && status != 401, "\(what)")
                    } else if let role {
                        #expect((status == 403) == (role < route.role), "\(what): \(status)")
                        #expect(status != 401, "\(what)")
                    } else {
                        #expect(text == nil ? status == 401 : status == 401 || status == 429, "\(what): \(status)")
                    }
                }
            }
        }
    }

    @Test func `a refusal without a token says how to get one, with the challenge`() async throws {
        try await TransportTestProvider.with { provider in
            _ = try await provider.token("admin")
            let without = try await provider.request(.get, "/api/v1/agents")
            #expect(without.status == 401 && without.header("WWW-Authenticate") == #"Bearer realm="opamp-provider""#)
            #expect(without.contentType == "application/problem+json")
            let wrong = try await provider.ask(.get, "/api/v1/agents", token: "opamp_wrong")
            #expect(wrong.status == 401)
            #expect(
                wrong.header("WWW-Authenticate") == #"Bearer realm="opamp-provider", error="invalid_token""#)
            #expect(!String(decoding: wrong.body, as: UTF8.self).contains("opamp_wrong"))
            #expect(try await provider.request(.get, "/healthz").status == 200)
        }
    }

    @Test func `tokens are made, shown without themselves, and revoked over REST`() async throws {
        try await TransportTestProvider.with { provider in
            let made = try await provider.token("admin")
            let admin = try #require(made["token"]?.string)
            let other = try await provider.token("viewer", with: admin)
            let list = try await provider.ask(.get, "/api/v1/tokens", token: admin)
            let text = String(decoding: list.body, as: UTF8.self)
            #expect(try JSON(parsing: list.body)["tokens"]?.array?.map { $0["name"] } == ["the-viewer", "the-admin"])
            #expect(!text.contains(admin) && !text.contains("digest"))
            let id = try #require(other["id"]?.string)
            for _ in 0..<2 {
                #expect(try await provider.ask(.delete, "/api/v1/tokens/\(id)", token: admin).status == 204)
            }
            let token = try #require(other["token"]?.string)
            #expect(try await provider.ask(.get, "/api/v1/info", token: token).status == 401)
            #expect(try await provider.ask(.delete, "/api/v1/tokens/00", token: admin).status == 404)
            let taken = try await provider.ask(
                .post, "/api/v1/tokens", ["name": "the-admin", "role": "viewer", "expires": "1h"], token: admin)
            #expect(taken.status == 409)
        }
    }

    @Test(arguments: [
        (#"{"name":"a b","role":"viewer","expires":"1h"}"#, "name"),
        (#"{"name":"a","role":"root","expires":"1h"}"#, "role"),
        (#"{"name":"a","role":"viewer","expires":"0d"}"#, "expires"), (#"{"name":"a","role":"viewer"}"#, "expires"),
        (#"{"name":"a","role":"viewer","expires":"1h","token":"x"}"#, "token"),
    ])
    func `a token that cannot be made is refused with the member`(body: String, field: String) async throws {
        try await TransportTestProvider.with { provider in
            let answer = try await provider.ask(.post, "/api/v1/tokens", try JSON(parsing: body))
            #expect(answer.status == 400)
            #expect(try JSON(parsing: answer.body)["field"] == .string(field))
        }
    }

    @Test func `tokens of agents do not open the API, nor those of people the agents' path`() async throws {
        let agent = "a-token-of-an-agent-0123"
        try await withTokenFile(agent + "\n") { tokens in
            try await TransportTestProvider.with(tokens: tokens) { provider in
                #expect(try await provider.ask(.get, "/api/v1/agents", token: agent).status == 401)
                let admin = try #require(try await provider.token("admin")["token"]?.string)
                #expect(try await provider.ask(.get, "/api/v1/agents", token: agent).status == 401)
                #expect(try await provider.ask(.get, "/api/v1/agents", token: admin).status == 200)
                let type = (name: "Content-Type", value: "application/x-protobuf")
                for (token, status) in [(admin, 401), (agent, 400)] {
                    let authorization = (name: "Authorization", value: "Bearer \(token)")
                    let answer = try await provider.request(
                        .post, "/v1/opamp", headers: [type, authorization], body: [1, 2, 3])
                    #expect(answer.status == status)
                }
            }
        }
    }

    @Test func `a raw message needs an admin, also for many agents, and the refusal is recorded`() async throws {
        try await TransportTestProvider.with { provider in
            let admin = try #require(try await provider.token("admin")["token"]?.string)
            let `operator` = try #require(try await provider.token("operator", with: admin)["token"]?.string)
            let raw: JSON = ["command": "custom", "parameters": ["capability": "a", "type": "b"]]
            let bulk: JSON = [
                "command": "custom", "parameters": ["capability": "a", "type": "b"], "filter": "type:x",
                "dry_run": true,
            ]
            let restart: JSON = ["command": "restart"]
            for (path, body, token, status) in [
                ("agents/nobody/commands", raw, `operator`, 403), ("agents/nobody/commands", raw, admin, 404),
                ("agents/nobody/commands", restart, `operator`, 404), ("operations", bulk, `operator`, 403),
                ("operations", bulk, admin, 200),
            ] {
                #expect(try await provider.ask(.post, "/api/v1/\(path)", body, token: token).status == status)
            }
        }
    }

    @Test func `a browser begins a session with a token, and shows a cookie from then on`() async throws {
        try await TransportTestProvider.with { provider in
            let admin = try #require(try await provider.token("admin")["token"]?.string)
            #expect(try await provider.ask(.post, "/api/v1/session", ["token": "wrong"]).status == 401)
            let login = try await provider.ask(.post, "/api/v1/session", ["token": .string(admin)])
            #expect(login.status == 201)
            #expect(try JSON(parsing: login.body)["role"] == "admin")
            let field = try #require(login.header("Set-Cookie"))
            #expect(
                field.contains("; HttpOnly; SameSite=Strict") && !field.contains("Secure") && !field.contains(admin))
            let cookie = (name: "Cookie", value: String(field.prefix { $0 != ";" }))
            let me = try await provider.ask(.get, "/api/v1/session", headers: [cookie])
            #expect(try JSON(parsing: me.body)["kind"] == "session")
            #expect(try JSON(parsing: me.body)["name"] == "the-admin")
            let own = (name: "Origin", value: "http://127.0.0.1:\(provider.port)")
            let foreign = (name: "Origin", value: "http://evil.example")
            for (headers, status) in [([cookie], 403), ([cookie, foreign], 403), ([cookie, own], 200)] {
                let answer = try await provider.ask(.put, "/api/v1/settings", [:], headers: headers)
                #expect(answer.status == status)
            }
            let logout = try await provider.ask(.delete, "/api/v1/session", headers: [cookie, own])
            #expect(logout.status == 204 && logout.header("Set-Cookie")?.contains("Max-Age=0") == true)
            #expect(try await provider.ask(.get, "/api/v1/session", headers: [cookie]).status == 401)
        }
    }
}
