import Testing

@testable import ClientSetup

@Suite struct SettingsTests {
    private func settings(_ arguments: String..., environment: [String: String] = [:]) throws(UsageError) -> Settings {
        try Settings(arguments: arguments) { environment[$0] }
    }

    @Test func `without anything it serves the provider on this machine`() throws {
        #expect(try settings() == Settings())
        #expect(Settings().provider == "http://127.0.0.1:8080")
    }

    @Test func `a flag wins over the environment, which wins over the default`() throws {
        let variables = ["OPAMP_SERVER_URL": "https://a:1/", "OPAMP_SERVER_TOKEN": "secret"]
        let fromVariables = try settings(environment: variables)
        #expect(fromVariables.provider == "https://a:1")
        #expect(fromVariables.token == "secret")
        #expect(try settings("--provider", "http://b:2", environment: variables).provider == "http://b:2")
    }

    @Test func `an empty variable counts as not set`() throws {
        #expect(try settings(environment: ["OPAMP_SERVER_URL": "", "OPAMP_SERVER_TOKEN": ""]) == Settings())
    }

    @Test func `flags take their values beside them or after an equals sign`() throws {
        let settings = try settings(
            "--timeout=5", "--tools", "fleet_summary,get_agent", "--exclude-tools=send_command", "--read-only",
            "--token-file", "/t", "--ca-file=/ca", "--client-cert", "/c", "--client-key=/k")
        #expect(settings.timeoutSeconds == 5)
        #expect(settings.tools == ["fleet_summary", "get_agent"])
        #expect(settings.excludedTools == ["send_command"])
        #expect(settings.isReadOnly)
        #expect(
            [settings.tokenFile, settings.caFile, settings.clientCertificate, settings.clientKey] == [
                "/t", "/ca", "/c", "/k",
            ])
    }

    @Test func `sub-commands may stand before and after flags`() throws {
        #expect(try settings("tools", "--read-only").job == .listTools)
        #expect(try settings("--read-only", "print-config", "codex").job == .printConfig(.codex))
        #expect(try settings("call", "get_agent", "{}").job == .call(tool: "get_agent", arguments: "{}"))
        #expect(try settings("call", "get_agent").job == .call(tool: "get_agent", arguments: nil))
        #expect(try settings("--version").job == .version)
        #expect(try settings("tools", "--help").job == .help)
        #expect(try settings("doctor", "--json").job == .doctor)
        #expect(
            try settings("configure", "codex", "--dry-run", "cursor", "codex").job == .configure([.codex, .cursor]))
        #expect(try settings("call", "get_agent", "-").job == .call(tool: "get_agent", arguments: "-"))
    }

    @Test(arguments: [
        (["--max-targets", "5"], "unknown flag --max-targets; flags: --provider"),
        (["-x"], "unknown flag -x; flags: "),
        (["--timeout"], "--timeout needs a value: 1 to 300 seconds"),
        (["--timeout", "0"], "--timeout 0 is not possible; allowed: 1 to 300 seconds"),
        (["--timeout=soon"], "--timeout soon is not possible"),
        (["--read-only=yes"], "--read-only=yes: --read-only takes no value"),
        (["--provider", "localhost:8080"], "--provider localhost:8080 is not an address; allowed: http://HOST:PORT"),
        (["--provider", "http://"], "--provider http:// is not an address"),
        (["--provider", "http://me:secret@h"], "--provider holds more than an address"),
        (["--client-cert", "/c"], "--client-cert and --client-key go together"),
        (["serve"], "unknown sub-command serve; allowed: configure CLIENT..., print-config"),
        (["configure"], "configure needs a client: claude-desktop, claude-code, codex, gemini, vscode, cursor"),
        (["configure", "codex", "emacs"], "configure emacs is not known; clients: claude-desktop"),
        (
            ["configure", "librechat"],
            "configure librechat is not possible: its file may be anywhere; use print-config"
        ),
        (["configure", "codex", "cursor", "--file", "f"], "--file is the file of one client"),
        (["configure", "codex", "--name", "a b"], "--name a b is not possible; allowed: 1 to 64 letters"),
        (["configure", "codex", "--json"], "--json is for opamp-mcp call, tools, doctor"),
        (["--dry-run"], "--dry-run is for opamp-mcp configure"),
        (["doctor", "--remove"], "--remove is for opamp-mcp configure"),
        (["doctor", "all"], "unexpected argument all after doctor"),
        (["print-config"], "print-config needs a client: claude-desktop, claude-code, codex"),
        (["print-config", "vim"], "print-config vim is not known; clients: claude-desktop"),
        (["call"], "call needs a tool"),
        (["tools", "all"], "unexpected argument all after tools"),
    ])
    func `what is wrong is named with what is allowed`(arguments: [String], beginning: String) {
        let error = #expect(throws: UsageError.self) { try Settings(arguments: arguments) { _ in nil } }
        #expect(error?.description.hasPrefix(beginning) == true, "\(error?.description ?? "no error")")
    }

    @Test func `the help names every flag`() {
        let words = Set(helpText.split { $0 == " " || $0 == "\n" || $0 == "," }.map(String.init))
        for flag in Flag.allCases where flag != .shortHelp { #expect(words.contains(flag.rawValue)) }
    }
}
