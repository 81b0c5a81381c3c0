/// The systems whose clients are known.
package enum Platform: CaseIterable, Sendable {
    case linux
    case macOS
    case windows

    package static var current: Platform {
        #if os(macOS)
            .macOS
        #elseif os(Windows)
            .windows
        #else
            .linux
        #endif
    }

    var separator: String { self == .windows ? "\\" : "/" }
}

/// Folders that a path begins with.
private enum Base {
    case home
    /// Where programs keep the settings of a user.
    case settings
    /// What the variable says, else the folder of this name at home.
    case variable(String, else: [String])
}

extension Client {
    /// The file that it reads for all of a user's projects; nil where there is no such place, or no home.
    ///
    /// - Parameter environment: an empty variable counts as not set.
    package func file(on platform: Platform, environment: (String) -> String?) -> String? {
        func variable(_ name: String) -> String? { environment(name).flatMap { $0.isEmpty ? nil : $0 } }
        guard let (base, parts) = location else { return nil }
        let home = variable(platform == .windows ? "USERPROFILE" : "HOME")
        var start: String?
        var more: [String] = []
        switch base {
        case .home: start = home
        case .variable(let name, let folder):
            start = variable(name) ?? home
            if variable(name) == nil { more = folder }
        case .settings:
            switch platform {
            // Spec: XDG Base Directory Specification: a relative path is not valid.
            case .linux:
                let folder = variable("XDG_CONFIG_HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
                start = folder ?? home
                more = folder == nil ? [".config"] : []
            case .macOS: (start, more) = (home, ["Library", "Application Support"])
            case .windows: start = variable("APPDATA")
            }
        }
        return start.map { ([$0] + more + parts).joined(separator: platform.separator) }
    }

    /// Where a person puts the block: the file on this system, or what it is called.
    package func place(environment: (String) -> String?) -> String {
        let file = file(on: .current, environment: environment)
        return switch self {
        case .claudeDesktop:
            "\(file ?? "claude_desktop_config.json") (Settings, Developer, Edit Config), then \(afterwards)"
        case .librechat: "librechat.yaml, then \(afterwards)"
        default: "\(file ?? "its configuration file"), then \(afterwards)"
        }
    }

    private var location: (base: Base, parts: [String])? {
        switch self {
        case .claudeDesktop: (.settings, ["Claude", "claude_desktop_config.json"])
        case .claudeCode: (.variable("CLAUDE_CONFIG_DIR", else: []), [".claude.json"])
        case .codex: (.variable("CODEX_HOME", else: [".codex"]), ["config.toml"])
        case .gemini: (.home, [".gemini", "settings.json"])
        case .vscode: (.settings, ["Code", "User", "mcp.json"])
        case .cursor: (.home, [".cursor", "mcp.json"])
        case .librechat: nil
        }
    }
}
