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
    case version = "--version"
    case help = "--help"
    case shortHelp = "-h"

    var takesValue: Bool {
        switch self {
        case .readOnly, .version, .help, .shortHelp: false
        default: true
        }
    }

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
        case .readOnly, .version, .help, .shortHelp: "no value"
        }
    }
}

/// What `--help` says.
package let helpText = """
    opamp-mcp – MCP server for a fleet of OpAMP agents, on standard input and output

    usage: opamp-mcp [FLAGS]                        serve MCP
           opamp-mcp [FLAGS] tools                  list the tools
           opamp-mcp [FLAGS] call TOOL [JSON]       call one tool and print its answer
           opamp-mcp [FLAGS] print-config CLIENT    the configuration block for claude-desktop, claude-code or codex

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

    """
