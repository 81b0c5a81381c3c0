import Foundation
import Glibc
import HTTP
import JSON
import Testing

/// Agents that are enrolled, with the real programs.
@Suite(.timeLimit(.minutes(5))) struct EnrolmentTests {
    /// Runs a sub-command of the provider on the data directory to its end.
    private func run(
        _ stage: Stage, _ command: String, _ arguments: String...
    ) async throws -> (lines: [JSON], code: Int32?, log: String) {
        let verb = [command, arguments[0], "--data-dir", "\(stage.folder)/data"]
        let child = try stage.start("opamp-provider", verb + arguments.dropFirst())
        let lines = try await child.remainingLines().map { try JSON(parsing: $0) }
        return (lines, await child.exitCode(), child.log)
    }

    /// Makes an enrolment, writes its token into a file, and gives its id and the token.
    private func enrolment(_ stage: Stage, uses: Int) async throws -> (id: String, token: String, file: String) {
        let made = try await run(stage, "enrolment", "create", "--name", "fleet", "--uses", "\(uses)")
        try #require(made.code == 0 && made.lines.count == 1, "\(made.log)")
        let (id, token) = (try #require(made.lines[0]["id"]?.string), try #require(made.lines[0]["token"]?.string))
        let file = "\(stage.folder)/enrolment-\(id)"
        try Data(token.utf8).write(to: URL(filePath: file), options: .atomic)
        try #require(chmod(file, 0o600) == 0)
        return (id, token, file)
    }

    private func provider(_ stage: Stage, port: Int = 0) async throws -> Provider {
        let arguments = [
            "--listen", "127.0.0.1:\(port)", "--data-dir", "\(stage.folder)/data", "--agent-auth", "token",
            "--log-level",
            "debug",
        ]
        let child = try stage.start("opamp-provider", arguments)
        let line = try JSON(parsing: try await child.line())
        return Provider(child: child, url: try #require(line["listening"]?.string))
    }

    @Test(arguments: ["ws", "http"])
    func `a simulated fleet is enrolled, comes back with tokens of its own, and one that is revoked stays out`(
        scheme: String
    ) async throws {
        try await withStage { stage in
            let (id, token, file) = try await enrolment(stage, uses: 4)
            let provider = try await provider(stage)
            let fleet = try stage.start(
                "opamp-sim",
                [
                    "--url", "\(scheme)\(provider.url.dropFirst(4))/v1/opamp", "--agents", "4", "--heartbeat", "1",
                    "--enrolment-token-file", file, "--log-level", "debug",
                ])
            _ = try await provider.wait(for: "agents?filter=identity:verified%20status:connected") {
                $0["matched"] == 4
            }
            let list = try await run(stage, "enrolment", "list")
            #expect(list.lines.map { $0["id"] } == [.string(id)] && list.lines[0]["used"] == 4)
            #expect(list.lines[0]["state"] == "used_up")

            let tokens = try await run(stage, "agent-token", "list")
            #expect(tokens.lines.count == 4 && tokens.lines.allSatisfy { $0["shown_at"] != nil })
            let uid = try #require(tokens.lines[0]["instance_uid"]?.string)
            let revoked = try await run(stage, "agent-token", "revoke", uid)
            #expect(revoked.code == 0 && revoked.lines.first?["revoked"] == 1, "\(revoked.log)")
            // It comes back again and again, and stays out; the others are not disturbed.
            _ = try await provider.wait(for: "audit?action=connect") { $0["matched"]?.integer ?? 0 > 0 }
            _ = try await provider.wait(for: "agents/\(uid)") { $0["agent"]?["status"] != "connected" }
            let others = try await provider.agents("identity:verified status:connected")
            #expect(others.count == 3)
            let audit = try await provider.get("audit?limit=100")
            let actions = Set(audit["entries"]?.array?.compactMap { $0["action"]?.string } ?? [])
            #expect(
                actions.isSuperset(of: ["create_enrolment", "enrol", "show_token", "revoke_agent_token", "connect"]))

            fleet.signal(SIGTERM)
            #expect(await fleet.exitCode() == 0)
            provider.child.signal(SIGTERM)
            #expect(await provider.child.exitCode() == 0)
            for log in [fleet.log, provider.child.log] {
                #expect(!log.contains(token) && !log.contains("opampagent_"), "no token in a log")
            }
        }
    }

    @Test func `an enrolment that is made, and one that is revoked, count while the provider runs`() async throws {
        try await withStage { stage in
            let provider = try await provider(stage)
            let (id, token, _) = try await enrolment(stage, uses: 1)
            let client = HTTPClient()
            func exchange() async throws -> Int {
                let headers = [
                    (name: "Authorization", value: "Bearer \(token)"),
                    (name: "Content-Type", value: "application/json"),
                ]
                let body = #"{"instance_uid": "0123456789abcdef0123456789abcdef"}"#
                return try await client.send(
                    HTTPRequest(.post, "\(provider.url)/v1/opamp/enrol", headers: headers, body: Array(body.utf8))
                ).status
            }
            while try await exchange() != 201 { try Task.checkCancellation() }
            let revoked = try await run(stage, "enrolment", "revoke", id)
            #expect(revoked.code == 0 && revoked.lines.first?["state"] == "revoked", "\(revoked.log)")
            while try await exchange() == 201 { try Task.checkCancellation() }
            let unknown = try await run(stage, "enrolment", "revoke", "0123456789abcdef")
            #expect(unknown.code == 1 && unknown.log.contains("enrolment list"))
            let none = try await run(stage, "agent-token", "revoke", "0123456789abcdef0123456789abcdef")
            #expect(none.code == 1 && none.log.contains("no token"), "it ended with its enrolment: \(none.log)")
        }
    }

    @Test(arguments: [
        (["enrolment", "create", "--uses", "0"], "uses"), (["enrolment", "create", "--expires", "never"], "expires"),
        (["enrolment", "create", "--name", "a b"], "name"), (["agent-token", "revoke", "short"], "32 hex digits"),
    ])
    func `a wrong flag ends with 64`(arguments: [String], named: String) async throws {
        try await withStage { stage in
            let child = try stage.start("opamp-provider", arguments + ["--data-dir", "\(stage.folder)/data"])
            #expect(await child.exitCode() == 64)
            #expect(child.log.contains(named), "\(child.log)")
        }
        try await withStage { stage in
            let child = try stage.start("opamp-provider", ["--in-memory", "--agent-auth", "maybe"])
            #expect(await child.exitCode() == 64 && child.log.contains("token and none"))
        }
    }

    /// Kills a provider once an enrolment was used so often, and starts it again.
    private func killed(_ provider: Provider, _ stage: Stage, used: Int) async throws -> Provider {
        _ = try await provider.wait(for: "enrolments") { list in
            list["enrolments"]?.array?.first?["used"]?.integer ?? 0 >= used
        }
        provider.child.signal(SIGKILL)
        _ = await provider.child.exitCode()
        return try await self.provider(stage, port: provider.port)
    }

    @Test func `a provider that is killed while a fleet is enrolled lets every agent in with what it has`() async throws
    {
        try await withStage { stage in
            let agents = 40
            let (id, _, file) = try await enrolment(stage, uses: agents)
            let first = try await provider(stage)
            _ = try stage.start(
                "opamp-sim",
                [
                    "--url", first.agentURL, "--agents", "\(agents)", "--heartbeat", "1", "--enrolment-token-file",
                    file, "--log-level", "error",
                ])
            // At some moments in the middle of it.
            let second = try await killed(first, stage, used: 1)
            let third = try await killed(second, stage, used: agents / 4)
            let provider = try await killed(third, stage, used: agents / 2)
            _ = try await provider.wait(for: "agents?filter=identity:verified%20status:connected") {
                $0["matched"]?.integer == agents
            }
            let list = try await provider.get("enrolments")
            let enrolment = try #require(list["enrolments"]?.array?.first { $0["id"]?.string == id })
            #expect(enrolment["used"]?.integer == agents, "each use was written once, with what it led to")
        }
    }

    @Test func `an agent of the client opentelemetry-opamp-client shows the token that was exchanged for it`()
        async throws
    {
        try await withStage { stage in
            let (_, token, _) = try await enrolment(stage, uses: 1)
            let provider = try await provider(stage)
            let script = "\(testFolder)/Clients/opamp_agent.py"
            let agent = try stage.start(
                python, [script, "\(provider.url)/v1/opamp", "enrol"], environment: ["TOKEN": token])
            #expect(try await agent.line() == "connected", "\(agent.log)")
            let found = try await provider.agents("identity:verified")
            #expect(found.count == 1 && found.first?["host"] == "python-host")
            agent.endInput()
            #expect(await agent.remainingLines() == ["stopped"])
            // Without it the same client is refused.
            let stranger = try stage.start(python, [script, "\(provider.url)/v1/opamp"])
            #expect(try await stranger.line().contains("failed"), "\(stranger.log)")
            stranger.endInput()
            #expect(try await provider.get("info")["agents"] == 1)
        }
    }
}
