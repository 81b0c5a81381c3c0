import FleetAPI
import Foundation
import Testing

@testable import Provider

@Suite struct AccessTokenTests {
    private let directory = TemporaryDirectory()

    @Test func `a token is a prefix and 256 random bits, and only its digest is kept`() throws {
        let request = TokenRequest(name: "ci", role: .operator, expires: "90d")
        let now = AccessStage.start.wall
        let made = try (0..<50).map { _ in try StoredToken.make(request, by: "boss", at: now) }
        #expect(Set(made.map(\.issued.token)).count == 50)
        #expect(Set(made.map(\.stored.id)).count == 50)
        for (stored, issued) in made {
            #expect(issued.token.hasPrefix("opamp_"))
            // 32 bytes in base64 without padding.
            #expect(issued.token.utf8.count == 6 + 43)
            #expect(issued.token.utf8.dropFirst(6).allSatisfy { $0 != 0x2b && $0 != 0x2f && $0 != 0x3d })
            #expect(stored.digest == Array(TokenSecret.digest(of: issued.token)))
            #expect(stored.expiresAt == now + .seconds(90 * 86_400))
            #expect(!"\(stored)".contains(issued.token.dropFirst(6)))
        }
    }

    @Test(arguments: [
        ("30m", "2026-11-24T10:30:00Z"), ("12h", "2026-11-24T22:00:00Z"), ("90d", "2027-02-22T10:00:00Z"),
        ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"), ("2027-01-01T02:00:00+02:00", "2027-01-01T00:00:00Z"),
    ])
    func `a token ends after a time or at one`(text: String, end: String) throws {
        let request = TokenRequest(name: "ci", role: .viewer, expires: text)
        #expect(try request.expiry(at: AccessStage.start.wall) == Timestamp(end))
    }

    @Test(arguments: [
        "", "90", "d", "0d", "-1d", "3651d", "9999999999999999999d", "1y", "90 d", "Never", "2026-11-24T10:00:00Z",
        "2025-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "tomorrow",
    ])
    func `a time that cannot be is refused with what is allowed`(text: String) throws {
        let request = TokenRequest(name: "ci", role: .viewer, expires: text)
        let error = try #require(throws: ShapeError.self) { try request.expiry(at: AccessStage.start.wall) }
        #expect(error.path == "expires" && error.message.contains("never"))
    }

    @Test(arguments: ["", "a b", "ümlaut", "a\n", "anonymous", "Anonymous", String(repeating: "n", count: 65), "a/b"])
    func `a name that cannot be is refused`(name: String) throws {
        #expect(throws: ShapeError.self) { try TokenRequest(name: name, role: .viewer, expires: "never").checkName() }
    }

    @Test func `without any token everybody of this machine is admin, and nobody of another one`() async throws {
        let stage = try AccessStage()
        #expect(!stage.doorkeeper.isRequired)
        let caller = try #require(await stage.ask().caller)
        #expect(caller.name == "anonymous" && caller.role == .admin && caller.kind == .anonymous)
        #expect(await stage.ask(allowsAnonymous: false).status == 401)
    }

    @Test func `from the first token on everybody needs one, which says who they are`() async throws {
        let stage = try AccessStage()
        let boss = try await stage.token("boss", .admin)
        let reader = try await stage.token("reader", .viewer, expires: "1h")
        #expect(stage.doorkeeper.isRequired)
        for (token, role) in [(boss, Role.admin), (reader, .viewer)] {
            let caller = try #require(await stage.ask(token.token).caller)
            #expect(caller.name == token.name && caller.role == role && caller.kind == .token)
            #expect(caller.address == "10.1.2.3:4567" && caller.expiresAt == token.expiresAt)
        }
        let nobody = await stage.ask()
        #expect(nobody.status == 401)
        #expect(nobody.reason?.contains("opamp-provider token create") == true)
    }

    @Test func `the first token must be an admin's, so that nobody is locked out`() async throws {
        let stage = try AccessStage()
        let problem = try await #require(throws: Problem.self) { try await stage.token("reader", .viewer) }
        #expect(problem.status == 409 && problem.field == "role")
        #expect(!stage.doorkeeper.isRequired)
    }

    @Test func `a name belongs to one token until that is revoked`() async throws {
        let stage = try AccessStage()
        let first = try await stage.token("boss", .admin)
        let problem = try await #require(throws: Problem.self) { try await stage.token("boss", .viewer) }
        #expect(problem.status == 409 && problem.field == "name")
        try await stage.doorkeeper.revokeToken(first.id, by: AccessStage.admin)
        _ = try await stage.token("boss", .admin)
        #expect(stage.doorkeeper.tokens().tokens.map(\.state) == [.active, .revoked])
    }

