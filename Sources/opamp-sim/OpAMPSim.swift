import ArgumentParser
import ClientSetup
import FleetAPI
import Glibc
import Logging
import Program
import ServiceLifecycle
import Simulator
import UnixSignals

/// The wiring of the simulated fleet: flags, log, signals.
@main
struct OpAMPSim: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "opamp-sim",
        abstract: "Simulates a fleet of Fluent Bit and Fluentd agents that speak real OpAMP.",
        discussion: """
            The same seed gives the same fleet. Standard output holds one JSON line when every agent has been answered, \
            {"connected":N}, and with --stats one a second, in which "refused" counts what the server refused, by its \
            answer; the log goes to standard error. SIGTERM lets every agent say goodbye and ends with 0.

            A configuration that is offered is applied, unless it has the line "# sim: fail" (or "# sim: fail once", which \
            fails only the first time it is offered). Of connection settings only the heartbeat interval is taken, and a token by agents that enrol.
            """,
        version: productVersion
    )

    @Option(
        help: ArgumentHelp(
            "Where the OpAMP server is: ws://HOST:PORT/v1/opamp, or http:// to poll; wss:// and https:// over TLS.",
            valueName: "url"),
        transform: { try Endpoint($0) })
    var url: Endpoint

    @Option(
        help: ArgumentHelp(
            "The bearer token that agents show the server is the one line of this file, which only its owner may read.",
            valueName: "file"))
    var tokenFile: String?

    @Option(
        help: ArgumentHelp(
            """
            The one line of this file, which only its owner may read, is an enrolment token: each agent is enrolled with \
            it, takes the token it is offered, keeps it in memory and comes back with it. For so many agents as --agents \
            says the enrolment needs as many --uses.
            """, valueName: "file"))
    var enrolmentTokenFile: String?

    @Option(help: ArgumentHelp("Authorities to trust instead of the system's, in PEM.", valueName: "file"))
    var caFile: String?

    @Option(help: ArgumentHelp("A certificate that every agent shows the server, in PEM.", valueName: "file"))
    var clientCert: String?

    @Option(help: ArgumentHelp("The key of that certificate, in PEM.", valueName: "file"))
    var clientKey: String?

    @Option(help: "How many agents, 1 to 100000.")
    var agents = 50

    @Option(help: "Seconds between heartbeats, 0 for none; agents that poll then do so each 30 seconds.")
    var heartbeat = 30

    @Option(help: "How many connections agents that poll share. (default: one each, up to 1000)")
    var connections: Int?

    @Option(help: "The same seed gives the same fleet.")
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("How many of 100 agents are unhealthy; at least one unless 0.", valueName: "percent"))
    var unhealthy = 2.0

    @Option(name: .customLong("for"), help: ArgumentHelp("Stop by itself after that long.", valueName: "seconds"))
    var duration: Double?

    @Flag(help: "Print one JSON line with counts a second.")
    var stats = false

    @Option(help: ArgumentHelp("Append one JSON line there for each command an agent receives.", valueName: "file"))
    var journal: String?

    @OptionGroup var log: LogOptions

    @OptionGroup(title: "Misbehaviour")
    var misbehaviour: Misbehaviour

    func validate() throws {
        if tokenFile != nil, enrolmentTokenFile != nil {
            throw ValidationError("--token-file and --enrolment-token-file: give one of them")
        }
        try check("--agents", agents, in: 1...100_000)
        try check("--heartbeat", heartbeat, in: 0...86_400)
        guard (clientCert == nil) == (clientKey == nil) else {
            throw ValidationError("--client-cert and --client-key go together; give both or none")
        }
        if !url.isSecure, let flag = caFile.map({ _ in "--ca-file" }) ?? clientCert.map({ _ in "--client-cert" }) {
            throw ValidationError("\(flag) is for TLS: --url wss://… or https://…")
        }
        try check("--unhealthy", unhealthy, in: 0...100)
        if let connections {
            try check("--connections", connections, in: 1...100_000)
            if url.transport != .http { throw ValidationError("--connections is for agents that poll: --url http://…") }
        }
        if let duration { try check("--for", duration, in: 0.1...31_536_000) }
        try check("--ignore-commands", misbehaviour.ignoreCommands, in: 0...100)
        try check("--config-failures", misbehaviour.configFailures, in: 0...100)
        try check("--uptime-as-start-time", misbehaviour.uptimeAsStartTime, in: 0...100)
        try check("--answer-late", misbehaviour.answerLate, in: 0...86_400)
        try check("--clone-uid", misbehaviour.cloneUID, in: 0...(agents - 1))
        if let seconds = misbehaviour.fallSilent { try check("--fall-silent", seconds, in: 0...31_536_000) }
        try check("--fall-silent-percent", misbehaviour.fallSilentPercent, in: 0...100)
    }

    func run() async throws {
        let logger = log.makeLogger("opamp-sim")
        logger.debug("open files", metadata: ["limit": .stringConvertible(raiseOpenFileLimit())])
        let fleet = SimulatedFleet(
            try options(), endpoint: url, duration: duration.map { .seconds($0) }, printsStatistics: stats,
            journal: try openJournal(), logger: logger,
            output: { printLine($0, to: STDOUT_FILENO) }
        )
        var services = ServiceGroupConfiguration(
            services: [
                .init(
                    service: Simulation(fleet: fleet), successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .cancelGroup
                )
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
        )
        services.maximumGracefulShutdownDuration = .seconds(15)
        try await ServiceGroup(configuration: services).run()
    }

    private func openJournal() throws -> Journal? {
        do {
            return try journal.map { try Journal(path: $0) }
        } catch {
            throw ValidationError("\(error)")
        }
    }

    private func readTokenFile() throws -> BearerToken? {
        do {
            if let path = enrolmentTokenFile {
                return BearerToken(try readToken(from: path, flag: "--enrolment-token-file"))
            }
            return try tokenFile.map { path throws(UsageError) in BearerToken(try readToken(from: path)) }
        } catch {
            throw ValidationError("\(error)")
        }
    }

    private func readTLS() throws -> ClientTLS? {
        guard url.isSecure else { return nil }
        do {
            return try ClientTLS(to: url.host, caFile: caFile, certificateFile: clientCert, keyFile: clientKey)
        } catch {
            throw ValidationError("\(error)")
        }
    }

    private func options() throws -> SimulationOptions {
        var options = SimulationOptions(agents: agents, seed: seed)
        options.token = try readTokenFile()
        options.enrols = enrolmentTokenFile != nil
        options.tls = try readTLS()
        options.heartbeat = .seconds(heartbeat)
        options.connections = connections
        options.unhealthyPercent = unhealthy
        options.ignoringPercent = misbehaviour.ignoreCommands
        options.configFailurePercent = misbehaviour.configFailures
        options.keepsUIDs = misbehaviour.keepUID
        options.uptimePercent = misbehaviour.uptimeAsStartTime
        options.answerDelay = .seconds(misbehaviour.answerLate)
        options.clones = misbehaviour.cloneUID
        options.silentAfter = misbehaviour.fallSilent.map { .seconds($0) }
        options.silentPercent = misbehaviour.fallSilentPercent
        return options
    }

    private func check<Value: Comparable>(_ flag: String, _ value: Value, in allowed: ClosedRange<Value>) throws {
        if allowed.contains(value) { return }
        throw ValidationError("\(flag) \(value): allowed are \(allowed.lowerBound) to \(allowed.upperBound)")
    }
}

