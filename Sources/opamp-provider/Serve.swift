import ArgumentParser
import FleetAPI
import Glibc
import JSON
import Logging
import Program
import Provider
import ServiceLifecycle
import UnixSignals

/// Whether agents must show who they are.
enum AgentAuth: String {
    case nothing = "none"
    case token
}

/// The wiring of the provider itself: flags, log, signals.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves a fleet; what happens without a sub-command.",
        discussion: """
            Agents connect to /v1/opamp, by WebSocket or plain HTTP; tools use /api/v1. The first line on standard \
            output says where it listens, {"listening":"http://127.0.0.1:41234"}, with "agent_listening" for \
            --agent-listen; the log goes to standard error. SIGTERM ends it with 0 after a clean stop; 64 is a wrong \
            flag or a start that would be unsafe, 65 a damaged database or one of a newer \
            version, 1 an address that is in use or a data directory that cannot be used.
            """
    )

    @Option(help: ArgumentHelp("Where the fleet, the commands and their history are kept.", valueName: "dir"))
    var dataDir: String?

    @Flag(help: "Keep everything in memory: it is gone when the provider ends.")
    var inMemory = false

    @Option(
        help: ArgumentHelp(
            """
            Asks every agent for a bearer token of this file: one a line, at least 16 characters, # begins a comment. \
            Only its owner may read it; it is read again when it changes, and WebSockets that were opened with a token \
            that is gone are closed within 30 seconds. These tokens do not open the API.
            """, valueName: "file"))
    var agentTokenFile: String?

    @Option(
        help: ArgumentHelp(
            """
            token: every agent must show a token, of --agent-token-file or one of its own, or a certificate; none: what \
            an agent shows counts, but it need show nothing. (default: token with --agent-token-file or \
            --agent-client-ca, none without)
            """, valueName: "token|none"),
        transform: { text in
            guard let auth = AgentAuth(rawValue: text) else { throw ValidationError("allowed are token and none") }
            return auth
        })
    var agentAuth: AgentAuth?

    @Option(
        name: .customLong("max-message-mib"),
        help: ArgumentHelp(
            "The most of one OpAMP message, either way, in MiB: 8 to 64. An agent that is not approved may send 4.",
            valueName: "number"),
        transform: { text in
            let allowed = TransportLimits.messageMiBAllowed
            guard let number = Int(text), allowed.contains(number) else {
                throw ValidationError("allowed is a whole number from \(allowed.lowerBound) to \(allowed.upperBound)")
            }
            return number
        })
    var maxMessageMiB = 64

    @Option(
        help: ArgumentHelp(
            "A directory of *.json files that define commands; changes take effect while it runs.", valueName: "dir"))
    var commands: String?

    @OptionGroup var listen: ListenOptions
    @OptionGroup var operate: OperateOptions
    @OptionGroup var access: AccessOptions
    @OptionGroup var log: LogOptions

    func validate() throws {
        if let dataDir, dataDir.isEmpty { throw ValidationError("--data-dir \"\": allowed is the path of a directory") }
        if let commands, commands.isEmpty {
            throw ValidationError("--commands \"\": allowed is the path of a directory")
        }
        guard (dataDir != nil) != inMemory else {
            throw ValidationError(
                "\(inMemory ? "both --data-dir and --in-memory are given" : "the store is missing"): "
                    + "give either --data-dir DIR, which keeps the fleet, or --in-memory, which forgets it")
        }
    }

    func run() async throws {
        let logger = log.makeLogger("opamp-provider")
        var limits = TransportLimits(messageMiB: maxMessageMiB)
        let openFiles = raiseOpenFileLimit()
        if openFiles > 0 { limits.openFiles = Int(clamping: openFiles) }
        logger.info("open files", metadata: ["limit": .stringConvertible(openFiles)])
        let tokens: AgentTokens?
        do {
            tokens = try agentTokenFile.map { try AgentTokens(path: $0, logger: logger) }
        } catch {
            throw ValidationError("--agent-token-file: \(error)")
        }
        let tls = try listen.tls(logger)
        let issuer = try await access.issuer(logger)
        let (fleet, doorkeeper): (Fleet, Doorkeeper)
        do {
            fleet = try Fleet(
                dataDirectory: dataDir, version: productVersion, allowsInsecureWebhook: operate.insecureWebhook,
                logger: logger)
            doorkeeper = try Doorkeeper(fleet: fleet, issuer: issuer, logger: logger)
        } catch {
            throw failure(
                "the store \(dataDir.map { "in \($0) " } ?? "")cannot be opened: \(error)", error.kind.exitCode)
        }
        let gate = AgentGate(fleet: fleet, tokens: tokens, isRequired: mustAgentsShowWho)
        try listen.check(
            isGuarded: doorkeeper.isRequired, isAgentGuarded: gate.isRequired, dataDir: dataDir)
        let reception = Reception(
            fleet: fleet, doorkeeper: doorkeeper, gate: gate, limits: limits, tls: tls, publicHosts: listen.publicHost,
            isOpen: listen.insecureNoAuth, logger: logger)
        var services = ServiceGroupConfiguration(
            // Stopped in reverse: the fleet after the listeners, so that the last messages are kept.
            services: [.init(service: fleet), .init(service: doorkeeper)] + (tls.map { [.init(service: $0)] } ?? [])
                + listeners(reception) + definitions(for: fleet, logger),
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
        )
        services.maximumGracefulShutdownDuration = .seconds(10)
        do {
            try await ServiceGroup(configuration: services).run()
        } catch {
            throw failure("\(error)")
        }
    }

    /// Making an enrolment changes nothing of it: no agent that is there is locked out by that.
    private var mustAgentsShowWho: Bool {
        (agentAuth ?? (agentTokenFile == nil && listen.agentClientCA == nil ? .nothing : .token)) == .token
    }

    private func listeners(_ reception: Reception) -> [ServiceGroupConfiguration.ServiceConfiguration] {
        let announcement = Announcement(of: listen.agentListen == nil ? 1 : 2)
        let main = Listener(on: listen.listen, reception) { announcement.listens("listening", at: $0) }
        let agents = listen.agentListen.map { address in
            Listener(on: address, for: .agents, reception) { announcement.listens("agent_listening", at: $0) }
        }
        return ([main] + (agents.map { [$0] } ?? [])).map { .init(service: $0) }
    }

    /// The service that watches the definitions of commands, which have been read once when this returns.
    private func definitions(for fleet: Fleet, _ logger: Logger) -> [ServiceGroupConfiguration.ServiceConfiguration] {
        guard let commands else { return [] }
        let folder = CommandFolder(commands, fleet: fleet, logger: logger)
        folder.look()
        return [.init(service: folder)]
    }
}
