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
        if let url = variable("OPAMP_SERVER_URL") {
            provider = try address(url, from: "OPAMP_SERVER_URL")
            isProviderChosen = true
        }
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
                given[flag] = value
            } else {
                guard attached == nil else { throw UsageError("\(argument): \(name) takes no value") }
                try set(flag, to: "")
                given[flag] = ""
            }
        }
        guard job == .serve else { return }
        job = try Job(words)
        for flag in Flag.allCases where given[flag] != nil {
            guard let allowed = flag.subCommands, !allowed.contains(words.first ?? "") else { continue }
            throw UsageError("\(flag.rawValue) is for opamp-mcp \(allowed.joined(separator: ", "))")
        }
        if case .configure(let clients) = job, setup.file != nil, clients.count > 1 {
            throw UsageError("--file is the file of one client; configure them one after the other")
        }
        if (clientCertificate == nil) != (clientKey == nil) {
            throw UsageError("--client-cert and --client-key go together; give both or neither")
        }
    }

    private mutating func set(_ flag: Flag, to value: String) throws(UsageError) {
        switch flag {
        case .provider: (provider, isProviderChosen) = (try address(value, from: flag.rawValue), true)
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
        case .name:
            let isName = (1...64).contains(value.utf8.count) && value.utf8.allSatisfy(\.isOfServerName)
            guard isName else { throw UsageError("--name \(value) is not possible; allowed: \(flag.allowed)") }
            setup.name = value
        case .file: setup.file = value
        case .dryRun: setup.isDryRun = true
        case .remove: setup.removes = true
        case .replace: setup.replaces = true
        case .json: setup.isJSON = true
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
        let allowed =
            "configure CLIENT..., print-config CLIENT, doctor, call TOOL [JSON], tools; "
            + "without one it serves MCP on standard input"
        switch rest.popFirst() {
        case nil: self = .serve
        case "tools": self = .listTools
        case "doctor": self = .doctor
        case "print-config": self = .printConfig(try Self.client(rest.popFirst(), of: Client.allCases, "print-config"))
        case "configure":
            var clients: [Client] = []
            repeat {
                let client = try Self.client(rest.popFirst(), of: Client.configurable, "configure")
                if !clients.contains(client) { clients.append(client) }
            } while !rest.isEmpty
            self = .configure(clients)
        case "call":
            guard let tool = rest.popFirst() else { throw UsageError("call needs a tool; opamp-mcp tools lists them") }
            self = .call(tool: tool, arguments: rest.popFirst())
        case let word?: throw UsageError("unknown sub-command \(word); allowed: \(allowed)")
        }
        if let extra = rest.first { throw UsageError("unexpected argument \(extra) after \(words[0])") }
    }

    private static func client(_ name: String?, of clients: [Client], _ word: String) throws(UsageError) -> Client {
        let names = clients.map(\.rawValue).joined(separator: ", ")
        guard let name else { throw UsageError("\(word) needs a client: \(names)") }
        if let client = Client(rawValue: name) {
            guard !clients.contains(client) else { return client }
            throw UsageError("\(word) \(name) is not possible: its file may be anywhere; use print-config \(name)")
        }
        throw UsageError("\(word) \(name) is not known; clients: \(names)")
    }
}

extension UInt8 {
    fileprivate var isOfServerName: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
