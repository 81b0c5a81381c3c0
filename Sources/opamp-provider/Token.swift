import ArgumentParser
import FleetAPI
import Glibc
import JSON
import Program
import Provider

/// Tokens of people and programs, in the data directory of a provider that runs or not.
struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes, lists and revokes tokens for the API.",
        discussion: """
            As soon as there is a token, everybody needs one. A provider that runs takes a change over within about a \
            second. Ends with 0; with 64 for a wrong flag, 65 for a damaged database, 1 for anything else.
            """,
        subcommands: [Create.self, List.self, Revoke.self]
    )

    struct Directory: ParsableArguments {
        @Option(help: ArgumentHelp("The provider's data directory.", valueName: "dir"))
        var dataDir: String

        func validate() throws {
            if dataDir.isEmpty { throw ValidationError("--data-dir \"\": allowed is the path of a directory") }
        }

        /// Runs something on the tokens; an error ends the program with its reason.
        func with<Result>(_ body: (TokenDesk) throws -> Result) throws -> Result {
            do { return try body(TokenDesk(dataDirectory: dataDir)) } catch let error as StoreError {
                throw failure("\(error)", error.kind.exitCode)
            } catch let error as ShapeError {
                throw ValidationError("--\(error)")
            }
        }
    }

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a token and prints it, this once, as one line of JSON.")

        @OptionGroup var directory: Directory

        @Option(help: ArgumentHelp("Who it is for: what they do is recorded under this name.", valueName: "name"))
        var name: String

        @Option(
            help: ArgumentHelp("What it may do: viewer, operator or admin.", valueName: "role"),
            transform: { text in
                guard let role = Role(rawValue: text) else {
                    throw ValidationError("allowed are viewer, operator and admin")
                }
                return role
            })
        var role: Role

        @Option(
            help: ArgumentHelp(
                "How long it is good: 30m, 12h, 90d, a time as 2027-01-01T00:00:00Z, or never.", valueName: "time"))
        var expires: String

        func run() throws {
            let issued = try directory.with { try $0.create(TokenRequest(name: name, role: role, expires: expires)) }
            printLine(issued.json, to: STDOUT_FILENO)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints all tokens, newest first, each as one line of JSON, without the tokens themselves.")

        @OptionGroup var directory: Directory

        func run() throws {
            for token in try directory.with({ try $0.list() }) { printLine(token.json, to: STDOUT_FILENO) }
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a token at once, and the sessions that were begun with it.")

        @OptionGroup var directory: Directory

        @Argument(help: "The id of the token, as \"token list\" shows it.")
        var id: String

        func run() throws {
            let revoked = try directory.with { try $0.revoke(id) }
            printLine(revoked.token.json, to: STDOUT_FILENO)
            if !revoked.isAnyLeft {
                printLine(
                    "opamp-provider: no token is left: unless a JWT issuer is configured, every program of the "
                        + "provider's machine may now use its API", to: STDERR_FILENO)
            }
        }
    }
}
