import OpAMP
import Testing

@Suite struct CapabilitiesTests {
    @Test func `bits have the specification's numbers and names`() {
        let agent = AgentCapabilities(rawValue: 0x2c05)
        #expect(
            agent == [
                .reportsStatus, .reportsEffectiveConfig, .acceptsRestartCommand, .reportsHealth, .reportsHeartbeat,
            ]
        )
        #expect(agent.names.first == "ReportsStatus")
        #expect(agent.names.last == "ReportsHeartbeat")
        #expect(AgentCapabilities(rawValue: 0xffff).names.count == 16)
        #expect(ServerCapabilities(rawValue: 0x7f).names.count == 7)
        #expect(ServerCapabilities.offersConnectionSettings.rawValue == 0x20)
        #expect(ServerToAgentFlags.reportFullState.rawValue == 1)
    }

    @Test func `unknown bits are kept and not named`() {
        let capabilities = AgentCapabilities(rawValue: 1 << 40 | 1)
        #expect(capabilities.names == ["ReportsStatus"])
        #expect(capabilities.rawValue == 1 << 40 | 1)
    }
}
