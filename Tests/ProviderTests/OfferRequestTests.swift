import FleetAPI
import Foundation
import HTTP
import HTTPTypes
import JSON
import Logging
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

/// What can be asked for around offers: endpoints, keys, retries, what the audit and the filters tell.
@Suite(.timeLimit(.minutes(5))) struct OfferRequestTests {
    private static let config = "/api/v1/agents/web-17/config"
    private static let settings = "/api/v1/agents/web-17/connection-settings"
    private static let heartbeat = "/api/v1/agents/web-17/heartbeat"

    private let caller = Caller(name: "ann", address: "10.0.0.1:5")

    private func files(_ text: String) -> JSON { ["files": ["fluent-bit.yaml": ["content": .string(text)]]] }

    /// An agent that takes everything that is offered, and says what became of it.
    private func agent() -> Reporter {
        var agent = Reporter.configurable()
        agent.capabilities.formUnion([
            .acceptsOpAMPConnectionSettings, .reportsConnectionSettingsStatus, .reportsHeartbeat,
        ])
        return agent
    }

    // MARK: - The endpoint

    @Test func `offered settings name the endpoint that the agent uses`() async throws {
        try await TransportTestProvider.with { provider in
            var polling = agent()
            _ = try await provider.report(polling.full())
            var socket = Reporter(2)
            (socket.host, socket.capabilities) = ("web-18", polling.capabilities)
            #expect(try await provider.send(.put, Self.settings, ["headers": ["X-A": "b"]]).status == 202)
            let unknown = try await provider.report(polling.beat()).connectionSettings.opamp
            #expect(unknown.destinationEndpoint.isEmpty, "whether there is TLS before the provider is not known")

            let url: JSON = ["agent_url": "https://opamp.example/v1/opamp"]
            #expect(try await provider.send(.put, "/api/v1/settings", url).json["agent_url"] == url["agent_url"])
            #expect(try await provider.send(.put, Self.settings, ["headers": ["X-A": "b"]]).status == 202)
            let filled = try await provider.report(polling.beat()).connectionSettings
            #expect(filled.opamp.destinationEndpoint == "https://opamp.example/v1/opamp")
            #expect(filled.hash == filled.opamp.offerHash.data)
            let told = try await provider.json(Self.settings)["desired"]?["settings"]
            #expect(told?["destination_endpoint"] == url["agent_url"])
            _ = try await provider.report(polling.settings(.applied, of: ContentHash(filled.hash)))

            // The next ones name the one of then, and an interval alone needs no more than before.
            _ = try await provider.send(.put, "/api/v1/settings", ["agent_url": "wss://new.example:4320/v1/opamp"])
            #expect(try await provider.send(.put, Self.heartbeat, ["seconds": 60]).status == 202)
            let next = try await provider.report(polling.beat()).connectionSettings.opamp
            #expect(
                next.destinationEndpoint == "https://new.example:4320/v1/opamp" && next.heartbeatIntervalSeconds == 60)
            #expect(next.headers.headers.map(\.value) == ["b"])

            let given: JSON = ["destination_endpoint": "wss://other.example/v1/opamp"]
            #expect(try await provider.send(.put, Self.settings, given).status == 202)
            let person = try await provider.report(polling.beat()).connectionSettings.opamp
            #expect(person.destinationEndpoint == "wss://other.example/v1/opamp", "what a person gives stays")
            #expect(try await provider.send(.put, Self.heartbeat, ["seconds": 61]).status == 202)
            let kept = try await provider.report(polling.beat()).connectionSettings.opamp
            #expect(kept.destinationEndpoint == "wss://other.example/v1/opamp")

            try await TransportTestConnection.with(port: provider.port) { connection in
                _ = try await connection.upgrade()
                socket.capabilities.remove(.acceptsOpAMPConnectionSettings)
                try await connection.sendFrame(2, try socket.full().frame())
                _ = try await connection.message()
                let put = try await provider.send(.put, "/api/v1/agents/web-18/heartbeat", ["seconds": 20])
                #expect(put.status == 202)
                let offer = try await connection.message().connectionSettings.opamp
                #expect(offer.destinationEndpoint == "wss://new.example:4320/v1/opamp", "by the agent's transport")
            }
            #expect(try await provider.send(.put, "/api/v1/settings", ["agent_url": ""]).json["agent_url"] == "")
        }
    }

    @Test(arguments: [
        "opamp.example", "ftp://opamp.example/", "wss://", "wss://a b/", "https://ann:pw@opamp.example/", "wss://a/#b",
    ])
    func `an address for agents that is no plain URL is refused`(url: String) async throws {
        try await TransportTestProvider.with { provider in
            let put = try await provider.send(.put, "/api/v1/settings", ["agent_url": .string(url)])
            #expect(put.status == 400 && put.json["field"] == "agent_url")
            #expect(try await provider.json("/api/v1/settings")["agent_url"] == "")
        }
    }

    // MARK: - Keys

    @Test func `a request that is repeated with its key gives the command of then`() async throws {
        try await TransportTestProvider.with { provider in
            var agent = agent()
            _ = try await provider.report(agent.full())
            func take(_ kind: OfferKind, _ isApplied: Bool = true) async throws {
                let offer = try await provider.report(agent.beat())
                let status =
                    kind == .config
                    ? agent.status(isApplied ? .applied : .failed, of: ContentHash(offer.remoteConfig.configHash))
                    : agent.settings(isApplied ? .applied : .failed, of: ContentHash(offer.connectionSettings.hash))
                _ = try await provider.report(status)
            }
            /// Asks, lets the agent take it, and asks again with the same key, and with another body.
            func check(
                _ method: HTTP.HTTPRequest.Method, _ path: String, _ body: JSON, other: JSON, _ kind: OfferKind,
                isApplied: Bool = true
            ) async throws {
                let key = "key of \(method.rawValue) \(path)"
                let first = try await provider.send(method, path, body, ifMatch: "*", key: key)
                #expect(first.status == 202, "\(first.json.text)")
                try await take(kind, isApplied)
                let again = try await provider.send(method, path, body, ifMatch: "\"0\"", key: key)
                #expect(again.json["id"] == first.json["id"] && again.eTag == first.eTag, "\(path)")
                #expect(again.json["state"] == (isApplied ? "confirmed" : "failed"))
                let wrong = try await provider.send(method, path, other, key: key)
                #expect(wrong.status == 422 && wrong.json["field"] == "Idempotency-Key", "\(path)")
                #expect(try await provider.report(agent.beat()).hasRemoteConfig == false)
            }
            _ = try await provider.send(.put, Self.config, files("zero"))
            try await take(.config)
            try await check(.put, Self.config, files("one"), other: files("two"), .config, isApplied: false)
            try await check(
                .post, Self.config + "/retry", ["confirm_seconds": 50], other: [:], .config, isApplied: false)
            try await check(.post, Self.config + "/rollback", [:], other: ["revision": 1], .config)
            try await check(
                .put, Self.settings, ["headers": ["a": "b"]], other: ["headers": ["a": "c"]], .settings,
                isApplied: false)
            try await check(.post, Self.settings + "/retry", ["confirm_seconds": 50], other: [:], .settings)
            try await check(.put, Self.heartbeat, ["seconds": 50], other: ["seconds": 51], .settings)
            // A key is of one path: the same body elsewhere is another request.
            let elsewhere = try await provider.send(
                .post, Self.settings + "/retry", ["confirm_seconds": 50],
                key: "key of POST \(Self.config)/retry")
            #expect(elsewhere.status == 422)
        }
    }

    @Test func `a key stands for the command that an unchanged content gave, and for an interval withdrawn`()
        async throws
    {
        try await TransportTestProvider.with { provider in
            var agent = agent()
            _ = try await provider.report(agent.full())
            let first = try await provider.send(.put, Self.config, files("one"))
            let same = try await provider.send(.put, Self.config, files("one"), key: "k")
            #expect(same.json["id"] == first.json["id"])
            let other = try await provider.send(.put, Self.config, files("two"))
            #expect(other.status == 202 && other.json["id"] != first.json["id"])
            let again = try await provider.send(.put, Self.config, files("one"), key: "k")
            #expect(again.json["id"] == first.json["id"], "not offered once more")
            #expect(try await provider.json(Self.config)["desired"]?["revision"] == 2)

            _ = try await provider.send(.put, Self.heartbeat, ["seconds": 50])
            #expect(try await provider.send(.put, Self.heartbeat, ["seconds": nil], key: "h").status == 204)
            #expect(try await provider.send(.put, Self.heartbeat, ["seconds": nil], key: "h").status == 204)
            #expect(try await provider.send(.put, Self.heartbeat, ["seconds": nil], key: "i").status == 404)
            let bad = try await provider.send(
                .put, Self.heartbeat, ["seconds": nil], key: String(repeating: "k", count: 256))
            #expect(bad.status == 400 && bad.json["field"] == "Idempotency-Key")
        }
    }

    // MARK: - Retry

    @Test func `settings that failed are offered again by retry alone`() async throws {
        try await TransportTestProvider.with { provider in
            var agent = agent()
            _ = try await provider.report(agent.full())
            let retry = Self.settings + "/retry"
            #expect(try await provider.send(.post, retry, nil).status == 409, "nothing is desired")
            let body: JSON = ["destination_endpoint": "wss://a", "headers": ["Authorization": "Bearer abc"]]
            #expect(try await provider.send(.put, Self.settings, body).status == 202)
            #expect(try await provider.send(.post, retry, nil).status == 409, "queued")
            let offer = try await provider.report(agent.beat()).connectionSettings
            _ = try await provider.report(agent.settings(.failed, of: ContentHash(offer.hash), error: "no route"))
            let refused = try await provider.send(.put, Self.settings, body)
            #expect(refused.status == 409 && refused.json["detail"]?.string?.contains("retry") == true)
            #expect(try await provider.report(agent.beat()).hasConnectionSettings == false)

            #expect(try await provider.send(.post, retry, [:], ifMatch: "\"7\"").status == 412)
            #expect(try await provider.send(.post, retry, ["seconds": 1]).status == 400)
            let again = try await provider.send(.post, retry, ["confirm_seconds": 9], ifMatch: "\"1\"")
            #expect(again.status == 202 && again.eTag == "\"1\"" && again.json["command"] == "connection_settings")
            #expect(again.json["confirm_seconds"] == 9 && !again.json.text.contains("Bearer"))
            #expect(again.json["parameters"]?["destination_endpoint"] == "wss://a")
            let repeated = try await provider.report(agent.beat()).connectionSettings
            #expect(repeated == offer, "the same settings with the same hash")
            _ = try await provider.report(agent.settings(.applied, of: ContentHash(offer.hash)))
            let told = try await provider.json(Self.settings)
            #expect(told["desired"]?["state"] == "applied" && told["desired"]?["error"] == nil)
            #expect(told["heartbeat_seconds"] == 30, "the interval in them counts from then on")
            #expect(try await provider.send(.post, retry, nil).status == 409, "applied")
        }
    }

    @Test func `an interval that failed is tried again as one`() async throws {
        try await TransportTestProvider.with { provider in
            var agent = agent()
            agent.capabilities.remove(.acceptsOpAMPConnectionSettings)
            _ = try await provider.report(agent.full())
            #expect(try await provider.send(.put, Self.heartbeat, ["seconds": 5]).status == 202)
            let offer = try await provider.report(agent.beat()).connectionSettings
            _ = try await provider.report(agent.settings(.failed, of: ContentHash(offer.hash)))
            let again = try await provider.send(.post, Self.settings + "/retry", nil)
            #expect(again.status == 202 && again.json["command"] == "heartbeat")
            #expect(again.json["parameters"]?["seconds"] == 5)
            #expect(try await provider.report(agent.beat()).connectionSettings.opamp.heartbeatIntervalSeconds == 5)
        }
    }

    // MARK: - Audit

    @Test func `who offered, rolled back, tried again and withdrew what is in the audit, without secrets`()
        async throws
    {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let fleet = try Fleet(dataDirectory: nil, version: "1", logger: logger)
        var agent = agent()
        await fleet.answer(agent.full())
        /// Has the agent take what a command offers, and say what became of it.
        func take(_ command: Command, isApplied: Bool = true) async throws {
            let hash = try ContentHash(json: .string(command.offeredHash ?? ""))
            await fleet.answer(agent.beat())
            await fleet.answer(
                command.offerKind == .config
                    ? agent.status(isApplied ? .applied : .failed, of: hash)
                    : agent.settings(isApplied ? .applied : .failed, of: hash))
        }
        var commands: [Command] = []
        commands.append(try await fleet.offer("password hunter2", caller: caller))
        // An unchanged content is noted, and no act.
        _ = try await fleet.offer("password hunter2", caller: caller)
        commands.append(try await fleet.offer("two", caller: caller))
        try await take(commands[1], isApplied: false)
        commands.append(try await fleet.retryConfig(RetryRequest(), of: "web-17", ifMatch: nil, caller: caller))
        try await take(commands[2], isApplied: false)
        var back = RollbackRequest()
        back.revision = 1
        commands.append(try await fleet.rollBack(back, of: "web-17", ifMatch: nil, caller: caller))
        var settings = ConnectionSettings()
        settings.headers = ["Authorization": "Bearer hunter2"]
        commands.append(try await fleet.offerConnection(settings, to: "web-17", ifMatch: nil, caller: caller))
        try await take(commands[3])
        try await take(commands[4], isApplied: false)
        commands.append(try await fleet.retryConnection(RetryRequest(), of: "web-17", ifMatch: nil, caller: caller))
        try await take(commands[5])
        var interval = HeartbeatRequest()
        interval.seconds = Nullable(45)
        let offered = try await fleet.offerHeartbeat(interval, to: "web-17", ifMatch: nil, caller: caller)
        commands.append(try #require(offered))
        for kind in OfferKind.allCases {
            try await fleet.withdraw(kind, from: agent.uid, ifMatch: nil, caller: caller)
        }
        // What is not there is not noted, what is refused is.
        for (ifMatch, status) in [(nil, 404), (try IfMatch([.ifMatch: "\"7\""]), 412)] {
            let refused = await #expect(throws: Problem.self) {
                try await fleet.withdraw(.config, from: agent.uid, ifMatch: ifMatch, caller: caller)
            }
            #expect(refused?.status == status)
        }
        let again = await #expect(throws: Problem.self) {
            try await fleet.retryConfig(RetryRequest(), of: "web-17", ifMatch: nil, caller: caller)
        }
        #expect(again?.status == 409)
        let page = try await fleet.audit(agent: "web-17", caller: "ann", limit: 99).entries.reversed()
        #expect(
            page.filter { $0.outcome != "done" }.map { "\($0.action) \($0.outcome): \($0.detail ?? "")" } == [
                "offer nothing to do: \(page.first?.detail?.split(separator: ", fluent-bit").first ?? "")",
                "withdraw 412 Precondition Failed: config", "retry 409 Nothing to retry: config",
            ])
        let entries = page.filter { $0.outcome == "done" }
        let actions = ["offer", "offer", "retry", "roll_back", "offer", "retry", "offer", "withdraw", "withdraw"]
        #expect(entries.map(\.action) == actions)
        #expect(entries.allSatisfy { $0.target == agent.uid.description && $0.from == "10.0.0.1:5" })
        let details = entries.compactMap(\.detail)
        #expect(details.count == actions.count && !page.compactMap(\.detail).joined().contains("hunter2"))
        let whats = [
            "config revision 1", "config revision 2", "config revision 2", "config revision 3",
            "connection_settings revision 1", "connection_settings revision 1", "heartbeat revision 2",
            "config revision 3", "connection_settings revision 2",
        ]
        for (detail, what) in zip(details, whats) { #expect(detail.hasPrefix(what + ", hash "), "\(detail)") }
        for (detail, command) in zip(details, commands) {
            #expect(
                detail.contains("hash \(command.offeredHash?.prefix(12) ?? ""), command \(command.id)"), "\(detail)"
            )
        }
        #expect(
            details[0].hasSuffix(", fluent-bit.yaml (16 bytes)") && details[3].contains("rolled back to revision 1")
        )
        #expect(details[6].hasSuffix(", every 45 s"), "\(details[6])")
    }

    // MARK: - Filters

    @Test func `a failed configuration, drift and hashes of configurations are found by filters`() async throws {
        try await TransportTestProvider.with { provider in
            func found(_ filter: String) async throws -> [String] {
                let query = filter.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
                let page = try await provider.json("/api/v1/agents?sort=host&filter=\(query)")
                return page["agents"]?.array?.compactMap { $0["host"]?.string } ?? ["\(page.text)"]
            }
            var agents = (0..<4).map { Reporter.configurable(UInt64($0 + 1)) }
            for index in agents.indices {
                agents[index].host = "web-\(index)"
                _ = try await provider.report(agents[index].full())
                guard index < 3 else { continue }
                let put = try await provider.send(.put, "/api/v1/agents/web-\(index)/config", files("a \(index)"))
                #expect(put.status == 202)
                let hash = ContentHash(try await provider.report(agents[index].beat()).remoteConfig.configHash)
                let status: RemoteConfigStatuses = index == 0 ? .failed : .applied
                _ = try await provider.report(
                    agents[index].status(status, of: hash, error: "line 3", effective: "e \(index)"))
                guard index == 2 else { continue }
                _ = try await provider.report(agents[2].status(.applied, of: Stage.hash("mine")))
            }
            #expect(try await found("config:failed") == ["web-0"])
            #expect(try await found("config:applied") == ["web-1"])
            #expect(try await found("config:drift") == ["web-2"])
            #expect(try await found("problem:any") == ["web-0", "web-2"])
            #expect(try await found("-problem:any") == ["web-1", "web-3"])
            let rows = try await provider.json("/api/v1/agents?sort=host")["agents"]?.array ?? []
            #expect(rows.map { $0["problems"] } == [["config_failed"], [], ["config_drift"], []])
            let hash = rows[1]["config_hash"]?.string ?? ""
            #expect(hash.count == 64)
            #expect(try await found("config_hash:\(hash)") == ["web-1"])
            #expect(try await found("config_hash:\(hash.prefix(8))*") == ["web-1"])
            let summary = try await provider.json("/api/v1/fleet?group_by=config")
            #expect(summary["config_failed"] == 1)
            let groups = summary["groups"]?.array?.compactMap { $0["values"]?.array?.first?.string } ?? []
            #expect(Set(groups) == ["failed", "applied", "drift", "-"])
            let drift = try await provider.json("/api/v1/agents/web-2/config")["drift"]?.string
            #expect(drift?.contains("revision 1") == true)
        }
    }
}
