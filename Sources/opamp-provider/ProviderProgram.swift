import ArgumentParser
import FleetAPI
import Glibc
import Program

/// What the program can do; without a sub-command it serves.
@main
struct ProviderProgram: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "opamp-provider",
        abstract: "The OpAMP server of a fleet, with a REST API for its tools.",
        discussion: """
            Without a sub-command it serves: opamp-provider --data-dir DIR. \
            All flags of that are told by: opamp-provider serve --help
            """,
        version: productVersion,
        subcommands: [
            Serve.self, Token.self, EnrolmentCommand.self, AgentTokenCommand.self, Backup.self, Restore.self,
            DoctorCommand.self,
        ],
        defaultSubcommand: Serve.self
    )
}

/// Says why the program ends, in one line on standard error whatever the log level.
func failure(_ reason: String, _ code: Int32 = 1) -> ExitCode {
    printLine("opamp-provider: \(reason)", to: STDERR_FILENO)
    return ExitCode(code)
}
