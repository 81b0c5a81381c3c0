import FleetAPI
import Glibc

/// What one client's file says.
struct ClientEntry {
    let client: Client
    let path: String
    /// Nil where the file cannot be read; then `refusal` says why.
    var servers: [ServerEntry]?
    var refusal = ""
    /// The entry of that name.
    var entry: ServerEntry?
    /// What the entry's flags and variables say; nil where it is not ours, or they are refused.
    var settings: Settings?
    /// Why they are refused.
    var usage: UsageError?
}

// The clients of this machine: whether their entries start this program, and with what.
extension Doctor {
    /// Those whose file is there.
    func clientEntries() -> [ClientEntry] {
        Client.configurable.compactMap { (client) -> ClientEntry? in
            guard let path = client.file(on: .current, environment: environment) else { return nil }
            var found = ClientEntry(client: client, path: path)
            do {
                guard let bytes = try ConfigFile(path: path).read() else { return nil }
                found.servers = try servers(in: bytes, client.format)
            } catch {
                found.refusal = "\(error)"
                return found
            }
            found.entry = found.servers?.first { $0.name == settings.setup.name }
            guard let entry = found.entry, entry.starts(program), let arguments = entry.arguments else { return found }
            do throws(UsageError) {
                let settings = try Settings(arguments: arguments) { entry.environment[$0] }
                if settings.job == .serve { found.settings = settings }
            } catch {
                found.usage = error
            }
            return found
        }
    }

    func examine(_ found: ClientEntry) -> [Finding] {
        let check = found.client.rawValue
        let configure = "opamp-mcp configure \(check)"
        guard let servers = found.servers else {
            return [
                Finding(
                    check, .fail, "\(found.path) cannot be read: \(found.refusal)",
                    "mend it; \(check) may not start its servers")
            ]
        }
        var findings = servers.filter { $0.isOfPythonProject }.map { left in
            Finding(
                check, .warn, "\"\(clean(left.name))\" in \(found.path) was left by the Python project's set-up",
                "\(configure) --replace takes it out")
        }
        guard let entry = found.entry else {
            findings.append(Finding(check, .ok, "not connected (\(found.path))", "\(configure) connects it"))
            return findings
        }
        guard entry.starts(program), let command = entry.command else {
            if !entry.isOfPythonProject {
                findings.append(
                    Finding(
                        check, .fail,
                        "\(entry.name) in \(found.path) is another server: it \(clean(entry.summary, limit: 200))",
                        "\(configure) --replace puts this one in its place"))
            }
            return findings
        }
        let before = findings.count
        findings += examine(program: command, check, configure)
        if entry.isDisabled {
            findings.append(Finding(check, .warn, "\(entry.name) is disabled in \(found.path)", "enable it there"))
        }
        if entry.environment["OPAMP_SERVER_TOKEN"]?.isEmpty == false {
            findings.append(
                Finding(
                    check, .warn, "a token stands in \(found.path)",
                    "write it to a file that only you can read, and run \(configure) --token-file FILE"))
        }
        if let usage = found.usage {
            findings.append(
                Finding(
                    check, .fail, "its flags are refused: \(clean(masked(usage.description), limit: 300))", configure))
        } else if let theirs = found.settings {
            findings += examine(theirs, check, configure)
        } else {
            findings.append(Finding(check, .fail, "its arguments do not start a server", configure))
        }
        if findings.count == before {
            findings.append(Finding(check, .ok, "\(entry.name) starts this program (\(found.path))"))
        }
        return findings
    }

    private func examine(_ theirs: Settings, _ check: String, _ configure: String) -> [Finding] {
        var findings: [Finding] = []
        if settings.isProviderChosen, theirs.provider != settings.provider {
            findings.append(
                Finding(
                    check, .warn, "its entry points to \(theirs.provider), not to \(settings.provider)",
                    "\(configure) --provider \(settings.provider), if that is the one"))
        }
        for flag in Flag.allCases where flag.isFile {
            guard let path = theirs.given[flag], !path.hasPrefix("/") else { continue }
            findings.append(
                Finding(
                    check, .fail,
                    "\(flag.rawValue) \(clean(path)) is not an absolute path, and clients have another directory",
                    configure))
        }
        return findings
    }

    /// What is wrong with a program that an entry starts.
    private func examine(program command: String, _ check: String, _ configure: String) -> [Finding] {
        let shown = clean(command, limit: 200)
        guard command.hasPrefix("/") else {
            return [Finding(check, .warn, "\(shown) is not an absolute path: the client may not find it", configure)]
        }
        guard access(command, X_OK) == 0 else {
            let isGone = errno == ENOENT
            return [Finding(check, .fail, "\(shown) \(isGone ? "is gone" : "cannot be run")", configure)]
        }
        if let real = realpath(command, nil) {
            defer { free(real) }
            if String(cString: real) == program { return [] }
        }
        let answer = firstLine(of: [command, "--version"])
        if answer == "opamp-mcp \(productVersion)" { return [] }
        let said = answer.map { ": \(clean($0, limit: 200))" } ?? ""
        if let answer, answer.hasPrefix("opamp-mcp ") {
            return [Finding(check, .warn, "\(shown) is another version\(said), this is \(productVersion)", configure)]
        }
        return [
            Finding(
                check, .fail, "\(shown) does not say its version\(said)",
                "install it again with its libraries, or \(configure)")
        ]
    }
}
