import FleetAPI
import HTTPTypes
import Testing

@testable import Provider

/// What is bounded: wrong tokens, what is recorded of them, sessions.
@Suite struct AccessLimitTests {
    private let start = AccessStage.start

    @Test func `ten wrong tokens are told so, the next ones must wait, and good tokens never do`() async throws {
        let stage = try AccessStage()
        let boss = try await stage.token("boss", .admin)
        let now = Moment.now()
        for _ in 0..<FailureLimiter.burst {
            #expect(await stage.ask("wrong", from: "10.1.2.3:1", at: now).status == 401)
        }
        guard case .failure(let refusal) = await stage.ask("wrong", from: "10.1.2.3:2", at: now) else {
            Issue.record("let in")
            return
        }
        #expect(refusal.problem.status == 429)
        #expect(refusal.fields[.retryAfter].flatMap { Int($0) } ?? 0 >= 1)
        #expect(await stage.ask(boss.token, from: "10.1.2.3:3", at: now).caller != nil)
        #expect(await stage.ask("wrong", from: "10.1.2.4:1", at: now).status == 401)
        // Trying on does not lengthen it.
        for second in 0..<6 {
            #expect(await stage.ask("wrong", from: "10.1.2.3:2", at: now + .seconds(second)).status == 429)
        }
        #expect(await stage.ask("wrong", from: "10.1.2.3:2", at: now + .seconds(7)).status == 401)
        #expect(await stage.ask("wrong", from: "10.1.2.3:2", at: now + .seconds(7)).status == 429)
    }

