import JSON

/// How a client starts this program: with nothing that is secret.
struct Launch: Sendable, Equatable {
    /// Absolute: clients have another working directory and search path.
    let program: String
    let arguments: [String]

    /// - Parameters:
    ///   - settings: whose flags are repeated. A token from the environment is never among them.
    ///   - absolute: makes the path of a file absolute.
    init(program: String, settings: Settings, absolute: (String) -> String) {
        self.program = program
        var arguments = [Flag.provider.rawValue, settings.provider]
        for flag in Flag.allCases where flag.isRepeated {
            guard let value = settings.given[flag] else { continue }
            arguments.append(flag.rawValue)
            if flag.takesValue { arguments.append(flag.isFile ? absolute(value) : value) }
        }
        self.arguments = arguments
    }

    /// The members of an entry in JSON that are ours; others of it are left alone.
    ///
    /// - Parameter type: what the client wants to be told of the transport; nil for nothing.
    func members(type: String?) -> [(key: String, value: JSON)] {
        var members: [(key: String, value: JSON)] = []
        if let type { members.append(("type", .string(type))) }
        return members + [("command", .string(program)), ("args", .array(arguments.map { .string($0) }))]
    }

    /// The keys of a table of Codex that are ours, as TOML.
    ///
    /// A call may take the longest wait and the time of a request: Codex gives up after a minute unless told otherwise.
    var keys: [(key: String, value: String)] {
        [
            ("command", TOMLText.quoted(program)), ("args", TOMLText.list(arguments)), ("tool_timeout_sec", "120"),
        ]
    }

    /// A whole table of Codex.
    func table(_ name: String) -> String {
        "[\(TOMLText.container).\(name)]\n" + keys.map { "\($0.key) = \($0.value)\n" }.joined()
    }

    /// A whole entry of LibreChat. A text of JSON is one of YAML, too.
    func yaml(_ name: String) -> String {
        let items = arguments.map { "      - \(JSON.string($0).text)\n" }.joined()
        return """
            mcpServers:
              \(name):
                type: stdio
                command: \(JSON.string(program).text)
                args:
            \(items)    timeout: 120000

            """
    }
}
