import ArgumentParser
import FleetAPI
import Glibc
import JSON
import OpAMP
import Program
import Provider

/// Enrolments of agents, in the data directory of a provider that runs or not.
struct EnrolmentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enrolment",
        abstract: "Makes, lists and revokes tokens that let agents in for the first time.",
        discussion: """
            An agent shows an enrolment token as "Authorization: Bearer TOKEN" when it first connects. It is offered a \
            token of its own, which is bound to its instance uid, and from when it shows that the enrolment token opens \
            nothing for it any more. A provider that runs takes a change over within about a second. Ends with 0; with \
            64 for a wrong flag, 65 for a damaged database, 1 for anything else.
            """,
        subcommands: [Create.self, List.self, Revoke.self]
    )

    struct Directory: ParsableArguments {
        @Option(help: ArgumentHelp("The provider's data directory.", valueName: "dir"))
        var dataDir: String

        func validate() throws {
            if dataDir.isEmpty { throw ValidationError("--data-dir \"\": allowed is the path of a directory") }
        }

        /// Runs something on the enrolments; an error ends the program with its reason.
        func with<Result>(_ body: (EnrolmentDesk) throws -> Result) throws -> Result {
            do { return try body(EnrolmentDesk(dataDirectory: dataDir)) } catch let error as StoreError {
                throw failure("\(error)", error.kind.exitCode)
            } catch let error as ShapeError {
                throw ValidationError("--\(error)")
            }
        }
    }

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes an enrolment and prints it with its token, this once, as one line of JSON.")

        @OptionGroup var directory: Directory

        @Option(help: ArgumentHelp("What it is for, as lists and the audit show it.", valueName: "name"))
        var name: String?

        @Option(
            help: ArgumentHelp(
                "How long it is good: 30m, 12h, 7d, or a time as 2027-01-01T00:00:00Z.", valueName: "time"))
        var expires = EnrolmentRequest.defaultExpiry

        @Option(help: ArgumentHelp("How many agents it lets in, 1 to 100000.", valueName: "number"))
        var uses = 1

        func run() throws {
            let request = EnrolmentRequest(name: name, expires: expires, uses: uses)
            printLine(try directory.with { try $0.create(request) }.json, to: STDOUT_FILENO)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints all enrolments, newest first, each as one line of JSON, without their tokens.")

        @OptionGroup var directory: Directory

        func run() throws {
            for enrolment in try directory.with({ try $0.list() }) { printLine(enrolment.json, to: STDOUT_FILENO) }
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends an enrolment at once; agents that have shown a token of their own stay.")

        @OptionGroup var directory: Directory

        @Argument(help: "The id of the enrolment, as \"enrolment list\" shows it.")
        var id: String

        func run() throws {
            printLine(try directory.with { try $0.revoke(id) }.json, to: STDOUT_FILENO)
        }
    }
}

/// The tokens that agents have for themselves, in the data directory of a provider that runs or not.
struct AgentTokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent-token",
        abstract: "Lists and revokes the tokens that agents have for themselves.",
        subcommands: [List.self, Revoke.self]
    )

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints which agents have a token of their own, each as one line of JSON, without the tokens.")

        @OptionGroup var directory: EnrolmentCommand.Directory

        func run() throws {
            for (uid, token) in try directory.with({ try $0.tokens() }) {
                var line = token.json.object ?? .init()
                line["instance_uid"] = .string(uid.description)
                printLine(.object(line), to: STDOUT_FILENO)
            }
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends the token of an agent, and the connection it opened with it.")

        @OptionGroup var directory: EnrolmentCommand.Directory

        @Argument(
            help: "The instance uid of the agent: 32 hex digits, dashes allowed.",
            transform: { text in
                guard let uid = InstanceUID(text) else { throw ValidationError("allowed are 32 hex digits") }
                return uid
            })
        var uid: InstanceUID

        func run() throws {
            let count = try directory.with { try $0.revokeTokens(of: uid) }
            printLine(["instance_uid": .string(uid.description), "revoked": .integer(count)], to: STDOUT_FILENO)
        }
    }
}
