import FleetAPI
import Foundation
import JSON
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

@Suite struct ReportedFieldsTests {
    @Test(.timeLimit(.minutes(5)))
    func `every field that an agent reports is stored and shown`() async throws {
        try await TransportTestProvider.with { provider in
            var agent = Reporter()
            agent.capabilities.formUnion([.reportsPackageStatuses, .reportsAvailableComponents])
            var report = agent.full()
            report.health.attributes = [KeyValue("reason", "disk")]
            report.health.componentHealthMap["output"] = .with { $0.attributes = [KeyValue("plugin", "es")] }
            report.packageStatuses.serverProvidedAllPackagesHash = Data([1, 2])
            report.packageStatuses.packages["plugins"] = .with {
                ($0.agentHasVersion, $0.serverOfferedVersion, $0.status) = ("1.0", "1.1", .installFailed)
                $0.errorMessage = "no room"
            }
            report.availableComponents.hash = Data([7])
            report.availableComponents.components["input"] = .with { $0.metadata = [KeyValue("code", "tail")] }
            report.effectiveConfig.configMap.configMap["a"] = .with { ($0.body, $0.role) = (Data("b".utf8), "primary") }
            report.flags = AgentToServerFlags.requestInstanceUID.rawValue
            report.connectionSettingsStatus.status = .failed
            report.connectionSettingsStatus.errorMessage = "no route; password=abc"
            _ = try await provider.report(report)

            let path = "/api/v1/agents/web-17"
            let detail = try await provider.json(path + "?include=health,packages,components,capabilities")
            #expect(detail["health"]?["attributes"]?["reason"] == "disk")
            #expect(detail["health"]?["components"]?["output"]?["attributes"]?["plugin"] == "es")
            let packages = detail["packages"]
            #expect(packages?["offered_hash"] == "0102" && packages?["packages"]?.array?.count == 1)
            let package: JSON = [
                "name": "plugins", "status": "install_failed", "agent_has_version": "1.0",
                "server_offered_version": "1.1", "error": "no room",
            ]
            #expect(packages?["packages"]?.array?.first == package)
            #expect(detail["components_hash"] == "07")
            #expect(detail["components"]?["input"]?["metadata"]?["code"] == "tail")
            #expect(detail["flags"] == ["RequestInstanceUid"])
            #expect(try await provider.json(path + "/config")["effective"]?["files"]?["a"]?["role"] == "primary")
            let reported = try await provider.json(path + "/connection-settings")["reported"]
            #expect(reported?["status"] == "failed")
            #expect(reported?["error"] == .string("no route; password=" + SecretMask.mark))
        }
    }

    @Test func `an agent that names components not known of it is asked for them`() {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        agent.capabilities.insert(.reportsAvailableComponents)
        let flag = ServerToAgentFlags.reportAvailableComponents.rawValue
        func report(_ hash: UInt8, isFull: Bool) -> AgentToServer {
            var message = agent.beat()
            message.availableComponents.hash = Data([hash])
            if isFull { message.availableComponents.components["input"] = ComponentDetails() }
            return message
        }
        stage.send(agent.full(), over: link)
        #expect(stage.send(report(1, isFull: false), over: link).flags & flag != 0)
        #expect(stage.send(agent.beat(), over: link).flags & flag == 0, "not with each heartbeat")
        #expect(stage.send(report(1, isFull: true), over: link).flags & flag == 0)
        #expect(stage.send(report(1, isFull: false), over: link).flags & flag == 0, "known by now")
        #expect(stage.send(report(2, isFull: false), over: link).flags & flag != 0)
        agent.capabilities.remove(.reportsAvailableComponents)
        #expect(stage.send(report(3, isFull: false), over: link).flags & flag == 0, "only who reports them is asked")
    }

    @Test func `only a message that tells nothing is taken for a heartbeat`() throws {
        var (stage, agent) = (Stage(), Reporter())
        stage.send(agent.full(), over: exchange())
        let facts = try #require(stage.facts(agent.uid))
        #expect(facts.hasNothingNew(in: agent.beat()))
        #expect(facts.hasNothingNew(in: .with { $0.instanceUid = agent.uid.data }), "without capabilities")
        let changes: [(inout AgentToServer) -> Void] = [
            { $0.agentDescription = .init() }, { $0.customCapabilities = .init() }, { $0.health = .init() },
            { $0.effectiveConfig = .init() }, { $0.remoteConfigStatus = .init() }, { $0.packageStatuses = .init() },
            { $0.connectionSettingsStatus = .init() }, { $0.connectionSettingsRequest = .init() },
            { $0.availableComponents = .init() }, { $0.flags = 1 }, { $0.capabilities = 1 },
        ]
        for (number, change) in changes.enumerated() {
            var message = agent.beat()
            change(&message)
            #expect(!facts.hasNothingNew(in: message), "\(number)")
        }
    }

    @Test func `what an agent reported of packages, components and settings is read as it was written`() throws {
        var (stage, agent) = (Stage(), Reporter())
        var report = agent.full()
        report.packageStatuses.packages["a"] = PackageStatus()
        report.availableComponents.hash = Data([7])
        report.connectionSettingsStatus.status = .applied
        report.connectionSettingsStatus.lastConnectionSettingsHash = Data([1, 0xff])
        report.remoteConfigStatus.status = .applying
        report.remoteConfigStatus.lastRemoteConfigHash = Data([0x0a])
        stage.send(report, over: exchange())
        let facts = try #require(stage.facts(agent.uid))
        let read = try AgentFacts(json: JSON(parsing: facts.json.text))
        #expect(read.packages == facts.packages && !read.packages.isEmpty)
        #expect(read.componentsHash.hex == "07" && read.connection == facts.connection)
        #expect(read.connection?.value.hash.hex == "01ff" && read.reportedConfig.hex == "0a")
    }
}
