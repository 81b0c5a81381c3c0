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
            output says where it listens, {"listening":"http://127.0.0.1:41234"}; the log goes to standard error. \
            SIGTERM ends it with 0 after a clean stop; 64 is a wrong flag, 65 a damaged database or one of a newer \
            version, 1 an address that is in use or a data directory that cannot be used.
            """
    )

    @Option(
        help: ArgumentHelp("Where to listen: a loopback address; port 0 is any free port.", valueName: "host:port"),
        transform: { text in
            guard let address = Authority(text), address.port != nil else {
                throw ValidationError("allowed are HOST:PORT and [IPv6]:PORT, with a port from 0 to 65535")
            }
            guard address.isLoopback else {
                throw ValidationError(
                    """
                    allowed are loopback addresses (127.0.0.1, localhost, [::1]): other listeners need \
                    authentication, which does not exist yet
                    """)
            }
            return address
        })
    var listen = Authority("127.0.0.1:8080")!

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
            token: every agent must show a token, of --agent-token-file or one of its own; none: what an agent shows \
            counts, but it need show nothing. (default: token with --agent-token-file, none without)
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
        let listener = Listener(
            on: listen, fleet: fleet, doorkeeper: doorkeeper,
            gate: AgentGate(fleet: fleet, tokens: tokens, isRequired: mustAgentsShowTokens), limits: limits,
            logger: logger
        ) { url in
            printLine(["listening": .string(url)] as JSON, to: STDOUT_FILENO)
        }
        var services = ServiceGroupConfiguration(
            // Stopped in reverse: the fleet after the listener, so that the last messages are kept.
            services: [.init(service: fleet), .init(service: doorkeeper), .init(service: listener)]
                + definitions(for: fleet, logger),
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
    private var mustAgentsShowTokens: Bool { (agentAuth ?? (agentTokenFile == nil ? .nothing : .token)) == .token }

    /// The service that watches the definitions of commands, which have been read once when this returns.
    private func definitions(for fleet: Fleet, _ logger: Logger) -> [ServiceGroupConfiguration.ServiceConfiguration] {
        guard let commands else { return [] }
        let folder = CommandFolder(commands, fleet: fleet, logger: logger)
        folder.look()
        return [.init(service: folder)]
    }
}
