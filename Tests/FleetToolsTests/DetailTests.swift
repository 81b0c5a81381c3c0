import FleetAPI
import Testing

@testable import FleetTools

@Suite struct DetailTests {
    @Test func `an agent is told in short unless sections are asked for`() {
        #expect(
            SampleFleet.detail.text() == """
                web-3 (7c592e): unhealthy, seen 21s ago, websocket, reports every 30s; 2026-11-23T10:00:40Z
                fluent-bit 5.1.0, linux, ip 10.0.0.3, started 2h ago
                uid 019c2f7a0b1c7d3e8f901122337c592e, instance id web-3.example
                labels: env=staging zone=eu-1
                config: applied, hash 3f9a3f9a, fluent-bit.yaml 3120 B
                health: unhealthy, 1 of 5 components at fault: 1 output fails
                component\tstatus\terror
                output.es.0\tretrying\tbroken connection to es-1.logs.example:9200, retry 3 of 5
                commands, newest first:
                command\tstate\tasked\tdetail
                restart\tconfirmed\t10s\tstart time 08:00:40 → 10:00:31.250
                restart\tunconfirmed\t10s\t-
                restart\texpired\t10s\tthe agent was stale
                events, newest first:
                ago\tevent\tdetail
                90s\tunhealthy\toutput.es.0: broken connection
                90s\trestarted\t-
                90s\tconnected\t-
                """)
    }

    @Test func `sections asked for are told at length`() {
        #expect(
            SampleFleet.detail.text([.components, .attributes, .capabilities, .commands]) == """
                web-3 (7c592e): unhealthy, seen 21s ago, websocket, reports every 30s; 2026-11-23T10:00:40Z
                components:
                inputs: tail, cpu
                outputs: es
                identifying attributes:
                service.name=fluent-bit
                service.version=5.1.0
                other attributes:
                cpus=4
                host.name=web-3
                capabilities: ReportsStatus, AcceptsRestartCommand, ReportsHealth
                custom: org.mp3monster.opamp_provider.chatopcommand
                commands, newest first:
                command\tstate\tasked\tdetail\tcommand_id
                restart\tconfirmed\t10s\tstart time 08:00:40 → 10:00:31.250\t3f9a51c07d2e4b688a10c4d5e6f70812
                restart\tunconfirmed\t10s\t-\t3f9a51c07d2e4b688a10c4d5e6f70812
                restart\texpired\t10s\tthe agent was stale\t3f9a51c07d2e4b688a10c4d5e6f70812
                restart\tcancelled\t10s\tby local\t3f9a51c07d2e4b688a10c4d5e6f70812
                """)
    }

    @Test func `an agent that reports little is told so`() {
        var detail = AgentDetail()
        detail.asOf = SampleFleet.now
        detail.agent.shortID = "a1b2c3"
        detail.agent.instanceUID = "019c2f7a0b1c7d3e8f90112233a1b2c3"
        (detail.agent.status, detail.agent.lastHealth) = (.stale, .healthy)
        detail.agent.lastSeen = SampleFleet.now + .seconds(-400)
        #expect(
            detail.text(DetailSection.allCases) == """
                a1b2c3: stale, last seen 6m ago, healthy then; 2026-11-23T10:00:40Z
                uid 019c2f7a0b1c7d3e8f90112233a1b2c3
                health: not reported
                components: not reported
                attributes: not reported
                capabilities: not reported
                commands: none
                events: none
                """)
    }

    @Test func `at most five components that deviate are named, the deepest cause and not its parents`() {
        var tree = ComponentHealthTree()
        var pipeline = ComponentHealthTree()
        for number in 0..<7 {
            var node = ComponentHealthTree()
            node.lastError = "e\(number)"
            pipeline.components["output.\(number)"] = node
        }
        tree.components = ["pipeline": pipeline]
        #expect(
            tree.lines == [
                "health: unhealthy, 7 of 8 components at fault", "all: status=-", "component\terror",
                "pipeline/output.0\te0", "pipeline/output.1\te1", "pipeline/output.2\te2", "pipeline/output.3\te3",
                "pipeline/output.4\te4", "… 2 more",
            ])
        for name in pipeline.components.keys { pipeline.components[name]?.healthy = name != "output.3" }
        pipeline.lastError = "e3"
        (tree.components["pipeline"], tree.lastError) = (pipeline, "e3")
        #expect(
            tree.lines == [
                "health: unhealthy, 1 of 8 components at fault", "component\tstatus\terror",
                "pipeline/output.3\t-\te3",
            ])
        tree = ComponentHealthTree()
        tree.healthy = true
        #expect(tree.lines == ["health: healthy"])
    }
}