    @Test func `a revoked token is refused at once, and told so`() async throws {
        let stage = try AccessStage()
        let boss = try await stage.token("boss", .admin)
        let other = try await stage.token("other", .operator)
        #expect(await stage.ask(other.token).caller != nil)
        try await stage.doorkeeper.revokeToken(other.id, by: AccessStage.admin)
        let refused = await stage.ask(other.token)
        #expect(refused.status == 401 && refused.reason?.contains("revoked") == true)
        #expect(await stage.ask(boss.token).caller != nil)
        let problem = try await #require(throws: Problem.self) {
            try await stage.doorkeeper.revokeToken("00", by: AccessStage.admin)
        }
        #expect(problem.status == 404)
    }

    @Test func `an expired token is refused, and opens nothing by its end`() async throws {
        let stage = try AccessStage()
        let boss = try await stage.token("boss", .admin, expires: "30m")
        let later = Moment.now() + .seconds(31 * 60)
        let refused = await stage.ask(boss.token, at: later)
        #expect(refused.status == 401 && refused.reason?.contains("expired") == true)
        #expect(await stage.ask(at: later).status == 401)
    }

    @Test func `tokens are kept over a restart, without themselves, and when they were used`() async throws {
        let boss: IssuedToken
        do {
            let stage = try AccessStage(dataDirectory: directory.path)
            boss = try await stage.token("boss", .admin)
            #expect(await stage.ask(boss.token).caller != nil)
            #expect(stage.doorkeeper.tokens().tokens.first?.lastUsedAt != nil)
            stage.doorkeeper.saveUses()
            try stage.fleet.store.close()
        }
        let stage = try AccessStage(dataDirectory: directory.path)
        #expect(stage.doorkeeper.isRequired)
        #expect(await stage.ask(boss.token).caller?.name == "boss")
        let shown = try #require(stage.doorkeeper.tokens().tokens.first)
        #expect(shown.id == boss.id && shown.lastUsedAt != nil && shown.createdBy == "boss")
        for file in ["/fleet.sqlite", "/fleet.sqlite-wal"] {
            let bytes = FileManager.default.contents(atPath: directory.path + file) ?? Data()
            #expect(bytes.range(of: Data(boss.token.utf8.dropFirst(6))) == nil)
        }
        try stage.fleet.store.close()
    }

    @Test func `what the command line does counts in a provider that runs`() async throws {
        let stage = try AccessStage(dataDirectory: directory.path)
        let desk = TokenDesk(dataDirectory: directory.path)
        let boss = try desk.create(TokenRequest(name: "boss", role: .admin, expires: "never"))
        stage.doorkeeper.store.queue.sync { stage.doorkeeper.look() }
        #expect(stage.doorkeeper.isRequired)
        #expect(await stage.ask(boss.token).caller?.role == .admin)
        #expect(throws: StoreError.self) {
            try desk.create(TokenRequest(name: "boss", role: .admin, expires: "never"))
        }
        #expect(try desk.list().map(\.id) == [boss.id])
        let revoked = try desk.revoke(boss.id)
        #expect(revoked.token.state == .revoked && !revoked.isAnyLeft)
        stage.doorkeeper.store.queue.sync { stage.doorkeeper.look() }
        #expect(await stage.ask(boss.token).status == 401)
        #expect(!stage.doorkeeper.isRequired)
        #expect(throws: StoreError.self) { try desk.revoke("00") }
        let audit = try await stage.audit()
        #expect(audit.prefix(2).map(\.action) == ["create_token", "revoke_token"])
        #expect(audit.first?.by == "command line" && audit.first?.target == boss.id)
        #expect(!"\(audit)".contains(boss.token))
        try stage.fleet.store.close()
    }

    @Test func `the command line needs no provider, and makes no directory but for a token`() throws {
        let desk = TokenDesk(dataDirectory: directory.path + "/new")
        #expect(throws: StoreError.self) { try desk.list() }
        #expect(throws: StoreError.self) { try desk.revoke("00") }
        let made = try desk.create(TokenRequest(name: "ci", role: .viewer, expires: "1h"))
        #expect(try desk.list().map(\.name) == ["ci"])
        #expect(try desk.revoke(made.id).token.state == .revoked)
    }
}
