import ArgumentParser
import FleetAPI
import Glibc
import JSON
import Program
import Provider

/// Says what is wrong with a provider's surroundings, and how to put it right.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Checks what a provider needs, whether it runs or not; changes nothing.",
        discussion: """
            Data directory, free space, database, limit of open files, clock, history, certificate, address, and of a \
            provider that runs whether it is ready. A token for it is taken from OPAMP_SERVER_TOKEN. Ends with 1 when something has \
            failed, with 0 when nothing has, warnings or not; 64 is a wrong flag.
            """
    )

    @Option(help: ArgumentHelp("The provider's data directory.", valueName: "dir"))
    var dataDir: String

    @Option(
        help: ArgumentHelp("Where the provider listens, or would.", valueName: "host:port"),
        transform: { text in
            guard let address = Authority(text), address.port != nil else {
                throw ValidationError("allowed are HOST:PORT and [IPv6]:PORT")
            }
            return address
        })
    var listen = Authority("127.0.0.1:8080")!

    @Option(help: ArgumentHelp("The address of a provider that runs, for example https://opamp.example:8080."))
    var url: String?

    @Option(help: ArgumentHelp("How many agents are expected, if not as many as are known.", valueName: "count"))
    var agents: Int?

    @Option(help: ArgumentHelp("Authorities to trust instead of the system's, in PEM.", valueName: "file"))
    var caFile: String?

    @Option(help: ArgumentHelp("The certificate that the provider is started with.", valueName: "file"))
    var tlsCert: String?

    @Option(help: ArgumentHelp("Its key.", valueName: "file"))
    var tlsKey: String?

    @Option(
        name: .customLong("agent-client-ca"),
        help: ArgumentHelp("The authorities of agents' certificates.", valueName: "file"))
    var agentClientCA: String?

    @Flag(help: "One JSON array instead of lines.")
    var json = false

    func validate() throws {
        if dataDir.isEmpty { throw ValidationError("--data-dir \"\": allowed is the path of a directory") }
        guard (tlsCert == nil) == (tlsKey == nil), agentClientCA == nil || tlsCert != nil else {
            throw ValidationError("--tls-cert and --tls-key go together, and --agent-client-ca needs both")
        }
        if let agents, !(0...10_000_000).contains(agents) {
            throw ValidationError("--agents \(agents): allowed is a number from 0 to 10000000")
        }
        if let url, !url.hasPrefix("http://"), !url.hasPrefix("https://") {
            throw ValidationError("--url \(url): allowed are http://HOST:PORT and https://HOST:PORT")
        }
    }

    func run() async throws {
        let token = getenv("OPAMP_SERVER_TOKEN").map { String(cString: $0) }
        let base = url.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
        let files = tlsCert.flatMap { certificate in
            tlsKey.map { TLSFiles(certificate: certificate, key: $0, clientAuthorities: agentClientCA) }
        }
        let doctor = Doctor(
            directory: dataDir, listen: listen, url: base, agents: agents, token: token?.isEmpty == true ? nil : token,
            caFile: caFile, tlsFiles: files)
        let findings = await doctor.examine()
        if json {
            printLine(JSON.array(findings.map(\.json)), to: STDOUT_FILENO)
        } else {
            for finding in findings { printLine(finding.description, to: STDOUT_FILENO) }
        }
        if findings.contains(where: { $0.outcome == .fail }) { throw ExitCode(1) }
    }
}
