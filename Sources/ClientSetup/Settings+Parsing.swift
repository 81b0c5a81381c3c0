extension Settings {
    /// Reads the command line, without the program's name, and the environment.
    ///
    /// An empty variable counts as not set. Files are not opened.
    package init(
        arguments: [String], environment: (String) -> String?
    ) throws(UsageError) {
        self.init()
        func variable(_ name: String) -> String? { environment(name).flatMap { $0.isEmpty ? nil : $0 } }
        token = variable("OPAMP_SERVER_TOKEN")
        if let url = variable("OPAMP_SERVER_URL") { provider = try address(url, from: "OPAMP_SERVER_URL") }
        var words: [String] = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("-"), argument != "-" else {
                words.append(argument)
                continue
            }
            let name = String(argument.prefix { $0 != "=" })
            let attached = name == argument ? nil : String(argument.dropFirst(name.count + 1))
            guard let flag = Flag(rawValue: name) else {
                throw UsageError(
                    "unknown flag \(name); flags: \(Flag.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            if flag.takesValue {
                guard let value = attached ?? rest.popFirst(), !value.isEmpty else {
                    throw UsageError("\(name) needs a value: \(flag.allowed)")
                }
                try set(flag, to: value)
            } else {
                guard attached == nil else { throw UsageError("\(argument): \(name) takes no value") }
                try set(flag, to: "")
            }
        }
        guard job == .serve else { return }
        job = try Job(words)
        if (clientCertificate == nil) != (clientKey == nil) {
            throw UsageError("--client-cert and --client-key go together; give both or neither")
        }
    }

    private mutating func set(_ flag: Flag, to value: String) throws(UsageError) {
        switch flag {
        case .provider: provider = try address(value, from: flag.rawValue)
        case .tokenFile: tokenFile = value
        case .caFile: caFile = value
        case .clientCertificate: clientCertificate = value
        case .clientKey: clientKey = value
        case .timeout: timeoutSeconds = try number(flag, value, in: 1...300)
        case .readOnly: isReadOnly = true
        case .tools: tools = names(value)
        case .excludedTools: excludedTools = names(value)
        case .confirm:
            guard Settings.confirmations.contains(value) else { throw impossible(flag, value) }
            confirmation = value
        case .callsAtOnce: callsAtOnce = try number(flag, value, in: 1...1000)
        case .writesPerMinute: writesPerMinute = try number(flag, value, in: 1...1000)
        case .maxTargets: maxTargets = try number(flag, value, in: 1...10_000)
        case .auditLog: auditLog = value
        case .version: job = .version
        case .help, .shortHelp: job = .help
        }
    }

    private func number(_ flag: Flag, _ text: String, in range: ClosedRange<Int>) throws(UsageError) -> Int {
        guard let number = Int(text), range.contains(number) else { throw impossible(flag, text) }
        return number
    }

    private func impossible(_ flag: Flag, _ value: String) -> UsageError {
        UsageError("\(flag.rawValue) \(value) is not possible; allowed: \(flag.allowed)")
    }

    private func names(_ list: String) -> [String] {
        list.split { $0 == "," || $0 == " " }.map(String.init)
    }

    private func address(_ url: String, from source: String) throws(UsageError) -> String {
        let lower = url.lowercased()
        guard let scheme = ["http://", "https://"].first(where: { lower.hasPrefix($0) }), url.count > scheme.count,
            url.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw UsageError("\(source) \(url) is not an address; allowed: \(Flag.provider.allowed)") }
        let authority = url.dropFirst(scheme.count).prefix { $0 != "/" }
        // The value is not repeated: it holds a secret.
        guard !authority.contains("@"), !url.contains("?"), !url.contains("#") else {
            throw UsageError("\(source) holds more than an address; allowed: \(Flag.provider.allowed)")
        }
        return url.hasSuffix("/") ? String(url.dropLast()) : url
    }
}

extension Settings.Job {
    /// - Parameter words: what is no flag: the sub-command and what follows it.
    fileprivate init(_ words: [String]) throws(UsageError) {
        var rest = words[...]
        let allowed = "print-config CLIENT, call TOOL [JSON], tools; without one it serves MCP on standard input"
        switch rest.popFirst() {
        case nil: self = .serve
        case "tools": self = .listTools
        case "print-config":
            let clients = Client.allCases.map(\.rawValue).joined(separator: ", ")
            guard let name = rest.popFirst() else { throw UsageError("print-config needs a client: \(clients)") }
            guard let client = Client(rawValue: name) else {
                throw UsageError("print-config \(name) is not known; clients: \(clients)")
            }
            self = .printConfig(client)
        case "call":
            guard let tool = rest.popFirst() else { throw UsageError("call needs a tool; opamp-mcp tools lists them") }
            self = .call(tool: tool, arguments: rest.popFirst())
        case let word?: throw UsageError("unknown sub-command \(word); allowed: \(allowed)")
        }
        if let extra = rest.first { throw UsageError("unexpected argument \(extra) after \(words[0])") }
    }
}
