import JSON
import TestSupport
import Testing

/// `call` and `tools` in scripts: what goes in, what comes out, with which code.
@Suite(.timeLimit(.minutes(5))) struct ScriptingTests {
    @Test func `a call takes JSON from its argument or from standard input`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 4, at: provider)
            let url = ["--provider", provider.url]
            let plain = try await stage.run(url + ["call", "list_agents", #"{"limit":2}"#])
            #expect(plain.code == 0 && plain.text.contains("cursor="), "\(plain.text)")
            let read = try await stage.run(url + ["call", "list_agents", "-"], input: #"{"limit":"# + "\n2}\n")
            #expect(read.code == 0 && read.text.contains("cursor="), "\(read.text)")
            let json = try await stage.run(url + ["--json", "call", "find_agent", #"{"query":"nobody-knows"}"#])
            let answer = try JSON(parsing: json.text)
            #expect(json.code == 0 && answer["is_error"] == false && answer["tool"] == "find_agent")
            #expect(answer["text"]?.string?.isEmpty == false)
        }
    }

    @Test func `failures of a tool end with 1, wrong calls with 64, and standard output has no noise`() async throws {
        try await withStage { stage in
            let nobody = ["--provider", "http://127.0.0.1:1"]
            let failed = try await stage.run(nobody + ["call", "fleet_summary"])
            #expect(failed.code == 1 && failed.text.hasPrefix("cannot connect to 127.0.0.1:1") && failed.log == "")
            let json = try await stage.run(nobody + ["call", "fleet_summary", "--json"])
            #expect(try json.code == 1 && JSON(parsing: json.text)["is_error"] == true)
            let wrong = try await stage.run(nobody + ["call", "get_agent", #"{"agnt":"web-17"}"#])
            #expect(wrong.code == 1 && wrong.text.contains("agnt"))
            for (arguments, input, named) in [
                (["dance"], nil, "call dance is not possible; tools: fleet_summary"),
                (["fleet_summary", "{"], nil, "call fleet_summary: the arguments are not valid JSON"),
                (["fleet_summary", "-"], "nonsense", "call fleet_summary: the arguments are not valid JSON"),
                (["--read-only", "restart_agent"], nil, "call restart_agent is not possible"),
            ] as [([String], String?, String)] {
                let refused = try await stage.run(nobody + ["call"] + arguments, input: input)
                #expect(refused.code == 64 && refused.text == "" && refused.log.contains(named), "\(refused.log)")
            }
        }
    }

    @Test func `tools are listed as lines, and as tools/list has them`() async throws {
        try await withStage { stage in
            let lines = try await stage.run(["tools"]).text.split(separator: "\n")
            let listed = try #require(try JSON(parsing: try await stage.run(["tools", "--json"]).text)["tools"]?.array)
            #expect(lines.map { String($0.prefix { $0 != "\t" }) } == listed.compactMap { $0["name"]?.string })
            let server = try stage.server("http://127.0.0.1:1")
            try await server.introduce()
            #expect(try await server.request("tools/list")["result"]?["tools"]?.array == listed)
        }
    }
}
