import JSON

/// How a client's file says that a server is started.
struct ServerEntry: Sendable, Equatable {
    let name: String
    var command: String?
    /// Nil where they are not a list of texts.
    var arguments: [String]? = []
    var environment: [String: String] = [:]
    /// Of a server that is not started but connected to.
    var address: String?
    var isDisabled = false

    /// Whether it starts this program, wherever it lies.
    var isOurs: Bool { command.map { lastName(of: $0) == "opamp-mcp" } ?? false }

    /// The same, also where the program was given another name.
    func starts(_ program: String) -> Bool { isOurs || command == program }

    /// Whether the Python project's set-up made it: it connects to another server of the same fleet.
    var isOfPythonProject: Bool {
        let arguments = arguments ?? []
        if isOurs { return false }
        if environment["OPAMP_MCP_SSE_URL"] != nil { return true }
        if arguments.contains(where: { $0.hasSuffix("routes.py:mcpserver") }) { return true }
        let names = ["OpAMP Server", "opamp-server", "opampServer"]
        let programs = ["mcp-remote", "npx", "uv", "uvx", "fastmcp"]
        return names.contains(name) && command.map { programs.contains(lastName(of: $0)) } ?? (address != nil)
    }

    /// What it starts or connects to, in a few words without arguments, which may hold secrets.
    var summary: String {
        command.map { "starts \($0)" } ?? (address == nil ? "starts nothing" : "connects to an address")
    }
}

/// The last part of a path of any system, without the ending of a program.
private func lastName(of path: String) -> String {
    let name = path.split { $0 == "/" || $0 == "\\" }.last.map(String.init) ?? path
    return [".exe", ".cmd"].first { name.lowercased().hasSuffix($0) }.map { String(name.dropLast($0.count)) } ?? name
}

extension JSONText {
    /// The servers below one member of the root.
    ///
    /// - Throws: where that member is there twice, or is no object.
    func servers(in container: String) throws(ConfigRefusal) -> [ServerEntry] {
        guard let member = try member(container, of: root) else { return [] }
        var found: [ServerEntry] = []
        for server in try object(of: member).members {
            guard let name = server.name, let json = json(server.value) else { continue }
            var entry = ServerEntry(name: name)
            entry.command = json["command"]?.string
            if let arguments = json["args"] {
                let texts = arguments.array?.compactMap(\.string)
                entry.arguments = texts?.count == arguments.array?.count ? texts : nil
            }
            for (key, value) in json["env"]?.object?.members ?? [] { entry.environment[key] = value.string }
            entry.address = json["url"]?.string ?? json["httpUrl"]?.string
            entry.isDisabled = json["disabled"] == true
            found.append(entry)
        }
        return found
    }
}
