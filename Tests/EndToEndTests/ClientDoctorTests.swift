import FoundationEssentials
import Glibc
import HTTP
import JSON
import TestSupport
import Testing

/// What `opamp-mcp doctor` finds, against real and scripted providers; it never tells a secret.
@Suite(.timeLimit(.minutes(5))) struct ClientDoctorTests {
    private let secret = "s3cret-token-of-somebody"

    /// Runs the doctor.
    private func doctor(
        _ stage: Stage, _ flags: [String], environment: [String: String] = [:], code: Int32,
        _ location: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let run = try await stage.run(["doctor"] + flags, environment: environment)
        #expect(run.code == code && run.log == "", "\(run.text)\n\(run.log)", sourceLocation: location)
        #expect(!run.text.contains("s3cret"), sourceLocation: location)
        return run.text
    }

    @Test func `a provider with a fleet has nothing wrong, one without agents is told`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            let url = ["--provider", provider.url]
            let empty = try await doctor(stage, url, code: 0)
            #expect(empty.contains("warn  agents: no agent has reported to \(provider.url) yet\n      point agents"))
            _ = try await stage.fleet(of: 3, at: provider)
            let full = try await doctor(stage, url, code: 0)
            #expect(full.contains("ok    provider: \(provider.url) answers: opamp-provider "))
            #expect(full.contains("ok    agents: 3 known") && full.hasSuffix("nothing is wrong"))
            let json = try JSON(parsing: try await doctor(stage, url + ["--json"], code: 0))
            #expect(json.array?.contains { $0["check"] == "agents" && $0["outcome"] == "ok" } == true)
        }
    }

    @Test func `tokens that are missing, wrong, too low, open to others or enough`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            let (viewer, operate) = (try await stage.token("viewer"), try await stage.token("operator"))
            let url = ["--provider", provider.url]
            while try await provider.send(.get, "info").status != 401 { try Task.checkCancellation() }
            let missing = try await doctor(stage, url, code: 1)
            #expect(missing.contains("fail  token: \(provider.url) wants a token"))
            #expect(missing.contains("opamp-provider token create"))
            let wrong = try await doctor(stage, url, environment: ["OPAMP_SERVER_TOKEN": secret], code: 1)
            #expect(wrong.contains("fail  token: \(provider.url) refuses the token: the token is not known here"))
            let low = try await doctor(stage, url, environment: ["OPAMP_SERVER_TOKEN": viewer], code: 0)
            #expect(
                low.contains("the-viewer, viewer: tools that change something will be refused") && !low.contains(viewer)
            )
            // It ends within the week.
            let reading = try await doctor(
                stage, url + ["--read-only"], environment: ["OPAMP_SERVER_TOKEN": viewer], code: 0)
            #expect(reading.contains("warn  token: the-viewer, viewer, ends at 20"))
            try stage.put(operate + "\n", at: "\(stage.folder)/token")
            let flags = url + ["--token-file", "\(stage.folder)/token"]
            let enough = try await doctor(stage, flags, code: 0)
            #expect(enough.contains("token: the-operator, operator") && !enough.contains(operate))
            chmod("\(stage.folder)/token", 0o640)
            let open = try await doctor(stage, flags, code: 1)
            #expect(open.contains("fail  token: --token-file \(stage.folder)/token is open to others; run: chmod 600"))
        }
    }

    @Test(arguments: [
        (200, "text/html", "<html>s3cret</html>", "", "answered 200 with text/html: another program listens there"),
        (404, "text/html", "no", "", "answered 404 with text/html: another program listens there"),
        (404, "text/html", "no", "/v1/opamp", "give the address without /v1/opamp: --provider http://127.0.0.1:"),
        (404, "application/json", "{}", "/api/v1", "give the address without /api/v1: --provider http://127.0.0.1:"),
        (301, "text/html", "", "", "sends callers elsewhere to https://fleet.example/x\n      give that address"),
        (
            401, "application/problem+json",
            #"{"status":401,"title":"U","detail":"the token has expired; ask for a new one"}"#,
            "", "refuses the token: the token has expired"
        ),
        (
            403, "application/problem+json", #"{"status":403,"title":"F","detail":"not from\u001b[2J here"}"#, "",
            "refuses this (403): not from here"
        ),
        (429, "application/problem+json", #"{"status":429,"title":"T"}"#, "", "too many wrong tokens"),
        (
            503, "application/problem+json", #"{"status":503,"title":"the disk is full"}"#, "",
            "is not ready: the disk is full"
        ),
        (
            200, "application/json", #"{"product":"opamp-provider","version":"9.1.0","agents":2}"#, "",
            "warn  version: the provider is 9.1.0, this is "
        ),
    ])
    func `whatever answers instead is told apart`(
        status: Int, type: String, body: String, path: String, expected: String
    ) async throws {
        let server = ScriptedServer { request in
            guard request.path.hasSuffix("/info") else { return .answer(404, "") }
            return .answer(
                status, headers: ["Content-Type": type, "Location": "https://fleet.example/x?key=s3cret"], body)
        }
        try await withStage { stage in
            let isFine = status == 200 && type == "application/json"
            let text = try await doctor(
                stage, ["--provider", server.url + path], environment: ["OPAMP_SERVER_TOKEN": secret],
                code: isFine ? 0 : 1)
            #expect(text.contains(expected), "\(text)")
        }
    }

    @Test func `the server of the Python project is known`() async throws {
        let server = ScriptedServer { request in
            request.path == "/api/settings/client"
                ? .answer(200, headers: ["Content-Type": "application/json"], #"{"default_heartbeat_frequency":30}"#)
                : .answer(404, headers: ["Content-Type": "text/html"], "")
        }
        try await withStage { stage in
            let text = try await doctor(stage, ["--provider", server.url], code: 1)
            #expect(text.contains("is the Python project's server"))
        }
    }

    @Test func `nobody, silence, cut answers and no library are told`() async throws {
        try await withStage { stage in
            let nobody = try await doctor(stage, ["--provider", "http://127.0.0.1:1"], code: 1)
            #expect(
                nobody.contains("fail  provider: http://127.0.0.1:1: nobody answers there")
                    && nobody.contains("start opamp-provider"))
            let silent = ScriptedServer { _ in .stall }
            #expect(
                try await doctor(stage, ["--provider", silent.url, "--timeout", "1"], code: 1).contains(
                    "no answer from"))
            let cut = ScriptedServer { _ in .cut([]) }
            #expect(
                try await doctor(stage, ["--provider", cut.url], code: 1).contains("if it speaks TLS, give https://"))
            try stage.put("no library", at: "\(stage.folder)/lib/libcurl.so.4")
            let library = try await doctor(
                stage, ["--provider", silent.url], environment: ["LD_LIBRARY_PATH": "\(stage.folder)/lib"], code: 1)
            #expect(
                library.contains("fail  libraries: libcurl cannot be used")
                    && library.contains("apt-get install libcurl4"))
            let far = try await doctor(
                stage, ["--provider", "http://192.0.2.1"], environment: ["OPAMP_SERVER_TOKEN": secret], code: 1)
            #expect(far.contains("the token is not sent to 192.0.2.1 over http"))
        }
    }

    @Test func `certificates that are unknown, at their end or for another name are told apart`() async throws {
        try await withStage { stage in
            let server = try await stage.tlsEndpoint()
            let url = ["--provider", "https://127.0.0.1:\(server.port)"]
            let unknown = try await doctor(stage, url, code: 1)
            #expect(unknown.contains("fail  tls: no trusted connection to") && unknown.contains("--ca-file FILE"))
            let known = url + ["--ca-file", server.certificate]
            #expect(try await doctor(stage, known, code: 1).contains("another program listens there"))
            let name = ["--provider", "https://localhost:\(server.port)", "--ca-file", server.certificate]
            #expect(try await doctor(stage, name, code: 1).contains("use a name that the certificate holds"))
            let noFile = url + ["--ca-file", "/nowhere/ca.pem"]
            #expect(
                try await doctor(stage, noFile, code: 1).contains(
                    "give an authority's certificate in PEM with --ca-file"))
        }
        try await withStage { stage in
            let server = try await stage.tlsEndpoint(isExpired: true)
            let flags = ["--provider", "https://127.0.0.1:\(server.port)", "--ca-file", server.certificate]
            #expect(try await doctor(stage, flags, code: 1).contains("have the provider's certificate renewed"))
        }
    }

    @Test func `entries of clients that lead elsewhere are told, with the way out`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 2, at: provider)
            let made = try await stage.run(["configure", "codex", "gemini", "--provider", provider.url])
            #expect(made.code == 0)
            try stage.put("{ not json", at: "\(stage.home)/.cursor/mcp.json")
            let left =
                #"{"command":"npx","args":["mcp-remote","http://h/sse","Bearer s3cret"],"env":{"OPAMP_MCP_SSE_URL":"x"}}"#
            let gone = #"{"command":"/gone/opamp-mcp","args":["--provider","\#(provider.url)","--token-file","t"]}"#
            try stage.put(
                #"{"mcpServers":{"OpAMP Server":\#(left),"opamp":\#(gone)}}"#,
                at: "\(stage.home)/.config/Claude/claude_desktop_config.json")
            let old = "\(stage.folder)/old/opamp-mcp"
            try stage.put("#!/bin/sh\necho opamp-mcp 0.0.1\n", at: old, mode: 0o700)
            let token = #""env":{"OPAMP_SERVER_TOKEN":"s3cret"}"#
            let wrong = #"{"command":"\#(old)","args":["--provider","\#(provider.url)","--colour=s3cret"],\#(token)}"#
            try stage.put(#"{"mcpServers":{"opamp":\#(wrong)}}"#, at: "\(stage.home)/.claude.json")
            try stage.put(
                #"{"servers":{"opamp":{"command":"/usr/bin/fleet"}}}"#, at: "\(stage.home)/.config/Code/User/mcp.json")
            let text = try await doctor(stage, [], code: 1)
            for expected in [
                "ok    provider: \(provider.url) answers: opamp-provider",
                "for codex and gemini\n",
                "ok    codex: opamp starts this program (\(stage.home)/.codex/config.toml)",
                "fail  cursor: \(stage.home)/.cursor/mcp.json cannot be read: line 1, column 3",
                "fail  claude-desktop: /gone/opamp-mcp is gone\n      opamp-mcp configure claude-desktop",
                "fail  claude-desktop: --token-file t is not an absolute path",
                "warn  claude-desktop: \"OpAMP Server\" in ",
                "warn  claude-code: \(old) is another version: opamp-mcp 0.0.1",
                "warn  claude-code: a token stands in \(stage.home)/.claude.json",
                "fail  claude-code: its flags are refused: unknown flag --colour",
                "fail  vscode: opamp in \(stage.home)/.config/Code/User/mcp.json is another server: it starts /usr/bin/fleet",
            ] { #expect(text.contains(expected), "\(expected)\nin\n\(text)") }
            let elsewhere = try await doctor(stage, ["--provider", "http://127.0.0.1:1"], code: 1)
            #expect(elsewhere.contains("warn  codex: its entry points to \(provider.url), not to http://127.0.0.1:1"))
        }
    }
}
