import Crypto
import FleetAPI
import Foundation
import HTTP
import JSON
import Logging
import OpAMP
import Synchronization
import TestSupport
import Testing

@testable import Provider

private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
private let fast = Webhook.Pace(betweenBatches: .milliseconds(1), firstPause: .milliseconds(1))

private func notices(_ count: Int, from first: Int = 0) -> [Notice] {
    (first..<(first + count)).map { number in
        var notice = Notice()
        notice.instanceUID = Reporter(UInt64(number)).uid.description
        return notice
    }
}

/// Runs a webhook until `body` has returned; `body` may wait for batches that were taken or given up.
private func running(
    _ webhook: Webhook, _ settings: ProviderSettings, done: @escaping @Sendable ([Notice]) -> Void = { _ in },
    _ body: (_ ended: inout AsyncStream<Int>.Iterator) async throws -> Void
) async throws {
    let (batches, batch) = AsyncStream.makeStream(of: Int.self)
    let task = Task {
        await webhook.run(settings: { settings }) { notices in
            done(notices)
            batch.yield(notices.count)
        }
    }
    defer { task.cancel() }
    var ended = batches.makeAsyncIterator()
    try await body(&ended)
}

private func next(_ ended: inout AsyncStream<Int>.Iterator) async -> Int? {
    await ended.next(isolation: #isolation)
}

private func batch(_ request: ScriptedServer.Request) throws -> NoticeBatch {
    try NoticeBatch(json: JSON(parsing: request.body, limit: 16 << 20))
}

@Suite(.timeLimit(.minutes(5))) struct WebhookTests {
    @Test func `ten thousand notices are a few requests, each of them signed`() async throws {
        let server = ScriptedServer { _ in .answer(204, "") }
        var settings = ProviderSettings()
        (settings.webhookURL, settings.webhookSecret) = (server.url + "/hook?x=1", "a secret of 22 bytes..")
        let webhook = Webhook(version: "1.2.3", pace: fast, logger: quiet)
        let done = Mutex<[String]>([])
        webhook.offer(notices(10_000))
        try await running(webhook, settings, done: { told in done.withLock { $0 += told.map(\.instanceUID) } }) {
            ended in
            for _ in 0..<5 {
                let count = await next(&ended)
                #expect(count == 2_000)
            }
        }
        #expect(server.requests.count == 5 && webhook.status.queued == 0)
        #expect(try server.requests.flatMap { try batch($0).notices } == notices(10_000))
        #expect(done.withLock { $0 } == notices(10_000).map(\.instanceUID))
        for request in server.requests {
            #expect(request.method == "POST" && request.path == "/hook?x=1")
            #expect(request.headers["content-type"] == "application/json")
            let time = try #require(request.headers["x-opamp-timestamp"])
            var code = HMAC<SHA256>(key: SymmetricKey(data: Data(settings.webhookSecret.utf8)))
            code.update(data: Data("\(time).".utf8) + Data(request.body))
            let hex = code.finalize().map { String(format: "%02x", $0) }.joined()
            #expect(request.headers["x-opamp-signature"] == "v1=\(hex)")
            #expect(try batch(request).counts == ["lost": 2_000])
        }
    }

    @Test func `what is not taken is sent again, under the same id, and told once it is taken`() async throws {
        let answers = Mutex([500, 429, 302, 200])
        let server = ScriptedServer { _ in .answer(answers.withLock { $0.removeFirst() }, "no") }
        var settings = ProviderSettings()
        settings.webhookURL = server.url
        let webhook = Webhook(version: "1", pace: fast, logger: quiet)
        try await running(webhook, settings) { ended in
            webhook.offer(notices(3))
            let taken = await next(&ended)
            #expect(taken == 3)
        }
        #expect(try server.requests.map { try batch($0).notices } == [[Notice]](repeating: notices(3), count: 4))
        #expect(Set(server.requests.map { $0.headers["x-opamp-delivery"] }).count == 1)
        #expect(server.requests.allSatisfy { $0.headers["x-opamp-signature"] == nil })
        #expect(webhook.status.failed == 3 && webhook.status.lastError == nil && webhook.status.lastFailure != nil)
    }

    @Test func `what the receiver cannot read is given up, and the next request says how many`() async throws {
        let answers = Mutex([400, 200])
        let server = ScriptedServer { _ in .answer(answers.withLock { $0.removeFirst() }, "") }
        var settings = ProviderSettings()
        settings.webhookURL = server.url
        let webhook = Webhook(version: "1", pace: fast, logger: quiet)
        try await running(webhook, settings) { ended in
            webhook.offer(notices(3))
            let first = await next(&ended)
            #expect(first == 3)
            #expect(webhook.status.dropped == 3 && webhook.status.delivered == 0)
            webhook.offer(notices(2))
            let second = await next(&ended)
            #expect(second == 2)
        }
        #expect(try server.requests.map { try batch($0).dropped } == [0, 3])
    }

    @Test func `what waits is bounded: the oldest go`() {
        let webhook = Webhook(version: "1", logger: quiet)
        webhook.offer(notices(Webhook.queueLimit))
        webhook.offer(notices(5))
        #expect(webhook.status.queued == Webhook.queueLimit && webhook.status.dropped == 5)
    }

    @Test(arguments: [
        ("https://hooks.example/a", nil), ("http://127.0.0.1:9/a", nil), ("http://localhost/a", nil),
        ("https://[2001:db8::1]:8443/x?y=z", nil), ("HTTPS://hooks.example", nil),
        ("http://hooks.example/a", "--insecure-webhook"), ("http://127.0.0.1.evil.example/", "--insecure-webhook"),
        ("https://user:pass@hooks.example/a", "user name"), ("ftp://hooks.example/a", "https://HOST"),
        ("https:///a", "https://HOST"), ("https://hooks.example/a b", "visible"),
        ("https://h.example/#x", "https://HOST"),
        ("https://evil.example\\@127.0.0.1/", "https://HOST"), ("hooks.example", "https://HOST"),
    ])
    func `a webhook goes over https, or stays on this machine`(url: String, refusal: String?) {
        let problem = WebhookAddress.refusal(of: url, isInsecureAllowed: false)
        #expect((problem == nil) == (refusal == nil))
        if let refusal { #expect(problem?.detail.contains(refusal) == true && problem?.field == "webhook_url") }
        if refusal == "--insecure-webhook" { #expect(WebhookAddress.refusal(of: url, isInsecureAllowed: true) == nil) }
    }

    @Test func `the secret and the path of the webhook are never shown, and survive what is sent back`() async throws {
        try await TransportTestProvider.with { provider in
            func put(_ json: JSON) async throws -> HTTPResponse {
                try await provider.request(
                    .put, "/api/v1/settings", headers: [(name: "Content-Type", value: "application/json")],
                    body: try json.bytes())
            }
            let secret = "correct horse battery"
            let url = "https://127.0.0.1:1/services/T0/B0/path-secret"
            let set = try await put([
                "webhook_url": .string(url), "webhook_secret": .string(secret), "webhook_events": ["lost"],
            ])
            #expect(set.status == 200)
            let shown = try await provider.request(.get, "/api/v1/settings")
            for answer in [set, shown] {
                let text = String(decoding: answer.body, as: UTF8.self)
                #expect(!text.contains("horse") && !text.contains("path-secret"))
            }
            let json = try JSON(parsing: shown.body)
            #expect(json["webhook_url"] == "https://127.0.0.1:1/***MASKED***")
            #expect(json["webhook_status"]?["queued"] == 0)
            #expect(try await put(json).status == 200)
            let kept = provider.fleet.settings
            #expect(kept.webhookURL == url && kept.webhookSecret == secret && kept.webhookEvents == [.lost])
            #expect(kept.webhookStatus == nil)
            for (field, value) in [
                ("webhook_url", "http://hooks.example/"), ("webhook_secret", "short"), ("webhook_events", "lost"),
            ] {
                let refused = try await put(.object(.init([(key: field, value: .string(value))])))
                #expect(refused.status == 400)
                #expect(try JSON(parsing: refused.body)["field"] == .string(field))
            }
            #expect(try await put(["webhook_url": ""]).status == 200)
            #expect(provider.fleet.settings.webhookURL == "")
        }
    }
}

/// What happens in a fleet comes to those who watch it.
@Suite(.timeLimit(.minutes(5))) struct NotifierTests {
    private let directory = TemporaryDirectory()

    private func fleet(_ url: String) async throws -> Fleet {
        let fleet = try Fleet(dataDirectory: directory.path, version: "1", logger: quiet)
        _ = try await fleet.change(
            settings: ["webhook_url": .string(url)], caller: Caller(name: "test", address: "here"))
        return fleet
    }

    private func connect(_ fleet: Fleet, _ numbers: ClosedRange<UInt64>) -> [Link] {
        numbers.map { number in
            let link = webSocket()
            var agent = Reporter(number)
            fleet.receive(agent.full(), over: link) { _ in }
            return link
        }
    }

    @Test func `a cut that takes many agents is one request, a mute keeps some out of it`() async throws {
        let server = ScriptedServer { _ in .answer(200, "") }
        let fleet = try await fleet(server.url)
        let start = Moment.now()
        var notifier = Notifier(fleet, at: start)
        await notifier.step(at: start)
        let links = connect(fleet, 1...300)
        let caller = Caller(name: "test", address: "here")
        var mute = MuteRequest()
        mute.seconds = 3600
        let muted = try await fleet.mute(Reporter(7).uid.description, mute, caller: caller)
        #expect(muted.mutedUntil != nil)
        for link in links { fleet.closed(link) }
        await fleet.store.settled()
        await notifier.step(at: start + .seconds(1))
        await notifier.step(at: start + .seconds(30))
        #expect(fleet.webhook.status.queued == 0)
        await notifier.step(at: start + .seconds(31))
        #expect(fleet.webhook.status.queued == 299)
        try await running(fleet.webhook, fleet.settings, done: { fleet.remember($0) }) { ended in
            let taken = await next(&ended)
            #expect(taken == 299)
        }
        let batch = try batch(server.requests[0])
        #expect(batch.counts == ["lost": 299])
        #expect(!batch.notices.contains { $0.instanceUID == Reporter(7).uid.description })
        #expect(batch.notices[0].host == "web-17" && batch.notices[0].status == .disconnected)
        await fleet.store.settled()
        #expect(fleet.store.toldConditions().count == 299)
        // Nobody is told again after a start, but of those who come back.
        try fleet.store.close()
        let again = try Fleet(dataDirectory: directory.path, version: "1", logger: quiet)
        #expect(
            again.snapshot.view(again.snapshot.records.firstIndex { $0.uid == Reporter(7).uid }!).record.decisions
                .mutedUntil == muted.mutedUntil)
        let later = Moment.now()
        var second = Notifier(again, at: later)
        await second.step(at: later)
        _ = connect(again, 1...2)
        await again.store.settled()
        await second.step(at: later + .seconds(2))
        await second.step(at: later + .seconds(40))
        #expect(again.webhook.status.queued == 2)
        // After the grace the fleet is looked at: the muted one is still lost, the others were told of.
        await second.step(at: later + .seconds(300))
        await second.step(at: later + .seconds(331))
        #expect(again.webhook.status.queued == 2)
        try again.store.close()
    }

    @Test func `when a webhook is set nobody is told of what was before`() async throws {
        let server = ScriptedServer { _ in .answer(200, "") }
        let fleet = try Fleet(dataDirectory: nil, version: "1", logger: quiet)
        let start = Moment.now()
        var notifier = Notifier(fleet, at: start)
        let links = connect(fleet, 1...2)
        fleet.closed(links[0])
        await fleet.store.settled()
        await notifier.step(at: start + .seconds(1))
        _ = try await fleet.change(
            settings: ["webhook_url": .string(server.url), "webhook_events": ["back"]],
            caller: Caller(name: "test", address: "here"))
        await notifier.step(at: start + .seconds(2))
        fleet.closed(links[1])
        _ = connect(fleet, 1...1)
        await fleet.store.settled()
        await notifier.step(at: start + .seconds(3))
        await notifier.step(at: start + .seconds(33))
        // Only what was asked for: the other one is lost.
        #expect(fleet.webhook.status.queued == 1)
        #expect(fleet.store.trouble == nil)
    }

    @Test func `a filter mutes many, and ends their mutes`() async throws {
        try await TransportTestProvider.with { provider in
            _ = connect(provider.fleet, 1...3)
            func put(_ path: String, _ json: JSON) async throws -> HTTPResponse {
                try await provider.request(
                    .put, path, headers: [(name: "Content-Type", value: "application/json")], body: try json.bytes())
            }
            let muted = try await put("/api/v1/mutes", ["filter": "host:web-17", "seconds": 60])
            #expect(try JSON(parsing: muted.body)["matched"] == 3)
            let agents = try await provider.json("/api/v1/agents?fields=muted_until")["agents"]?.array
            #expect(agents?.count == 3 && agents?.allSatisfy { $0["muted_until"]?.string != nil } == true)
            let one = try await put("/api/v1/agents/\(Reporter(2).uid)/mute", ["seconds": 0])
            #expect(one.status == 200)
            #expect(try JSON(parsing: one.body)["muted_until"] == nil)
            let ended = try await put("/api/v1/mutes", ["filter": "type:fluent-bit", "seconds": 0])
            #expect(try JSON(parsing: ended.body) == ["matched": 3])
            await provider.fleet.store.settled()
            let events = try await provider.json("/api/v1/events?kind=muted,unmuted")["events"]?.array
            #expect(events?.count == 6)
            for (path, body, field) in [
                ("/api/v1/mutes", ["filter": "*", "seconds": 1] as JSON, "filter"),
                ("/api/v1/mutes", ["filter": "", "seconds": 1], "filter"),
                ("/api/v1/mutes", ["filter": "host:a"], "until"),
                ("/api/v1/agents/\(Reporter(1).uid)/mute", ["seconds": 2_592_001], "seconds"),
                ("/api/v1/agents/\(Reporter(1).uid)/mute", ["until": "2020-01-01T00:00:00Z"], "until"),
                ("/api/v1/agents/\(Reporter(1).uid)/mute", ["until": "2036-01-01T00:00:00Z", "seconds": 1], "until"),
                ("/api/v1/agents/\(Reporter(1).uid)/mute", [:], "until"),
            ] {
                let refused = try await put(path, body)
                #expect(refused.status == 400)
                #expect(try JSON(parsing: refused.body)["field"] == .string(field), "\(path) \(body)")
            }
        }
    }
}
