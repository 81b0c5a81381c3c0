import OpAMP
import Simulator
import SwiftProtobuf
import Testing

extension [SimulatedAgent.Action] {
    var sent: [AgentToServer] {
        compactMap { if case .send(let message) = $0 { message } else { nil } }
    }

    var timers: [(timer: SimulatedAgent.Timer, delay: Duration)] {
        compactMap { if case .wait(let timer, let delay) = $0 { (timer, delay) } else { nil } }
    }

    var commands: [ReceivedCommand] {
        compactMap { if case .saw(let command) = $0 { command } else { nil } }
    }
}

extension AgentProfile {
    var remembersIDs: Bool { customCapabilities.contains(CustomCapability.commandIDs) }
}

/// One simulated agent of a small fleet, and the time of its life.
enum AgentStage {
    static let start = UnixTime(nanoseconds: 1_790_000_000_000_000_000)
    static let every = [CustomCapability.chatOps, CustomCapability.shutdown, CustomCapability.null]

    /// The first agent that has all custom capabilities and is such as asked for, connected to a server that has them
    /// too; healthy unless `change` says otherwise.
    static func agent(
        seed: UInt64 = 7, announced: [String] = every, _ change: (inout SimulationOptions) -> Void = { _ in },
        where isWanted: (AgentProfile) -> Bool = { _ in true }
    ) throws -> SimulatedAgent {
        var options = SimulationOptions(agents: 60, seed: seed)
        options.unhealthyPercent = 0
        change(&options)
        var agent = try #require(
            options.fleet(startingAt: start).first {
                Set($0.profile.customCapabilities).isSuperset(of: every) && isWanted($0.profile)
            }
        )
        _ = agent.connected(at: start)
        let announcement = ServerToAgent.with { $0.customCapabilities.capabilities = announced }
        #expect(agent.received(announcement, at: start).isEmpty)
        return agent
    }
}
