import JSON

/// How a client starts this program, as the block for its configuration file.
package struct ClientConfig: Sendable {
    /// The name under which clients know the server.
    static let serverName = "opamp"

    private let program: String
    private let arguments: [String]
    private let provider: String

    /// - Parameters:
    ///   - program: absolute path of the binary: clients have another working directory and search path.
    ///   - settings: whose flags the block repeats. A token from the environment is never in it.
    ///   - absolute: makes the path of a file absolute.
    package init(program: String, settings: Settings, absolute: (String) -> String) {
        self.program = program
        provider = settings.provider
        var arguments: [String] = []
        func add(_ flag: Flag, _ value: String?) {
            if let value { arguments += [flag.rawValue, value] }
        }
        add(.tokenFile, settings.tokenFile.map(absolute))
        add(.caFile, settings.caFile.map(absolute))
        add(.clientCertificate, settings.clientCertificate.map(absolute))
        add(.clientKey, settings.clientKey.map(absolute))
        add(.timeout, settings.timeoutSeconds.map(String.init))
        if settings.isReadOnly { arguments.append(Flag.readOnly.rawValue) }
        add(.tools, settings.tools.isEmpty ? nil : settings.tools.joined(separator: ","))
        add(.excludedTools, settings.excludedTools.isEmpty ? nil : settings.excludedTools.joined(separator: ","))
        add(.confirm, settings.confirmation)
        add(.callsAtOnce, settings.callsAtOnce.map(String.init))
        add(.writesPerMinute, settings.writesPerMinute.map(String.init))
        add(.maxTargets, settings.maxTargets.map(String.init))
        add(.auditLog, settings.auditLog.map(absolute))
        self.arguments = arguments
    }

    /// The block, ending with a newline.
    package func block(for client: Client) -> String {
        switch client {
        case .claudeDesktop: json(type: nil)
        case .claudeCode: json(type: "stdio")
        case .codex: toml
        }
    }

    private func json(type: String?) -> String {
        var server = JSON.Object()
        server["type"] = type.map { .string($0) }
        server["command"] = .string(program)
        server["args"] = .array(arguments.map { .string($0) })
        server["env"] = ["OPAMP_SERVER_URL": .string(provider)]
        let file = JSON.object(
            JSON.Object([("mcpServers", .object(JSON.Object([(Self.serverName, .object(server))])))]))
        // Strings alone can always be written.
        return String(decoding: (try? file.bytes(.pretty)) ?? [], as: UTF8.self) + "\n"
    }

    /// A call may take the longest wait and the time of a request: Codex gives up after a minute unless told otherwise.
    private var toml: String {
        """
        [mcp_servers.\(Self.serverName)]
        command = \(quoted(program))
        args = [\(arguments.map(quoted).joined(separator: ", "))]
        env = { OPAMP_SERVER_URL = \(quoted(provider)) }
        tool_timeout_sec = 120

        """
    }

    /// A basic string of TOML, which JSON's escapes are valid in. Spec: TOML 1.0, "String".
    private func quoted(_ text: String) -> String {
        JSON.string(text).text.replacingDelete
    }
}

extension String {
    /// JSON leaves U+007F as it is, TOML wants it escaped.
    fileprivate var replacingDelete: String {
        String(flatMap { $0 == "\u{7F}" ? "\\u007F" : String($0) })
    }
}
