import Crypto
import FleetAPI
import OpAMP
import Testing

@testable import Provider

/// The values that enrolments and tokens of agents are made of.
@Suite struct EnrolmentRulesTests {
    private let start = Timestamp("2026-11-24T10:00:00Z")!
    private let uid = Reporter(1).uid

    @Test func `a token says what it is and which, and is not guessed`() throws {
        let secret = AgentSecret(.own, id: 0xa1)
        #expect(secret.text.hasPrefix("opampagent_00000000000000a1_") && secret.text.utf8.count == 28 + 43)
        #expect(AgentSecret(.own, id: 0xa1) != secret)
        let form = try #require(AgentSecret.form(of: secret.text))
        #expect(form.kind == .own && form.id == 0xa1)
        #expect(AgentSecret.form(of: AgentSecret(.enrolment, id: .max).text)?.kind == .enrolment)
        for other in [
            "", "opampagent_", "opampagent_00000000000000a1", "opampagent_+0000000000000a1_x", "opamp_abc",
            "opampagent_00000000000000g1_x", "xopampagent_00000000000000a1_x", "opampagent_00a1_x",
        ] {
            #expect(AgentSecret.form(of: other) == nil, "\(other)")
        }
        #expect("\(secret)" == "(a token)" && !String(reflecting: [secret]).contains("opampagent"))
    }

    @Test func `an enrolment ends with its time, its uses or a person`() throws {
        let request = EnrolmentRequest(name: "rack-7", expires: "2h", uses: 2)
        let (stored, issued) = try StoredEnrolment.make(request, by: "ann", at: start)
        #expect(issued.expiresAt == start + .seconds(7_200) && issued.uses == 2 && issued.id == stored.id.hexDigits)
        var book = EnrolmentBook([stored])
        let digest = TokenSecret.digest(of: issued.token)
        #expect(book.find(stored.id, digest) == stored)
        #expect(book.find(stored.id &+ 1, digest) == nil)
        #expect(book.find(stored.id, TokenSecret.digest(of: issued.token + "x")) == nil)
        #expect(stored.state(at: start) == .active && stored.state(at: start + .seconds(7_200)) == .expired)
        book.use(stored.id, at: start)
        #expect(book[stored.id]?.state(at: start) == .active)
        book.use(stored.id, at: start)
        #expect(book[stored.id]?.state(at: start) == .usedUp && book.count(at: start) == 0)
        book.revoke(stored.id, at: start)
        #expect(book.list(at: start).map(\.state) == [.revoked] && book.list(at: start)[0].used == 2)
        #expect(!"\(book)".contains(issued.token))
    }

    @Test(arguments: [
        ("name", EnrolmentRequest(name: "a b")), ("uses", EnrolmentRequest(name: nil, uses: 0)),
        ("uses", EnrolmentRequest(name: nil, uses: 100_001)),
        ("expires", EnrolmentRequest(name: nil, expires: "never")),
        ("expires", EnrolmentRequest(name: nil, expires: "366d")),
        ("expires", EnrolmentRequest(name: nil, expires: "0h")),
    ])
    func `an enrolment that cannot be is refused by the member`(member: String, request: EnrolmentRequest) throws {
        let error = try #require(throws: ShapeError.self) { try StoredEnrolment.make(request, by: "ann", at: start) }
        #expect(error.path == member)
    }

    @Test func `what another process did is taken over, and uses are known here alone`() throws {
        func make(_ name: String) throws -> StoredEnrolment {
            try StoredEnrolment.make(EnrolmentRequest(name: name, uses: 9), by: "ann", at: start).stored
        }
        let (known, new, gone) = (try make("known"), try make("new"), try make("gone"))
        var ended = gone
        ended.revokedAt = start
        var book = EnrolmentBook([known, ended])
        book.use(known.id, at: start)
        // The database has not been told of that use yet.
        var stored = known
        let taken = book.merge([stored, new], at: start)
        #expect(taken == [] && book[known.id]?.used == 1 && book[new.id] == new && book[gone.id] == nil)
        stored.revokedAt = start
        let second = book.merge([stored, new], at: start)
        #expect(second == [known.id] && book[known.id]?.state(at: start) == .revoked)
        let third = book.merge([stored, new], at: start)
        #expect(third == [], "once")
    }

    @Test func `of a token handed over several times the one that is shown counts, and those after it`() {
        var token = OwnToken(id: 1, uid: uid, at: start, enrolment: 2)
        let secrets = (0..<10).map { _ in AgentSecret(.own, id: 1) }
        for secret in secrets { token.add(secret.digest) }
        #expect(secrets.map { token.holds($0.digest) } == [false, false] + Array(repeating: true, count: 8))
        let isNew = token.show(secrets[4].digest, at: start)
        #expect(isNew)
        #expect(
            secrets.map { token.holds($0.digest) } == Array(repeating: false, count: 4)
                + Array(repeating: true, count: 6))
        for again in [secrets[4], secrets[0]] {
            let isNew = token.show(again.digest, at: start + .seconds(1))
            #expect(!isNew && token.shownAt == start)
        }
        // The one that is in use is never the one that makes room.
        for _ in 0..<20 { token.add(AgentSecret(.own, id: 1).digest) }
        #expect(token.holds(secrets[4].digest) && token.digests.count == 8 * 32)
    }

    @Test func `an agent has three tokens at most, and the one it uses stays`() {
        var book = OwnTokenBook()
        func token(_ id: UInt64, isShown: Bool = false) -> (token: OwnToken, secret: AgentSecret) {
            let secret = AgentSecret(.own, id: id)
            var token = OwnToken(id: id, uid: uid, at: start + .seconds(Int64(id)), enrolment: nil)
            token.add(secret.digest)
            return (token, secret)
        }
        let first = token(1)
        book.insert(first.token)
        let shown = book.show(1, first.secret.digest, at: start)
        #expect(shown?.void == [])
        for id in 2...5 as ClosedRange<UInt64> { book.insert(token(id).token) }
        #expect(book.tokens(of: uid).map(\.id) == [1, 4, 5] && book.token(of: uid)?.id == 1)
        let next = token(6)
        let dropped = book.insert(next.token)
        #expect(dropped == 4)
        let replaced = book.show(6, next.secret.digest, at: start)
        #expect(replaced?.void == [1, 5])
        #expect(book.tokens(of: uid).map(\.id) == [6] && book.unshown.isEmpty)
        book.move(from: uid, to: Reporter(2).uid)
        #expect(book.token(of: uid) == nil && book[6]?.uid == Reporter(2).uid && book.isShown(of: Reporter(2).uid))
        book.revoke(6)
        #expect(book.isEmpty && book.isRevoked(6))
    }

    @Test func `revoked tokens are remembered up to a number`() {
        var book = OwnTokenBook()
        for id in 1...UInt64(OwnTokenBook.revokedLimit + 50) {
            book.insert(OwnToken(id: id, uid: uid, at: start, enrolment: nil))
            book.revoke(id)
        }
        let remembered = (1...UInt64(OwnTokenBook.revokedLimit + 50)).count { book.isRevoked($0) }
        #expect(remembered == OwnTokenBook.revokedLimit && book.isRevoked(UInt64(OwnTokenBook.revokedLimit + 50)))
    }
}
