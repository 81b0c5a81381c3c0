import FleetAPI
import Foundation
import HTTP
import JSON
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

@Suite struct ConnectionSettingsTests {
    private static let path = "/api/v1/agents/web-17/connection-settings"
    private static let beat = "/api/v1/agents/web-17/heartbeat"
    private static let key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"

    private func agent(_ capabilities: AgentCapabilities) -> Reporter {
        var agent = Reporter()
        agent.capabilities.formUnion(capabilities)
        return agent
    }

    @Test(.timeLimit(.minutes(5)))
    func `settings are offered with their hash, confirmed by it, and told without their secrets`() async throws {
        try await TransportTestProvider.with { provider in
            var agent = agent([
                .acceptsOpAMPConnectionSettings, .reportsConnectionSettingsStatus, .reportsHeartbeat,
            ])
            _ = try await provider.report(agent.full())
            let put = try await provider.send(
                .put, Self.path,
                [
                    "destination_endpoint": "wss://opamp.example:4320/v1/opamp",
                    "headers": ["Authorization": "Bearer abc"],
                    "certificate": ["cert": "-----BEGIN CERTIFICATE-----", "private_key": .string(Self.key)],
                    "tls": ["min_version": "1.3", "insecure_skip_verify": false],
                    "proxy": ["url": "http://ann:pw@proxy:3128", "connect_headers": ["X-A": "b"]],
                ])
            #expect(put.status == 202 && put.json["command"] == "connection_settings")
            #expect(!put.json.text.contains("Bearer") && !put.json.text.contains("c2VjcmV0"))

            let offer = try await provider.report(agent.beat()).connectionSettings
            #expect(offer.opamp.destinationEndpoint == "wss://opamp.example:4320/v1/opamp")
            #expect(offer.opamp.headers.headers.map(\.value) == ["Bearer abc"])
            #expect(offer.opamp.certificate.privateKey == Data(Self.key.utf8))
            #expect(offer.opamp.proxy.url == "http://ann:pw@proxy:3128" && offer.opamp.tls.minVersion == "1.3")
            #expect(offer.opamp.heartbeatIntervalSeconds == 30, "none would turn heartbeats off")
            #expect(offer.hash == offer.opamp.offerHash.data && offer.hash.count == 32)

            _ = try await provider.report(agent.settings(.applied, of: ContentHash(offer.hash)))
            let id = put.json["id"]?.string ?? ""
            #expect(try await provider.json("/api/v1/commands/\(id)")["state"] == "confirmed")
            let told = try await provider.send(.get, Self.path, nil)
            let settings = told.json["desired"]?["settings"]
            #expect(told.eTag == "\"1\"" && told.json["desired"]?["state"] == "applied")
            #expect(told.json["reported"]?["status"] == "applied" && told.json["heartbeat_seconds"] == 30)
            #expect(settings?["headers"]?["Authorization"] == .string(SecretMask.mark))
            #expect(settings?["certificate"]?["private_key"] == .string(SecretMask.mark))
            #expect(settings?["tls"]?["min_version"] == "1.3")

            let beat = try await provider.send(.put, Self.beat, ["seconds": 90], ifMatch: "\"1\"")
            #expect(beat.status == 202 && beat.json["command"] == "heartbeat" && beat.eTag == "\"2\"")
            let next = try await provider.report(agent.beat()).connectionSettings.opamp
            #expect(next.heartbeatIntervalSeconds == 90, "the interval goes out")
            #expect(next.destinationEndpoint == offer.opamp.destinationEndpoint, "with all else that is desired")
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `an interval is offered, changed and withdrawn`() async throws {
        try await TransportTestProvider.with { provider in
            var agent = agent([.reportsHeartbeat])
            _ = try await provider.report(agent.full())
            #expect(try await provider.send(.put, Self.beat, ["seconds": 10]).status == 202)
            let offer = try await provider.report(agent.beat()).connectionSettings
            #expect(offer.opamp.heartbeatIntervalSeconds == 10 && offer.opamp.destinationEndpoint.isEmpty)
            let told = try await provider.json(Self.path)
            #expect(told["desired"]?["state"] == "unconfirmed" && told["heartbeat_seconds"] == 10)
            #expect(try await provider.send(.put, Self.beat, ["seconds": nil]).status == 204)
            #expect(try await provider.json(Self.path)["desired"] == nil)
        }
    }

    @Test(
        .timeLimit(.minutes(5)),
        arguments: [
            (#"{}"#, 400, "body"), (#"{"destination_endpoint":"ftp://x"}"#, 400, "destination_endpoint"),
            (#"{"destination_endpoint":"wss://"}"#, 400, "destination_endpoint"),
            (#"{"destination_endpoint":"localhost:4320"}"#, 400, "destination_endpoint"),
            (#"{"headers":{"a b":"c"}}"#, 400, "headers.a b"), (#"{"headers":{"a":"c\r\nd"}}"#, 400, "headers.a"),
            (#"{"headers":{"a":"***MASKED***"}}"#, 422, "headers.a"),
            (#"{"certificate":{"private_key":"***MASKED***"}}"#, 422, "certificate.private_key"),
            (#"{"certificate":{"cert":"abc"}}"#, 400, "certificate.cert"),
            (#"{"certificate":{"key":"abc"}}"#, 400, "certificate.key"),
            (#"{"tls":{"min_version":"TLS1.2"}}"#, 400, "tls.min_version"),
            (#"{"certificate":{}}"#, 400, "certificate.cert"),
            (#"{"certificate":{"cert":"-----BEGIN CERTIFICATE-----"}}"#, 400, "certificate.private_key"),
            (#"{"proxy":{}}"#, 400, "proxy.url"), (#"{"endpoint":"ws://a"}"#, 400, "endpoint"),
            (#"{"heartbeat_seconds":-1}"#, 400, "heartbeat_seconds"),
        ])
    func `settings that cannot be are refused with the place`(body: String, status: Int, field: String) async throws {
        try await TransportTestProvider.with { provider in
            var agent = agent([.acceptsOpAMPConnectionSettings, .reportsHeartbeat])
            _ = try await provider.report(agent.full())
            let answer = try await provider.request(
                .put, Self.path, headers: [(name: "Content-Type", value: "application/json")], body: Array(body.utf8))
            #expect(answer.status == status)
            #expect(try JSON(parsing: answer.body)["field"] == .string(field))
            #expect(try await provider.report(agent.beat()).hasConnectionSettings == false)
        }
    }

    @Test(
        .timeLimit(.minutes(5)),
        arguments: [
            (#"{"seconds":86401}"#, 400), (#"{"seconds":"5"}"#, 400), (#"{}"#, 400), (#"{"seconds":1.5}"#, 400),
            (#"{"seconds":5}"#, 409),
        ])
    func `an interval that cannot be is refused`(body: String, status: Int) async throws {
        try await TransportTestProvider.with { provider in
            var agent = Reporter()
            _ = try await provider.report(agent.full())
            let answer = try await provider.request(
                .put, Self.beat, headers: [(name: "Content-Type", value: "application/json")], body: Array(body.utf8))
            #expect(answer.status == status)
            let problem = try JSON(parsing: answer.body)
            #expect(status == 409 ? problem["missing_capability"] == "ReportsHeartbeat" : problem["field"] == "seconds")
        }
    }

    @Test func `connection settings are offered only to agents that accept them`() throws {
        var (stage, agent) = (Stage(), Reporter())
        stage.send(agent.full(), over: webSocket())
        let settings = OpAMPConnectionSettings.with { $0.destinationEndpoint = "wss://a" }
        let request = OfferRequest(
            kind: .settings, command: .connectionSettings, hash: settings.offerHash, body: nil,
            revision: ConfigRevision())
        let problem = #expect(throws: Problem.self) { try stage.offer(request, to: agent.uid) }
        #expect(problem?.missingCapability == "AcceptsOpAMPConnectionSettings")
    }

    @Test func `settings that FAILED are not offered again, others that differ from the reported ones are`() throws {
        var (stage, agent) = (Stage(), Reporter())
        agent.capabilities.formUnion([.acceptsOpAMPConnectionSettings, .reportsConnectionSettingsStatus])
        stage.send(agent.full(), over: webSocket())
        let settings = OpAMPConnectionSettings.with { $0.destinationEndpoint = "wss://a" }
        let request = OfferRequest(
            kind: .settings, command: .connectionSettings, hash: settings.offerHash, body: nil,
            revision: ConfigRevision())
        let id = try stage.offer(request, to: agent.uid)
        stage.wait(90)
        let link = webSocket()
        stage.send(agent.full(), over: link)
        #expect(stage.reoffered == [settings.offerHash], "the agent reports no hash yet")
        stage.send(agent.settings(.failed, of: settings.offerHash, error: "no route"), over: link)
        #expect(stage.command(id)?.state == .failed)
        stage.wait(90)
        stage.send(agent.settings(.applied, of: ContentHash([1, 2])), over: link)
        #expect(stage.reoffered.count == 1)
        #expect(stage.view(agent.uid)?.problems.contains("config_failed") == false, "that is of configurations")
    }

    @Test func `another hash of settings than the desired one is answered with the settings`() throws {
        for open in [webSocket, exchange] {
            var (stage, agent, link) = (Stage(), Reporter(), open())
            agent.capabilities.formUnion([.acceptsOpAMPConnectionSettings, .reportsConnectionSettingsStatus])
            stage.send(agent.full(), over: link)
            let settings = OpAMPConnectionSettings.with { $0.destinationEndpoint = "wss://a" }
            let request = OfferRequest(
                kind: .settings, command: .connectionSettings, hash: settings.offerHash, body: nil,
                revision: ConfigRevision())
            _ = try stage.offer(request, to: agent.uid)
            if link.push == nil { stage.send(agent.beat(), over: link) }
            stage.send(agent.settings(.applied, of: settings.offerHash), over: link)
            stage.wait(60)
            stage.send(agent.settings(.applied, of: settings.offerHash), over: link)
            #expect(stage.offered == [settings.offerHash] && stage.reoffered.isEmpty, "an equal one never is")
            stage.send(agent.settings(.applied, of: ContentHash([1, 2])), over: link)
            #expect(stage.reoffered == [settings.offerHash])
            #expect(stage.effects.reoffers.first?.link === link, "with this answer")
        }
    }

    @Test func `a request for a certificate is never answered`() throws {
        var (stage, agent) = (Stage(), Reporter())
        var message = agent.full()
        message.connectionSettingsRequest.opamp.certificateRequest.csr = Data("-----BEGIN".utf8)
        let answer = stage.send(message, over: exchange())
        #expect(!answer.hasConnectionSettings && !answer.hasErrorResponse)
        #expect(!ServerCapabilities(rawValue: answer.capabilities).contains(.acceptsConnectionSettingsRequest))
        #expect(stage.events.contains("certificate_requested"))
    }
}
