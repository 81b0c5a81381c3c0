import FoundationEssentials
import JSON
import Testing

/// The bundle for Claude Desktop tells what the program is.
@Suite(.timeLimit(.minutes(5))) struct BundleTests {
    private static let path = "\(packageFolder)/mcp/manifest.json"

    @Test func `its manifest has the tools and the version of the program; RECORD=1 rewrites the tools`() async throws {
        try await withStage { stage in
            let lines = try await stage.run(["tools"]).text.split(separator: "\n")
            let tools = lines.map { line -> JSON in
                let parts = line.split(separator: "\t", maxSplits: 1).map(String.init)
                return .object(JSON.Object([("name", .string(parts[0])), ("description", .string(parts[1]))]))
            }
            var manifest = try #require(try JSON(parsing: try contents(of: Self.path)).object)
            let version = try await stage.run(["--version"]).text
            #expect(version == "opamp-mcp \(manifest["version"]?.string ?? "")")
            if Transcript.isRecording {
                manifest["tools"] = .array(tools)
                let text = String(decoding: try JSON.object(manifest).bytes(.pretty), as: UTF8.self) + "\n"
                try text.write(toFile: Self.path, atomically: true, encoding: .utf8)
            } else {
                #expect(manifest["tools"] == .array(tools), "RECORD=1 rewrites the tools of mcp/manifest.json")
            }
        }
    }

    @Test func `it is a zip of manifest and program, and the program in it runs`() async throws {
        try await withStage { stage in
            let bundle = "\(stage.folder)/opamp-mcp.mcpb"
            let built = ["OPAMP_MCP": product("opamp-mcp")]
            let made = try await stage.run([bundle], of: "\(packageFolder)/mcp/make-bundle.sh", environment: built)
            #expect(made.code == 0 && made.text.hasSuffix(bundle), "\(made.log)")
            let unpack = """
                import os, sys, zipfile
                with zipfile.ZipFile(sys.argv[1]) as archive:
                    archive.extractall(sys.argv[2])
                    for entry in archive.infolist():
                        os.chmod(os.path.join(sys.argv[2], entry.filename), entry.external_attr >> 16)
                """
            let unpacked = try await stage.run(
                ["-c", unpack, bundle, "\(stage.folder)/bundle"], of: "/usr/bin/python3")
            #expect(unpacked.code == 0, "\(unpacked.log)")
            let manifest = try JSON(parsing: try contents(of: "\(stage.folder)/bundle/manifest.json"))
            let command = try #require(manifest["server"]?["mcp_config"]?["command"]?.string)
            let program = command.replacing("${__dirname}", with: "\(stage.folder)/bundle")
            #expect(try await stage.run(["--version"], of: program).text.hasPrefix("opamp-mcp "))
        }
    }
}
