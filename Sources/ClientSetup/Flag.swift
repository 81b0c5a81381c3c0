/// The flags of `opamp-mcp`.
enum Flag: String, CaseIterable {
    case provider = "--provider"
    case tokenFile = "--token-file"
    case caFile = "--ca-file"
    case clientCertificate = "--client-cert"
    case clientKey = "--client-key"
    case timeout = "--timeout"
    case readOnly = "--read-only"
    case tools = "--tools"
    case excludedTools = "--exclude-tools"
    case confirm = "--confirm"
    case callsAtOnce = "--max-calls"
    case writesPerMinute = "--max-writes"
    case maxTargets = "--max-targets"
    case auditLog = "--audit-log"
    case name = "--name"
    case file = "--file"
    case dryRun = "--dry-run"
    case remove = "--remove"
    case replace = "--replace"
    case json = "--json"
    case version = "--version"
    case help = "--help"
    case shortHelp = "-h"

    var takesValue: Bool {
        switch self {
        case .readOnly, .dryRun, .remove, .replace, .json, .version, .help, .shortHelp: false
        default: true
        }
    }

    /// The sub-commands that it is for; nil where it is for all of them.
    var subCommands: [String]? {
        switch self {
        case .name: ["configure", "print-config", "doctor"]
        case .file, .dryRun, .remove, .replace: ["configure"]
        case .json: ["call", "tools", "doctor"]
        default: nil
        }
    }

    /// Whether the entry of a client repeats it; the provider's address is always there.
    var isRepeated: Bool {
        switch self {
        case .provider, .version, .help, .shortHelp: false
        default: subCommands == nil
        }
    }

    /// Whether its value is the path of a file, which clients must be told absolute.
    var isFile: Bool { [.tokenFile, .caFile, .clientCertificate, .clientKey, .auditLog].contains(self) }

    /// What its value may be.
    var allowed: String {
        switch self {
        case .provider: "http://HOST:PORT or https://HOST:PORT, with a path where a proxy needs one"
        case .tokenFile: "a file that only you can read"
        case .caFile, .clientCertificate, .clientKey: "a PEM file"
        case .timeout: "1 to 300 seconds"
        case .tools, .excludedTools: "names of tools, separated by commas"
        case .confirm: Settings.confirmations.joined(separator: ", ")
        case .callsAtOnce: "1 to 1000 calls at work at one time"
        case .writesPerMinute: "1 to 1000 actions in any minute"
        case .maxTargets: "1 to 10000 agents for one action"
        case .auditLog: "a file that can be written"
        case .name: "1 to 64 letters, digits, _ and -"
        case .file: "the client's configuration file"
        case .readOnly, .dryRun, .remove, .replace, .json, .version, .help, .shortHelp: "no value"
        }
    }
}

/// What `--help` says.
package let helpText = """
    opamp-mcp – MCP server for a fleet of OpAMP agents, on standard input and output

    usage: opamp-mcp [FLAGS]                        serve MCP
           opamp-mcp [FLAGS] configure CLIENT...    connect clients: claude-desktop, claude-code, codex, gemini,
                                                    vscode, cursor; their files are merged, the flags repeated in them
           opamp-mcp [FLAGS] print-config CLIENT    print the block for a client instead; librechat, too
           opamp-mcp [FLAGS] doctor                 say what is wrong with provider, token and clients
           opamp-mcp [FLAGS] tools                  list the tools
           opamp-mcp [FLAGS] call TOOL [JSON]       call one tool and print its answer; - reads JSON from standard input

      --provider URL          the provider's address (OPAMP_SERVER_URL; http://127.0.0.1:8080)
      --token-file FILE       the token, in a file that only you can read (or OPAMP_SERVER_TOKEN)
      --ca-file FILE          authorities to trust instead of the system's (PEM)
      --client-cert FILE      certificate to show to the provider (PEM), with --client-key FILE
      --timeout SECONDS       how long a request may take, 1 to 300 (10)
      --read-only             only the tools that change nothing
      --tools a,b             only these tools
      --exclude-tools a,b     all tools but these
      --confirm WHEN          what a person confirms through the client: never, bulk (plans; the default), always
      --max-calls N           calls at work at one time, 1 to 1000 (16)
      --max-writes N          actions in any minute, 1 to 1000 (10)
      --max-targets N         agents that one action may be for, 1 to 10000 (100, and never a whole fleet)
      --audit-log FILE        note each action and its outcome there, or refuse it
      --version, --help

    of configure:
      --dry-run               only show the difference
      --remove                take the entry out again
      --replace               replace another server of that name, and take out what the Python project's set-up left
      --file FILE             this file instead of the client's own
      --name NAME             of the server in the client (opamp)

    of doctor, tools and call:
      --json                  answer in JSON

    ends with 0; with 1 when a tool or the doctor found a failure or a file was refused; with 64 for a wrong flag

    """