    @Test func `no credential at all is no wrong one`() async throws {
        let stage = try AccessStage()
        _ = try await stage.token("boss", .admin)
        for _ in 0..<50 { #expect(await stage.ask().status == 401) }
        for _ in 0..<50 { #expect(await stage.ask(session: "ended").status == 401) }
        #expect(await stage.ask("wrong").status == 401)
    }

    @Test func `addresses count without port, those of IPv6 by network`() {
        let same = [
            ("10.1.2.3:1", "10.1.2.3:2"), ("[2001:db8:1:2::1]:1", "[2001:db8:1:2:ffff::9]:443"), ("[::1]:1", "[::1]:2"),
        ]
        for (one, other) in same { #expect(FailureLimiter.network(of: one) == FailureLimiter.network(of: other)) }
        let different = [
            ("10.1.2.3:1", "10.1.2.4:1"), ("[2001:db8:1:2::1]:1", "[2001:db8:1:3::1]:1"), ("[::1]:1", "[::2]:1"),
            ("[::ffff:10.1.2.3]:1", "[::ffff:10.1.2.4]:1"),
        ]
        for (one, other) in different { #expect(FailureLimiter.network(of: one) != FailureLimiter.network(of: other)) }
        let odd = ["", "unknown", String(repeating: "x", count: 10_000), "[zz]:1", "[1:2"]
        for text in odd { #expect(FailureLimiter.network(of: text).utf8.count <= 64) }
    }

    @Test func `only so many addresses are remembered, and those that failed last are among them`() {
        var limiter = FailureLimiter()
        for number in 0..<FailureLimiter.addressLimit * 2 {
            for _ in 0..<FailureLimiter.burst {
                limiter.failed("10.\(number >> 16).\(number >> 8 & 255).\(number & 255):1", at: start)
            }
        }
        #expect(limiter.count == FailureLimiter.addressLimit)
        let last = FailureLimiter.addressLimit * 2 - 1
        #expect(limiter.wait("10.\(last >> 16).\(last >> 8 & 255).\(last & 255):1", at: start) != nil)
        limiter.failed("10.255.0.1:1", at: start + .seconds(61))
        #expect(limiter.count == 1)
    }

    private func entry(_ number: Int, at now: Moment) -> AuditEntry {
        AuditEntry(
            at: now.wall, by: "unknown", from: "10.0.0.\(number):1", action: "authenticate", target: "token",
            outcome: "401 Unauthorized", detail: nil)
    }

    @Test func `of one address one refused attempt a minute is recorded, and how many more there were`() {
        var log = RefusalLog()
        #expect(log.take(entry(1, at: start), key: "1", at: start).count == 1)
        for second in 1..<60 {
            let now = start + .seconds(second)
            #expect(log.take(entry(1, at: now), key: "1", at: now) == [])
            #expect(log.flush(at: now) == [])
        }
        #expect(log.take(entry(2, at: start), key: "2", at: start + .seconds(59)).count == 1)
        let later = start + .seconds(60)
        #expect(log.flush(at: later).map(\.detail) == ["59 more within a minute"])
        #expect(log.flush(at: later, isAtOnce: true) == [])
        #expect(log.take(entry(1, at: later), key: "1", at: later).count == 1)
    }

    @Test func `of many addresses no more than a bounded number of entries a minute is recorded`() {
        var log = RefusalLog()
        var written = 0
        for number in 0..<10_000 {
            written += log.take(entry(number, at: start), key: "\(number)", at: start + .milliseconds(number)).count
        }
        #expect(written == RefusalLog.keyLimit)
        let rest = log.flush(at: start + .seconds(60))
        #expect(rest.map(\.from) == ["several"])
        #expect(rest.first?.detail?.hasPrefix("9900 more") == true)
    }

    @Test func `refused attempts are in the audit, without what was shown`() async throws {
        let stage = try AccessStage()
        let boss = try await stage.token("boss", .admin)
        let gone = try await stage.token("gone", .viewer)
        try await stage.doorkeeper.revokeToken(gone.id, by: AccessStage.admin)
        let secret = "opamp_a-secret-that-was-mistyped"
        for _ in 0..<5 { _ = await stage.ask(secret, from: "10.0.0.1:7") }
        _ = await stage.ask(gone.token, from: "10.0.0.2:7")
        let caller = try #require(await stage.ask(boss.token).caller)
        let viewer = Caller(name: "reader", address: "10.0.0.3:7", role: .viewer)
        for _ in 0..<5 {
            let problem = stage.doorkeeper.forbidden("PUT /api/v1/settings", to: viewer, needing: .admin)
            #expect(problem.status == 403)
        }
        _ = caller
        let audit = try await stage.audit().filter { $0.outcome != "done" }
        #expect(audit.map(\.by) == ["unknown", "gone", "reader"])
        #expect(audit.map(\.from) == ["10.0.0.1:7", "10.0.0.2:7", "10.0.0.3:7"])
        #expect(audit.map(\.outcome) == ["401 Unauthorized", "401 Unauthorized", "403 Forbidden"])
        #expect(audit.last?.target == "PUT /api/v1/settings")
        #expect(!"\(audit)".contains("mistyped") && !"\(audit)".contains(gone.token))
    }

    @Test func `a session ends after eight hours, or with its token`() async throws {
        let stage = try AccessStage()
        let boss = try await stage.token("boss", .admin)
        let other = try await stage.token("other", .operator, expires: "1h")
        let now = Moment.now()
        let long = try await stage.doorkeeper.beginSession(boss.token, from: "10.0.0.1:1", at: now)
        let short = try await stage.doorkeeper.beginSession(other.token, from: "10.0.0.1:1", at: now)
        #expect(long.info.role == .admin && long.time == .seconds(8 * 3_600))
        #expect(short.info.expiresAt == other.expiresAt)
        #expect(await stage.ask(session: long.secret, at: now + .seconds(28_799)).caller?.name == "boss")
        #expect(await stage.ask(session: long.secret, at: now + .seconds(28_801)).status == 401)
        #expect(await stage.ask(session: short.secret, at: now + .seconds(3_500)).caller?.kind == .session)
        #expect(await stage.ask(session: short.secret, at: now + .seconds(3_601)).status == 401)
        try await stage.doorkeeper.revokeToken(boss.id, by: AccessStage.admin)
        #expect(await stage.ask(session: long.secret, at: now).status == 401)
        #expect(await stage.ask(session: long.secret + "x", at: now).status == 401)
    }

    @Test func `a session changes something only from a page of this host`() async throws {
        let stage = try AccessStage()
        let boss = try await stage.token("boss", .admin)
        let session = try await stage.doorkeeper.beginSession(boss.token, from: "10.0.0.1:1").secret
        #expect(await stage.ask(session: session, isWrite: true).status == 403)
        #expect(await stage.ask(session: session, isSameOrigin: true, isWrite: true).caller != nil)
        #expect(await stage.ask(session: session).caller != nil)
        #expect(await stage.ask(boss.token, isWrite: true).caller != nil)
    }

    @Test func `there are so many sessions at most, and nobody pushes out the others`() {
        var sessions = Sessions()
        let first = sessions.begin("first", .viewer, tokenID: nil, until: nil, at: start.wall)
        var own: [String] = []
        for number in 0..<200 {
            let now = start.wall + .seconds(number + 1)
            own.append(sessions.begin("loop", .viewer, tokenID: nil, until: nil, at: now).secret)
        }
        #expect(sessions.count == 1 + Sessions.limitOfOne)
        let later = start.wall + .seconds(300)
        #expect(sessions.session(first.secret, at: later) != nil)
        #expect(own.map { sessions.session($0, at: later) != nil } == (0..<200).map { $0 >= 150 })
        for number in 0..<Sessions.limit * 2 {
            _ = sessions.begin("user-\(number)", .viewer, tokenID: nil, until: nil, at: later + .seconds(number))
        }
        #expect(sessions.count == Sessions.limit)
        _ = sessions.begin("last", .viewer, tokenID: nil, until: nil, at: later + .seconds(86_400))
        #expect(sessions.count == 1)
    }

    @Test(arguments: [
        (["opamp_session=abc"], "abc"), (["a=b; opamp_session=abc; c=d"], "abc"),
        (["a=b", "opamp_session=abc"], "abc"),
        ([], nil), (["opamp_session="], nil), (["opamp_session"], nil), (["xopamp_session=abc"], nil),
        (["opamp_session=abc; opamp_session=def"], nil), (["opamp_session=a=b"], "a=b"),
    ])
    func `the session's cookie is found among others`(fields: [String], value: String?) {
        #expect(SessionCookie.value(in: fields, isSecure: false) == value)
        #expect(SessionCookie.value(in: fields, isSecure: true) == nil)
        let secure = fields.map { $0.replacing("opamp_session", with: "__Host-opamp_session") }
        #expect(SessionCookie.value(in: secure, isSecure: true) == value)
        #expect(SessionCookie.value(in: secure, isSecure: false) == nil)
    }
}
