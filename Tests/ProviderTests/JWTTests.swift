import FleetAPI
import Foundation
import HTTP
import JSON
import Synchronization
import TestSupport
import Testing

@testable import Provider

@Suite(.timeLimit(.minutes(5))) struct JWTTests {
    private let directory = TemporaryDirectory()
    private let provider = IdentityProvider()

    @Test func `a token of the issuer says who somebody is, what they may do, and until when`() async throws {
        let issuer = try await IdentityProvider.started(provider.keys, in: directory.path)
        for header in [[:], ["alg": "EdDSA", "kid": "key-1-ed"], ["kid": nil], ["typ": "at+JWT"], ["typ": nil]]
            as [JSON]
        {
            let identity = try #require(await issuer.ask(try provider.token(header: header)).identity)
            #expect(identity.name == "ada" && identity.role == .operator && identity.kind == .jwt)
            #expect(identity.expiresAt == IdentityProvider.now.wall + .seconds(600))
        }
    }

    @Test func `tokens with RSA are verified as other programs sign them`() async throws {
        let path = String(#filePath.dropLast("/JWTTests.swift".count)) + "/Fixtures/jwt-rsa.json"
        let fixture = try JSON(parsing: Array(try Data(contentsOf: URL(filePath: path))))
        let issuer = try await IdentityProvider.started(try #require(fixture["jwks"]), in: directory.path)
        let tokens = try #require(fixture["tokens"]?.object?.members)
        #expect(tokens.count == 6)
        for (algorithm, token) in tokens {
            let text = try #require(token.string)
            #expect(await issuer.ask(text).identity?.role == .operator, "\(algorithm)")
            var bytes = Array(text.utf8)
            bytes[bytes.count - 20] ^= 1
            let changed = String(decoding: bytes, as: UTF8.self)
            #expect(await issuer.ask(changed).identity == nil, "\(algorithm)")
        }
        // Too short for anybody to rely on.
        let short = try #require(fixture["short"])
        await #expect(throws: JWTSource.Unusable.self) {
            try await IdentityProvider.started(short, in: directory.path + "/short")
        }
    }

    @Test func `a token that is not signed with a published key is nobody's`() async throws {
        let issuer = try await IdentityProvider.started(provider.keys, in: directory.path)
        let other = IdentityProvider()
        let good = try provider.token().split(separator: ".").map(String.init)
        let admin = try provider.token(["role": "admin"]).split(separator: ".").map(String.init)
        let wrong = [
            try other.token(), try provider.token(header: ["alg": "none"]), try provider.token(header: ["alg": "None"]),
            try provider.token(header: ["alg": "HS256"]), try provider.token(header: ["alg": "RS256"]),
            try provider.token(header: ["alg": "ES384"]), try provider.token(header: ["alg": nil]),
            try provider.token(header: ["kid": "key-2"]), try provider.token(header: ["kid": "key-1-ed"]),
            try provider.token(header: ["kid": 1]), try provider.token(header: ["crit": ["exp"]]),
            try provider.token(header: ["typ": "dpop+jwt"]), try provider.token(header: ["b64": false]),
            good[0] + "." + admin[1] + "." + good[2], good[0] + "." + good[1] + ".", good[0] + "." + good[1] + ".AAAA",
            "..", "a.b.c", good[0] + "=." + good[1] + "." + good[2], good[0] + "." + good[1] + "." + good[2] + "A",
            try provider.token(header: [:], payload: Array("[]".utf8)),
            try provider.token(header: [:], payload: Array(#"{"iss":"a","iss":"https://id.example"}"#.utf8)),
        ]
        for token in wrong {
            let reason = try #require(await issuer.ask(token).reason, "let in: \(token)")
            #expect(!reason.contains(token))
        }
    }

    @Test(
        arguments: [
            (["exp": nil], "expires"), (["exp": "7258118400"], "expires"), (["exp": -1], "expires"),
            (["exp": 1e300], "expires"), (["iss": nil], "issuer"), (["iss": "https://id.example/"], "issuer"),
            (["iss": ["https://id.example"]], "issuer"), (["aud": nil], "audience"), (["aud": "other"], "audience"),
            (["aud": []], "audience"), (["aud": ["a", "b"]], "audience"), (["sub": nil], "whose"),
            (["sub": ""], "whose"),
            (["sub": "\u{200B}\u{202E}"], "whose"), (["sub": 7], "whose"), (["nbf": "soon"], "not good yet"),
        ] as [(JSON, String)])
    func `a token that says too little, or is for somebody else, is nobody's`(claims: JSON, word: String) async throws {
        let issuer = try await IdentityProvider.started(provider.keys, in: directory.path)
        #expect(await issuer.ask(try provider.token(claims)).reason?.contains(word) == true)
    }

    @Test func `times have a minute's grace, also for a token that was seen before`() async throws {
        let issuer = try await IdentityProvider.started(provider.keys, in: directory.path)
        let now = IdentityProvider.now
        let token = try provider.token(["nbf": .integer(Int(now.wall.seconds) + 60)])
        #expect(await issuer.ask(token, at: Moment(wall: now.wall - .seconds(1), monotonic: 0)).identity == nil)
        #expect(await issuer.ask(token, at: now).identity != nil)
        #expect(await issuer.ask(token, at: now + .seconds(659)).identity != nil)
        for _ in 0..<2 {
            #expect(await issuer.ask(token, at: now + .seconds(660)).reason?.contains("expired") == true)
        }
    }

    @Test(
        arguments: [
            ("role", ["role": "viewer"], Role.viewer), ("role", ["role": ["viewer", "admin", "operator"]], .admin),
            ("role", ["role": ["staff", 7, "viewer"]], .viewer), ("role", ["role": "Admin"], nil),
            ("role", ["role": nil], nil),
            ("role", ["role": ["staff"]], nil), ("role", ["role": 7], nil), ("role", ["role": "viewer admin"], nil),
            ("groups", ["groups": ["operator"], "role": "admin"], .operator),
            ("realm.roles", ["realm": ["roles": ["admin"]]], .admin),
            ("a.b", ["a.b": "viewer", "a": ["b": "admin"]], .viewer),
            ("https://id.example/role", ["https://id.example/role": "admin"], .admin),
        ] as [(String, JSON, Role?)])
    func `the highest role of the claim counts, and without one nobody gets in`(
        claim: String, claims: JSON, role: Role?
    ) async throws {
        let rules = JWTRules(
            issuer: IdentityProvider.issuer, audience: IdentityProvider.audience, roleClaim: claim)
        let issuer = try await IdentityProvider.started(provider.keys, in: directory.path, rules: rules)
        let answer = await issuer.ask(try provider.token(claims))
        #expect(answer.identity?.role == role)
        if role == nil, case .failure(let refusal) = answer { #expect(refusal == .noRole(name: "ada")) }
    }

    @Test(arguments: [
        ("ada", "ada"), (" ada\n\tlovelace ", "ada lovelace"), ("a\u{202E}d\u{200B}a\u{7}", "ada"),
        ("\u{1B}[31mred", "[31mred"),
        (String(repeating: "a", count: 500), String(repeating: "a", count: 128)),
    ])
    func `a name is shown on one line, visible and short`(subject: String, name: String) async throws {
        let issuer = try await IdentityProvider.started(provider.keys, in: directory.path)
        #expect(await issuer.ask(try provider.token(["sub": .string(subject)])).identity?.name == name)
    }

    @Test(arguments: [
        "", "{", "[]", #"{"keys":[]}"#, #"{"keys":{}}"#, #"{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"key-1"}]}"#,
        #"{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}"#, #"{"keys":[{"kty":"RSA","n":"","e":""}]}"#,
        #"{"keys":[{"kty":"OKP","crv":"Ed25519","x":""}]}"#, #"{"keys":[7]}"#,
    ])
    func `a set without a usable key is refused`(text: String) async throws {
        await #expect(throws: JWTKeys.Unusable.self) { try await JWTKeys(Array(text.utf8)) }
    }

    @Test func `keys for other uses are passed over`() async throws {
        var encryption = provider.key.object ?? .init()
        encryption["use"] = "enc"
        var named = provider.key.object ?? .init()
        (named["alg"], named["kid"]) = ("ES256", "key-3")
        let secret: JSON = ["kty": "oct", "k": "c2VjcmV0", "kid": "key-4"]
        let keys: JSON = ["keys": [.object(encryption), .object(named), secret]]
        #expect(try await JWTKeys(try keys.bytes()).count == 1)
    }

    @Test func `a file of keys is read again when it changes, and the last good ones stay`() async throws {
        let issuer = try await IdentityProvider.started(provider.keys, in: directory.path)
        let path = directory.path + "/keys.json"
        let (now, next) = (IdentityProvider.now, IdentityProvider("key-2"))
        let token = try provider.token()
        #expect(await issuer.ask(token).identity != nil)
        try Data("broken".utf8).write(to: URL(filePath: path), options: .atomic)
        await issuer.tick(at: now)
        #expect(await issuer.ask(token).identity != nil)
        try Data(try next.keys.bytes()).write(to: URL(filePath: path), options: .atomic)
        await issuer.tick(at: now)
        // What was seen before counts no more either.
        #expect(await issuer.ask(token).identity == nil)
        #expect(await issuer.ask(try next.token()).identity != nil)
        await #expect(throws: JWTSource.Unusable.self) {
            try await JWTIssuer(
                source: .file("/nowhere/keys"), rules: IdentityProvider.rules, logger: IdentityProvider.quiet
            ).start()
        }
    }

    @Test func `keys of a URL are read each five minutes, and for an unknown key at most once a minute`() async throws {
        let next = IdentityProvider("key-2")
        let published = Mutex(provider.keys.text)
        let server = ScriptedServer { _ in
            let text = published.withLock { $0 }
            return text.isEmpty ? .answer(500, "no") : .answer(200, text)
        }
        let issuer = JWTIssuer(
            source: try JWTSource(server.url + "/keys"), rules: IdentityProvider.rules, logger: IdentityProvider.quiet)
        try await issuer.start()
        let start = Moment.now()
        let now = { (seconds: Int) in
            Moment(wall: IdentityProvider.now.wall, monotonic: start.monotonic) + .seconds(seconds)
        }
        #expect(await issuer.ask(try provider.token(), at: now(1)).identity != nil)
        #expect(server.requests.count == 1)
        published.withLock { $0 = next.keys.text }
        for _ in 0..<5 { #expect(await issuer.ask(try next.token(), at: now(30)).identity == nil) }
        #expect(server.requests.count == 1)
        #expect(await issuer.ask(try next.token(), at: now(70)).identity != nil)
        #expect(server.requests.count == 2)
        published.withLock { $0 = "" }
        await issuer.tick(at: now(300))
        #expect(server.requests.count == 2)
        await issuer.tick(at: now(380))
        #expect(server.requests.count == 3)
        // The answer was no set of keys: the former ones stay.
        #expect(await issuer.ask(try next.token(), at: now(381)).identity != nil)
        for number in 0..<50 {
            let stranger = IdentityProvider("key-\(number + 10)")
            #expect(await issuer.ask(try stranger.token(), at: now(382)).identity == nil)
        }
        #expect(server.requests.count == 3)
    }

    @Test func `without any keys nobody is told that their token is wrong`() async throws {
        let server = ScriptedServer { _ in .answer(503, "later") }
        let issuer = JWTIssuer(
            source: try JWTSource(server.url), rules: IdentityProvider.rules, logger: IdentityProvider.quiet)
        try await issuer.start()
        let stage = try AccessStage(issuer: issuer)
        #expect(await stage.ask(try provider.token()).status == 503)
    }

    @Test(arguments: [
        ("/etc/keys.json", true), ("keys.json", true), ("https://id.example/keys", true),
        ("http://127.0.0.1:1/keys", true), ("http://localhost/keys", true), ("http://[::1]:7/keys?a=b", true),
        ("http://id.example/keys", false), ("http://127.0.0.1.evil.example/", false),
        ("http://127.0.0.1@evil.example/", false), ("ftp://id.example/keys", false), ("", false),
    ])
    func `keys come from a file, over TLS, or from this machine`(text: String, isAllowed: Bool) {
        #expect(((try? JWTSource(text)) != nil) == isAllowed)
    }

    @Test func `with an issuer everybody says who they are, and tokens of both kinds open`() async throws {
        let issuer = try await IdentityProvider.started(provider.keys, in: directory.path)
        let stage = try AccessStage(issuer: issuer)
        #expect(stage.doorkeeper.isRequired)
        #expect(await stage.ask().status == 401)
        let viewer = try await stage.token("reader", .viewer)
        #expect(await stage.ask(viewer.token).caller?.kind == .token)
        let expires: JSON = ["exp": 7_258_118_400]
        let known = try provider.token(expires)
        let ada = try #require(await stage.ask(known).caller)
        #expect(ada.name == "ada" && ada.role == .operator && ada.kind == .jwt)
        let none = await stage.ask(try provider.token(["exp": 7_258_118_400, "role": "staff"]))
        #expect(none.status == 403)
        let session = try await stage.doorkeeper.beginSession(try provider.token(expires), from: "10.0.0.1:1")
        #expect(session.info.name == "ada")
        #expect(await stage.ask(session: session.secret).caller?.role == .operator)
        // One that was verified before is known though its address has failed too often; a new one is not looked at.
        for _ in 0..<20 { _ = await stage.ask(try IdentityProvider().token(expires)) }
        #expect(await stage.ask(known).caller?.name == "ada")
        #expect(await stage.ask(try provider.token(expires)).status == 429)
        #expect(await stage.ask(viewer.token).caller != nil)
    }
}
