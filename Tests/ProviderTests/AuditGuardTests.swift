import FleetAPI
import Foundation
import GRDB
import HTTP
import HTTPTypes
import JSON
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

/// The audit is only added to, and can be taken out whole.
@Suite(.timeLimit(.minutes(5))) struct AuditGuardTests {
    private let day = Duration.seconds(86_400)

    private func entry(_ number: Int, at moment: Timestamp) -> Change {
        .audit(
            AuditEntry(
                at: moment, by: "me", from: "127.0.0.1:1", action: "test", target: "\(number)", outcome: "done",
                detail: nil))
    }

    private func store(_ times: [Timestamp]) async throws -> Store {
        let store = try Store(directory: nil)
        try await store.commit(times.enumerated().map { entry($0.offset, at: $0.element) })
        return store
    }

    private func execute(_ sql: String, _ store: Store) throws {
        try store.database.write { try $0.execute(sql: sql) }
    }

    @Test(arguments: [
        "UPDATE audit SET \"by\" = 'you'", "UPDATE audit SET at = 0 WHERE number = 1", "DELETE FROM audit",
        "DELETE FROM audit WHERE number = 3",
        "INSERT OR REPLACE INTO audit SELECT number, at, 'you', \"from\", action, target, outcome, detail FROM audit",
        "REPLACE INTO audit (number, at, \"by\", \"from\", action, target, outcome) VALUES (3, 1, '', '', '', '', '')",
    ])
    func `no entry of the last day can be changed, replaced or taken away`(sql: String) async throws {
        let now = AccessStage.start.wall
        let store = try await store([now - .seconds(90_000), now - .seconds(80_000), now])
        let error = try #require(throws: DatabaseError.self) { try execute(sql, store) }
        #expect(error.message?.contains("audit") == true)
        #expect(try await store.audit(limit: 9).map(\.entry.by) == ["me", "me", "me"])
    }

    @Test func `entries past their days are cleared away, later ones stay`() async throws {
        let now = AccessStage.start
        let store = try await store([now.wall - .seconds(400 * 86_400), now.wall - .seconds(366 * 86_400), now.wall])
        for second in 0..<12 { store.sweep(Retention(), at: now + .seconds(second)) }
        store.flushNow()
        #expect(try await store.audit(limit: 9).map(\.entry.target) == ["2"])
    }

    @Test func `an export is every entry within the times, oldest first, a line each, for admins alone`() async throws {
        try await TransportTestProvider.with { provider in
            let made = try await provider.token("admin")
            let admin = try #require(made["token"]?.string)
            // More than one piece of it.
            for _ in 0..<520 {
                #expect(
                    try await provider.ask(.get, "/api/v1/audit/export?since=2200-01-01T00:00:00Z", token: admin).body
                        == [])
            }
            let answer = try await provider.ask(.get, "/api/v1/audit/export", token: admin)
            #expect(answer.status == 200 && answer.contentType == "application/x-ndjson")
            let text = String(decoding: answer.body, as: UTF8.self)
            let lines = try text.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
            #expect(text.hasSuffix("\n") && lines.count == 522)
            #expect(lines.map { $0["number"]?.integer } == (1...522).map { $0 })
            #expect(lines.first?["action"] == "create_token" && lines.first?["target"] == made["id"])
            #expect(lines.first?["by"] == "anonymous")
            #expect(lines.last?["action"] == "export_audit" && lines.last?["by"] == "the-admin")
            #expect(!text.contains(admin))
            let wrong = try await provider.ask(.get, "/api/v1/audit/export?until=now", token: admin)
            #expect(wrong.status == 400)
        }
    }

    @Test func `whoever reads secrets unmasked is on record before`() async throws {
        let stage = try AccessStage()
        var agent = Reporter()
        stage.fleet.receive(agent.full(), over: exchange()) { _ in }
        let call = { (role: Role) throws -> Call in
            Call(
                fleet: stage.fleet, arguments: [], query: try QueryParameters("", names: []), fields: [:], body: [],
                caller: Caller(name: "ada", address: "10.0.0.1:1", role: role), doorkeeper: stage.doorkeeper)
        }
        for role in [Role.viewer, .operator] {
            let problem = try await #require(throws: Problem.self) {
                try await call(role).shows(true, "config", of: agent.uid.description)
            }
            #expect(problem.status == 403)
        }
        #expect(try await call(.admin).shows(true, "config", of: agent.uid.description))
        let entries = try await stage.audit()
        #expect(entries.map(\.action) == ["request", "read_unmasked"])
        #expect(entries.last?.target == agent.uid.description && entries.last?.detail == "config")
    }

    @Test func `an admin may read secrets of a configuration, others see them masked`() async throws {
        try await TransportTestProvider.with { provider in
            var agent = Reporter()
            var report = agent.full()
            report.effectiveConfig.configMap.configMap["a.conf"] = .with { $0.body = Data("password s3cret".utf8) }
            _ = try await provider.report(report)
            let admin = try #require(try await provider.token("admin")["token"]?.string)
            let viewer = try #require(try await provider.token("viewer", with: admin)["token"]?.string)
            let path = "/api/v1/agents/\(agent.uid)/config"
            for (query, token, status, isShown) in [
                ("", viewer, 200, false), ("", admin, 200, false), ("?unmasked=false", viewer, 200, false),
                ("?unmasked=true", viewer, 403, false), ("?unmasked=true", admin, 200, true),
                ("?unmasked=yes", admin, 400, false),
            ] {
                let answer = try await provider.ask(.get, path + query, token: token)
                #expect(answer.status == status, "\(query)")
                #expect(String(decoding: answer.body, as: UTF8.self).contains("s3cret") == isShown, "\(query)")
            }
        }
    }
}
