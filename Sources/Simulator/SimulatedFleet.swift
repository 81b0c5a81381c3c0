package import JSON
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// Runs a simulated fleet against a real server until it is told to stop.
package struct SimulatedFleet: Sendable {
    private let options: SimulationOptions
    private let endpoint: Endpoint
    private let duration: Duration?
    private let printsStatistics: Bool
    private let journal: Journal?
    private let output: @Sendable (JSON) -> Void
    private let logger: Logger

    /// How far apart agents connect, so that the server's backlog is never full: 4,000 in a second.
    private static let connectInterval = Duration.microseconds(250)

    /// - Parameters:
    ///   - duration: stops by itself after that long; nil runs until the graceful shutdown.
    ///   - journal: gets every command that an agent receives.
    ///   - output: gets `{"connected":N}` once every agent's first report has been answered and, if
    ///     `printsStatistics`, the statistics once a second. Called from several threads.
    package init(
        _ options: SimulationOptions, endpoint: Endpoint, duration: Duration? = nil, printsStatistics: Bool = false,
        journal: Journal? = nil, logger: Logger, output: @escaping @Sendable (JSON) -> Void
    ) {
        self.options = options
        self.endpoint = endpoint
        self.duration = duration
        self.printsStatistics = printsStatistics
        self.journal = journal
        self.logger = logger
        self.output = output
    }

    /// Returns after the duration or the graceful shutdown, when every agent has said goodbye.
    ///
    /// - Throws: only if the host cannot be resolved; a server that is not there is waited for.
    package func run() async throws {
        // One thread: several of them, connecting for the first time at once, have crashed the runtime of Swift 6.3
        // while it made the generic types of the upgrade. A larger fleet is several processes.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            try await run(on: group)
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    private func run(on group: MultiThreadedEventLoopGroup) async throws {
        let connector = try Connector(to: endpoint)
        let statistics = Statistics(agents: options.agents)
        let runners = options.fleet(startingAt: .now).enumerated().map { index, agent in
            start(agent, at: index, on: group.next(), connector, statistics)
        }
        logger.info("agents are connecting", metadata: ["agents": "\(options.agents)", "to": "\(endpoint.authority)"])
        try? await cancelWhenGracefulShutdown {
            try await withThrowingTaskGroup(of: Void.self) { group in
                if let duration { group.addTask { try await Task.sleep(for: duration) } }
                group.addTask { try await printStatistics(statistics) }
                try await group.next()
                group.cancelAll()
            }
        }
        logger.info("agents are leaving")
        let stopped = runners.map { runner in
            runner.eventLoop.flatSubmit { runner.value.stop() }
        }
        try await EventLoopFuture.andAllComplete(stopped, on: group.next()).get()
        if printsStatistics { output(statistics.json) }
    }

    private func start(
        _ agent: SimulatedAgent, at index: Int, on loop: any EventLoop, _ connector: Connector, _ statistics: Statistics
    ) -> NIOLoopBoundBox<AgentRunner> {
        let (options, output, journal, logger) = (options, output, journal, logger)
        let box = NIOLoopBoundBox.makeBoxSendingValue(
            AgentRunner(
                agent, seed: options.seed &+ UInt64(index), on: loop, connector: connector, statistics: statistics,
                journal: journal, logger: logger, allAnswered: { output(["connected": .integer(options.agents)]) }
            ),
            eventLoop: loop
        )
        loop.execute { box.value.start(after: Self.connectInterval * index) }
        return box
    }

    /// Prints once a second, or waits for ever; ends by cancellation.
    private func printStatistics(_ statistics: Statistics) async throws {
        while true {
            try await Task.sleep(for: .seconds(1))
            if printsStatistics { output(statistics.json) }
        }
    }
}
