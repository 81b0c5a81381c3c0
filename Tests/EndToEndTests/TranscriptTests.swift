import FoundationEssentials
import JSON
import Testing

/// Conversations as recorded in `Transcripts`, with a provider and a fleet behind the server. `RECORD=1` rewrites them.
@Suite(.timeLimit(.minutes(5))) struct TranscriptTests {
    private static let recorded = files(in: "\(testFolder)/Transcripts", ending: ".transcript")
    private static let examples = files(in: "\(packageFolder)/examples", ending: ".jsonl")

    @Test(arguments: recorded, [1, 4096])
    func `the server answers as recorded, whatever pieces the input comes in`(path: String, chunk: Int) async throws {
        try await check(try Transcript(path: path), chunk: chunk)
    }

    @Test(arguments: examples, [1, 4096])
    func `the examples are answered as recorded`(path: String, chunk: Int) async throws {
        let name = try #require(path.split(separator: "/").last).replacing(".jsonl", with: ".transcript")
        let recording = "\(testFolder)/Transcripts/examples/\(name)"
        let sent = Transcript(path: recording, sending: try lines(ofExample: path))
        try await check(sent, against: Transcript.isRecording ? nil : try Transcript(path: recording), chunk: chunk)
    }

    private func check(_ transcript: Transcript, against recording: Transcript? = nil, chunk: Int) async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 12, at: provider, "--unhealthy", "10")
            let server = try stage.server(provider.url).child
            let answered = try await transcript.replay(on: server, chunk: chunk)
            #expect(await server.exitCode() == 0)
            #expect(server.log == "")
            if Transcript.isRecording {
                try answered.text.write(toFile: transcript.path, atomically: true, encoding: .utf8)
            } else {
                #expect(answered.text == (recording ?? transcript).text)
            }
        }
    }

    /// The messages of an example; questions become calls, each asked when the one before is answered.
    private func lines(ofExample path: String) throws -> [Transcript.Line] {
        let name = path.split(separator: "/").last ?? ""
        var lines: [Transcript.Line] = [.comment("# examples/\(name), as it is played")]
        let texts = try contents(of: path).split(separator: "\n").map(String.init)
        for (index, text) in texts.enumerated() {
            let entry = try JSON(parsing: text)
            guard let tool = entry["tool"], let arguments = entry["arguments"] else {
                lines.append(.sent(text))
                continue
            }
            if index == 0 { lines += [.sent(handshake), .wait] }
            let params: JSON = ["arguments": arguments, "name": tool]
            let call: JSON = ["id": .integer(index + 1), "jsonrpc": "2.0", "method": "tools/call", "params": params]
            lines += [.comment("# \(entry["question"]?.string ?? "")"), .sent(call.text), .wait]
        }
        return lines
    }

    private let handshake = #"{"id":0,"jsonrpc":"2.0","method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#
}
