import Glibc

/// Connects clients: merges the entry of this program into their files, or takes it out.
package struct Configure {
    private let settings: Settings
    private let config: ClientConfig
    private let fileOf: (Client) -> String?

    /// - Parameters:
    ///   - program: absolute path of the binary.
    ///   - environment: where the files of clients are.
    ///   - absolute: makes the path of a file absolute.
    /// - Throws: where a file that the entry would name cannot be used.
    package init(
        _ settings: Settings, program: String, environment: @escaping (String) -> String?,
        absolute: (String) -> String
    ) throws(UsageError) {
        self.settings = settings
        config = ClientConfig(program: program, settings: settings, absolute: absolute)
        fileOf = { client in settings.setup.file ?? client.file(on: .current, environment: environment) }
        guard !settings.setup.removes else { return }
        if let path = settings.tokenFile { _ = try readToken(from: path) }
        for flag in [Flag.caFile, .clientCertificate, .clientKey] {
            guard let path = settings.given[flag], access(path, R_OK) != 0 else { continue }
            throw UsageError("\(flag.rawValue) \(path) cannot be read: \(String(cString: strerror(errno)))")
        }
    }

    /// Changes the file of each client, or only shows how it would change.
    ///
    /// - Returns: what to tell, and whether every file is now as it should be.
    package func run(_ clients: [Client]) -> (text: String, isDone: Bool) {
        var (text, isDone) = ("", true)
        for client in clients {
            do {
                text += try connect(client)
            } catch {
                isDone = false
                text += "\(client.rawValue): nothing was changed: \(error)\n"
                if !settings.setup.removes {
                    text += "the block for it, to be put in by hand:\n\n\(config.block(for: client))\n"
                }
            }
        }
        if settings.token != nil, settings.tokenFile == nil, !settings.setup.removes {
            text +=
                "OPAMP_SERVER_TOKEN is never written; put the token into a private file, and give --token-file FILE\n"
        }
        return (text, isDone)
    }

    private func connect(_ client: Client) throws(ConfigRefusal) -> String {
        guard let path = fileOf(client) else {
            throw ConfigRefusal("the home directory is not known: set HOME, or give --file")
        }
        let (setup, file) = (settings.setup, ConfigFile(path: path))
        let launch = setup.removes ? nil : config.launch
        func change(_ old: [UInt8]) throws(ConfigRefusal) -> ConfigChange {
            do {
                return try ConfigChange(
                    old, format: client.format, name: setup.name, program: config.launch.program, launch: launch,
                    replaces: setup.replaces)
            } catch {
                throw ConfigRefusal("\(path): \(error)")
            }
        }
        let made: ConfigChange
        var backup: String?
        if setup.isDryRun {
            let old = try file.read() ?? []
            made = try change(old)
            if made.bytes != old { return tell(client, path, made, difference(from: old, to: made.bytes, path: path)) }
        } else {
            // What an interrupted update would have made never counts.
            var last: ConfigChange?
            backup = try file.update { (old) throws(ConfigRefusal) in
                let made = try change(old)
                last = made
                return made.bytes
            }.backup
            guard let last else { throw ConfigRefusal("\(path) could not be read") }
            made = last
        }
        return tell(client, path, made, backup.map { "  the file as it was: \($0)\n" } ?? "")
    }

    private func tell(_ client: Client, _ path: String, _ change: ConfigChange, _ more: String) -> String {
        let (name, isDryRun) = (settings.setup.name, settings.setup.isDryRun)
        let what =
            switch change.outcome {
            case .unchanged: "\(name) is there already"
            case .absent: "\(name) is not there"
            case let outcome: isDryRun ? "\(name) would be \(outcome.rawValue)" : "\(name) \(outcome.rawValue)"
            }
        var text = "\(client.rawValue): \(what) (\(path))\n" + change.notes.map { "  note: \($0)\n" }.joined() + more
        switch change.outcome {
        case .unchanged, .absent: break
        case _ where isDryRun: text += "nothing was written\n"
        default: text += "  now: \(client.afterwards)\n"
        }
        return text
    }
}
