import FoundationEssentials
import Glibc
import JSON
import Testing

@testable import MCP

/// What stands before an action: the limit, and the audit log.
@Suite(.timeLimit(.minutes(5))) struct ActionTests {
    @Test func `so many actions pass in any minute, and the next is told how long to wait`() {
        var limiter = ActionLimiter(perMinute: 2)
        let start = ContinuousClock.now
        func after(_ seconds: Int) -> ContinuousClock.Instant { start.advanced(by: .seconds(seconds)) }
        #expect(limiter.take(at: after(0)) == nil)
        #expect(limiter.take(at: after(10)) == nil)
        #expect(limiter.take(at: after(20)) == .seconds(40))
        #expect(limiter.take(at: after(59)) == .seconds(1))
        #expect(limiter.take(at: after(60)) == nil)
        #expect(limiter.take(at: after(61)) == .seconds(9))
    }

    @Test func `an action over the limit is refused with the wait, and nothing is done`() async throws {
        var safeguards = Safeguards.none
        safeguards.actionsPerMinute = 1
        let call = ToolCall(safeguards: safeguards)
        #expect(try await call.act(on: ["a"]) { "done" } == "done")
        let failure = await #expect(throws: ToolFailure.self) {
            try await call.act(on: ["a"]) {
                Issue.record("done")
                return ""
            }
        }
        let text = failure?.description ?? ""
        #expect(text.hasPrefix("refused: 1 actions in a minute are the limit (--max-writes); nothing was done; wait "))
    }

    @Test func `an action is in the audit log before it is done, and its outcome after`() async throws {
        try await withFile { path in
            let server = try server(auditLog: path)
            var lines: [JSON] = []
            try await Conversation.with(server) { client in
                await client.send(initialize())
                _ = try await client.next()
                let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
                let meta: JSON = ["traceparent": .string(trace)]
                await client.send(request(1, "tools/call", ["name": "remove", "_meta": meta]))
                #expect(text(try await client.next()) == "confirmed: removed 3\nfor good")
                lines = try self.lines(of: path)
                try #require(lines.count == 2)
                #expect(lines[0]["state"] == "begun")
                #expect(lines[0]["client"] == "t 1")
                #expect(lines[0]["tool"] == "remove")
                #expect(lines[0]["targets"] == ["thing"])
                #expect(lines[0]["traceparent"] == .string(trace))
                #expect(lines[1]["state"] == "ended")
                #expect(lines[1]["outcome"] == "confirmed: removed 3")
                #expect(lines[0]["action"] != nil && lines[0]["action"] == lines[1]["action"])
                for line in lines {
                    let at = try #require(line["at"]?.string)
                    #expect(at.utf8.count == 24 && at.hasPrefix("20") && at.hasSuffix("Z"), "\(at)")
                }
            }
            var status = stat()
            #expect(stat(path, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
            _ = await server.callTool("remove")
            #expect(try self.lines(of: path).count == 4)
        }
    }

    @Test func `what was refused is no action`() async throws {
        try await withFile { path in
            var safeguards = Safeguards()
            safeguards.auditLog = try AuditLog(path: path)
            let call = ToolCall(safeguards: safeguards) { _ in .declined }
            await #expect(throws: ToolFailure.self) { try await call.requireConfirmation("Sure?", isBulk: true) }
            #expect(access(path, F_OK) != 0)
        }
    }

    @Test func `an action that fails is noted with why`() async throws {
        try await withFile { path in
            var safeguards = Safeguards()
            safeguards.auditLog = try AuditLog(path: path)
            let call = ToolCall(safeguards: safeguards)
            await #expect(throws: Unexpected.self) { try await call.act(on: []) { throw Unexpected() } }
            await #expect(throws: CancellationError.self) { try await call.act(on: []) { throw CancellationError() } }
            let outcomes = try lines(of: path).compactMap { $0["outcome"]?.string }
            #expect(outcomes == ["something broke", "cancelled by the client; may have been done"])
        }
    }

    @Test func `an audit log that cannot be written refuses the action`() async throws {
        let server = try server(auditLog: "/dev/full")
        let result = await server.callTool("remove")
        #expect(result.isError)
        #expect(result.text.hasPrefix("refused: the audit log /dev/full cannot be written: No space left on device; "))
        try await withFile { path in
            let gone = try self.server(auditLog: path + "x")
            mkdir(path + "x", 0o700)
            defer { rmdir(path + "x") }
            #expect(await gone.callTool("remove").text.contains("cannot be written: Is a directory"))
        }
    }

    @Test(arguments: ["/nowhere/audit.log", "/tmp", "/"])
    func `an audit log that can never be written is found at the start`(path: String) {
        #expect(throws: AuditLog.Failure.self) { try AuditLog(path: path) }
    }

    @Test func `a line that did not find room is not continued`() async throws {
        try await withFile { path in
            try #"{"cut":"#.write(toFile: path, atomically: false, encoding: .utf8)
            try AuditLog(path: path).append(["a": 1])
            try AuditLog(path: path).append(["b": 2])
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "{\"cut\":\n{\"a\":1}\n{\"b\":2}\n")
        }
    }

    private func server(auditLog path: String) throws -> Server<Gate> {
        var safeguards = Safeguards()
        safeguards.auditLog = try AuditLog(path: path)
        return Server(tools: sampleTools, context: Gate(), info: sampleInfo, safeguards: safeguards)
    }

    private func lines(of path: String) throws -> [JSON] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { try JSON(parsing: String($0)) }
    }

    /// A path in a new folder, where nothing is yet.
    private func withFile(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/opamp-audit-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder + "/audit.log")
    }
}