/// What tests need agents to do wrong.
struct Misbehaviour: ParsableArguments {
    @Option(help: ArgumentHelp("How many of 100 agents ignore commands and custom messages.", valueName: "percent"))
    var ignoreCommands = 0.0

    @Option(help: ArgumentHelp("How many of 100 agents fail every configuration offered.", valueName: "percent"))
    var configFailures = 0.0

    @Flag(name: .customLong("keep-uid"), help: "Agents go on with their instance UID when offered another.")
    var keepUID = false

    @Option(help: ArgumentHelp("Hold every answer back that long.", valueName: "seconds"))
    var answerLate = 0.0

    @Option(help: ArgumentHelp("How many of 100 agents report their uptime as start time.", valueName: "percent"))
    var uptimeAsStartTime = 0.0

    @Option(
        name: .customLong("clone-uid"),
        help: ArgumentHelp("That many agents use the instance UID of the first one.", valueName: "agents")
    )
    var cloneUID = 0

    @Option(
        help: ArgumentHelp(
            "From then on agents neither send nor answer, and keep their connections.", valueName: "seconds"
        )
    )
    var fallSilent: Double?

    @Option(help: ArgumentHelp("How many of 100 agents --fall-silent is for.", valueName: "percent"))
    var fallSilentPercent = 100.0
}

/// The fleet as the service group runs it.
private struct Simulation: Service {
    let fleet: SimulatedFleet

    func run() async throws {
        try await fleet.run()
    }
}
