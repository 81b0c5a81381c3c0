/// What `opamp-mcp` was told by flags and environment, checked but not yet acted on.
package struct Settings: Sendable, Equatable {
    /// What the program is asked to do.
    package enum Job: Sendable, Equatable {
        case serve
        case printConfig(Client)
        /// - Parameter arguments: JSON text, nil when none was given.
        case call(tool: String, arguments: String?)
        case listTools
        case version
        case help
    }

    package var job = Job.serve
    /// `http://…` or `https://…`, without a final slash.
    package var provider = "http://127.0.0.1:8080"
    /// From the environment; a file takes precedence.
    package var token: String?
    package var tokenFile: String?
    package var caFile: String?
    package var clientCertificate: String?
    package var clientKey: String?
    /// How long a request to the provider may take; nil where the usual time does.
    package var timeoutSeconds: Int?
    package var isReadOnly = false
    package var tools: [String] = []
    package var excludedTools: [String] = []
    /// One of `confirmations`; nil where the usual applies, as with the numbers below.
    package var confirmation: String?
    package var callsAtOnce: Int?
    package var writesPerMinute: Int?
    /// How many agents one action may be for; only when it is given, they may be a whole fleet.
    package var maxTargets: Int?
    package var auditLog: String?

    static let confirmations = ["never", "bulk", "always"]

    package init() {}
}
