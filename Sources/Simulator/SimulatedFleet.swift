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

    /// How far apart agents begin, so that the server's backlog is never full: 4,000 in a second.
    private static let startInterval = Duration.microseconds(250)
    /// How often agents without heartbeats poll.
    private static let poll = Duration.seconds(30)
    /// Shared by the agents that poll, unless told otherwise.
    private static let connections = 1000

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
        let statistics = Statistics(agents: options.agents)
        let runners = try await start(on: group.next(), statistics)
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
        try await runners.eventLoop.flatSubmit {
            runners.value.stop(on: runners.eventLoop)
        }.get()
        if printsStatistics { output(statistics.json) }
    }

    /// Makes the agents and has them begin one after another.
    private func start(on loop: any EventLoop, _ statistics: Statistics) async throws -> NIOLoopBoundBox<Runners> {
        var options = options
        let (endpoint, output, journal, logger) = (endpoint, output, journal, logger)
        options.serverURL = endpoint.url
        if endpoint.transport == .http { options.poll = Self.poll }
        let address = try SocketAddress.makeAddressResolvingHost(endpoint.host, port: endpoint.port)
        return try await loop.submit { [options] in
            let timers = Timers(on: loop)
            let context = RunnerContext(
                loop: loop, timers: timers, statistics: statistics, journal: journal, logger: logger,
                allAnswered: { output(["connected": .integer(options.agents)]) }
            )
            let connector = Connector(to: endpoint, at: address, token: options.token, tls: options.tls)
            let limit = options.connections ?? min(options.agents, Self.connections)
            let requests = RequestPool(
                to: endpoint, at: address, token: options.token, tls: options.tls, limit: limit, on: loop)
            let runners: [any Runner] = options.fleet(startingAt: .now).enumerated().map { index, agent in
                let seed = options.seed &+ UInt64(index)
                return switch endpoint.transport {
                case .webSocket: AgentRunner(agent, seed: seed, context, connector)
                case .http: PollingRunner(agent, seed: seed, context, requests)
                }
            }
            for (index, runner) in runners.enumerated() { runner.start(after: Self.startInterval * index) }
            return NIOLoopBoundBox(Runners(all: runners, timers: timers, requests: requests), eventLoop: loop)
        }.get()
    }

    /// Prints once a second, or waits for ever; ends by cancellation.
    private func printStatistics(_ statistics: Statistics) async throws {
        while true {
            try await Task.sleep(for: .seconds(1))
            if printsStatistics { output(statistics.json) }
        }
    }
}

/// The runners of a fleet, and what they share.
private struct Runners {
    let all: [any Runner]
    let timers: Timers
    let requests: RequestPool

    func stop(on loop: any EventLoop) -> EventLoopFuture<Void> {
        let stopped = EventLoopFuture.andAllComplete(all.map { $0.stop() }, on: loop)
        stopped.assumeIsolated().whenComplete { _ in
            timers.stop()
            requests.close()
        }
        return stopped
    }
}
