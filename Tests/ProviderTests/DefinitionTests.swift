import FleetAPI
import Foundation
import JSON
import Logging
import OpAMP
import SwiftProtobuf
import Synchronization
import Testing

@testable import Provider

/// Commands that files define.
@Suite(.timeLimit(.minutes(5))) struct DefinitionTests {
    private static let flush: JSON = [
        "name": "flush", "description": "Writes out what is buffered.", "capability": "org.example.flush",
        "message_type": "request", "proof": "reply", "data": ["origin": "operator", "level": 3],
        "parameters": [
            "required": ["output"],
            "properties": [
                "output": ["type": "string", "minLength": 1], "mode": ["enum": ["all", "one"], "default": "all"],
                "retries": ["type": "integer"], "tags": ["type": "array"],
            ],
        ],
    ]

    private func with(_ key: String, _ value: JSON?) -> JSON {
        var object = Self.flush.object ?? .init()
        object[key] = value
        return .object(object)
    }

    private func result(_ files: (String, String)...) -> (kinds: [CommandKind], errors: [DefinitionError]) {
        var set = DefinitionFiles()
        for (name, text) in files { set.take(Array(text.utf8), of: name) }
        return set.result
    }

    // MARK: - Files

    @Test func `a file defines one command or several`() throws {
        let (kinds, errors) = result(("a.json", Self.flush.text), ("b.json", "[\(with("name", "sync").text)]"))
        #expect(kinds.map(\.name) == ["flush", "sync"] && errors.isEmpty)
        let kind = try #require(kinds.first)
        #expect(kind.requirement == .custom("org.example.flush") && kind.proof == .reply)
        #expect(kind.schema["type"] == "object" && kind.schema["additionalProperties"] == false)
    }

    @Test(
        arguments: [
            ("name", "restart", "name", "built in"), ("name", "Flush!", "name", "a-z"),
            ("name", nil, "name", "missing"),
            ("colour", "red", "colour", "does not exist"), ("proof", "new_uid", "flush: proof", "use one of"),
            ("proof", "hope", "proof", "not one of"), ("capability", "", "flush: capability", "1 to 200"),
            ("capability", .string("request:" + CustomCapability.shutdown), "flush: capability", "built-in"),
            ("message_type", nil, "message_type", "missing"), ("confirm_seconds", 0, "flush: confirm_seconds", "1 to"),
            (
                "parameters", ["properties": ["a": ["pattern": "x"]]], "flush: parameters.properties.a.pattern",
                "not checked"
            ),
            ("parameters", ["type": "string"], "flush: parameters", "type object"),
            ("parameters", ["additionalProperties": true], "flush: parameters", "additionalProperties"),
            ("parameters", ["properties": ["action": [:]]], "flush: parameters.properties.action", "another name"),
            ("parameters", ["properties": ["origin": [:]]], "flush: parameters.properties.origin", "another name"),
            ("data", ["command_id": "1"], "flush: data.command_id", "provider"),
            ("reply_type", "", "flush: reply_type", "1 to 200"),
            ("capability", "flush", "flush: capability", "reverse"),
            ("capability", "org..flush", "flush: capability", "reverse"),
            ("capability", "org.example flush", "flush: capability", "reverse"),
            ("capability", "org.example.flush/", "flush: capability", "reverse"),
        ] as [(String, JSON?, String, String)])
    func `a wrong definition is told by its member and the reason`(
        key: String, value: JSON?, member: String, reason: String
    ) throws {
        let (kinds, errors) = result(("a.json", with(key, value).text), ("b.json", with("name", "other").text))
        let error = try #require(errors.first)
        #expect(errors.count == 1 && error.file == "a.json" && error.member == member)
        #expect(error.reason.contains(reason), "\(error.reason)")
        #expect(kinds.map(\.name) == ["other"], "the other file is not disturbed")
    }

    @Test(arguments: ["reply_type", "failure_type"])
    func `a type of reply is refused where no reply is waited for`(member: String) throws {
        var object = Self.flush.object ?? .init()
        (object[member], object["proof"]) = ("flushed", "goodbye")
        let error = try #require(result(("a.json", JSON.object(object).text)).errors.first)
        #expect(error.member == "flush: \(member)" && error.reason.contains("goodbye"))
    }

    @Test(arguments: ["org.example.flush", "request:org.example.flush", "com.example-1.flush_all/v2.1"])
    func `a capability is a reverse domain name, with an optional version`(capability: String) {
        #expect(result(("a.json", with("capability", .string(capability)).text)).errors.isEmpty)
    }

    @Test(arguments: ["", "{", "7", "[7]", "{} {}", "[\"a\"]"])
    func `what is no definition at all is told by its file`(text: String) {
        let (kinds, errors) = result(("a.json", text))
        #expect(kinds.isEmpty && errors.map(\.file) == ["a.json"] && errors.first?.member == nil)
    }

    @Test func `a file that becomes wrong keeps what it defined before, until it is right or gone`() {
        var files = DefinitionFiles()
        files.take(Array(Self.flush.text.utf8), of: "a.json")
        files.take(Array("{".utf8), of: "a.json")
        #expect(files.result.kinds.map(\.name) == ["flush"] && files.result.errors.count == 1)
        files.take(Array(with("name", "sync").text.utf8), of: "a.json")
        #expect(files.result.kinds.map(\.name) == ["sync"] && files.result.errors.isEmpty)
        files.remove("a.json")
        #expect(files.result.kinds.isEmpty && files.result.errors.isEmpty)
    }

    @Test func `a name that two files define is the first file's`() {
        let (kinds, errors) = result(("b.json", with("description", "of b").text), ("a.json", Self.flush.text))
        #expect(kinds.map(\.description) == ["Writes out what is buffered."])
        #expect(errors.map(\.file) == ["b.json"] && errors.first?.reason.contains("a.json") == true)
    }

    // MARK: - On the way

    /// A stage where `flush` is defined, and an agent that declares its capability.
    private func scene() throws -> (Stage, Reporter, Link, CommandKind) {
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        let kinds = result(("a.json", Self.flush.text)).kinds
        stage.state.define(CommandCatalogue(defined: kinds, errors: []))
        var report = agent.full()
        report.customCapabilities.capabilities.append("request:org.example.flush")
        stage.send(report, over: link)
        return (stage, agent, link, try #require(kinds.first))
    }

    private func queue(_ kind: CommandKind, _ given: [String: JSON], _ stage: inout Stage) throws -> String {
        let parameters = try kind.check(given)
        let order = CommandOrder(kind, parameters, caller: Caller(name: "ann", address: ""))
        let open = order.command(
            id: "c1", for: stage.state.records[0], stage.state.vitals[0], at: stage.now)
        #expect(stage.state.refusal(of: open.command, kind) == nil)
        stage.state.queue(open, at: stage.now, &stage.effects)
        stage.state.push(to: stage.state.records[0].uid, at: stage.now, &stage.effects)
        return "c1"
    }

    @Test func `its message holds texts only, sorted, with the action and the command id`() throws {
        var (stage, _, _, kind) = try scene()
        _ = try queue(kind, ["output": "es", "retries": 3, "tags": ["a", 1]], &stage)
        let message = try #require(stage.effects.deliveries.first).message.customMessage
        #expect(message.capability == "org.example.flush" && message.type == "request")
        #expect(
            String(decoding: message.data, as: UTF8.self)
                == #"{"action":"flush","command_id":"c1","level":"3","mode":"all","origin":"operator","output":"es","#
                + #""retries":"3","tags":"[\"a\",1]"}"#)
    }

    @Test func `its parameters are checked, with the place, the value and what is allowed`() throws {
        let (_, _, _, kind) = try scene()
        let wrong = #expect(throws: Problem.self) { try kind.check(["output": "es", "mode": "some"]) }
        #expect(wrong?.status == 400 && wrong?.field == "parameters.mode" && wrong?.allowed == ["all", "one"])
        #expect(wrong?.value == "\"some\"" && wrong?.detail.contains("parameters.mode of flush must be one of") == true)
        let unknown = #expect(throws: Problem.self) { try kind.check(["output": "es", "moed": "all"]) }
        #expect(unknown?.field == "parameters.moed")
    }

    @Test func `a reply with its action proves it, and agents are told that the server has its capability`() throws {
        var (stage, agent, link, kind) = try scene()
        var other = Reporter(2)
        let answer = stage.send(other.full(), over: webSocket())
        #expect(answer.customCapabilities.capabilities.contains("org.example.flush"))
        var declared = agent.full()
        declared.customCapabilities.capabilities.append("org.example.flush")
        stage.send(declared, over: link)
        let id = try queue(kind, ["output": "es"], &stage)
        var message = agent.beat()
        message.customMessage.capability = "org.example.flush"
        message.customMessage.type = "success"
        message.customMessage.data = Data(#"{"action":"flush","body":"12 chunks"}"#.utf8)
        stage.send(message, over: link)
        #expect(stage.command(id)?.state == .confirmed && stage.command(id)?.result == "12 chunks")
    }

    @Test(
        arguments: [
            ("OK", "OK"), (#"{"state":"fine"}"#, #"{"state":"fine"}"#), (#"{"body":"fine"}"#, "fine"), ("", nil),
        ] as [(String, String?)])
    func `a reply of the type that the definition names proves it, whatever its data`(
        data: String, shown: String?
    ) throws {
        var (stage, agent, link, _) = try scene()
        let kind = try #require(result(("a.json", with("reply_type", "flushed").text)).kinds.first)
        let id = try queue(kind, ["output": "es"], &stage)
        stage.send(custom("flushing", data, of: &agent), over: link)
        #expect(stage.command(id)?.state == .sent, "another type says nothing")
        stage.send(custom("flushed", data, of: &agent), over: link)
        #expect(stage.command(id)?.state == .confirmed && stage.command(id)?.result == shown)
        #expect(stage.command(id)?.evidence == "the agent replied flushed")
    }

    @Test(arguments: [("failure", #"{"err_msg":"disk full"}"#, "disk full"), ("error", "no disk", "no disk")])
    func `an agent says that it failed by a type that the definition names, or as all do`(
        type: String, data: String, shown: String
    ) throws {
        var (stage, agent, link, _) = try scene()
        var definition = with("reply_type", "flushed").object ?? .init()
        definition["failure_type"] = "error"
        let kind = try #require(result(("a.json", JSON.object(definition).text)).kinds.first)
        let id = try queue(kind, ["output": "es"], &stage)
        stage.send(custom(type, data, of: &agent), over: link)
        #expect(stage.command(id)?.state == .failed && stage.command(id)?.result == shown)
    }

    @Test func `a raw message names the type of its reply itself`() throws {
        var (stage, agent, link, _) = try scene()
        let kind = try CommandKind.named(CommandKind.raw)
        let id = try queue(
            kind, ["capability": "org.example.flush", "type": "look", "reply_type": "seen"], &stage)
        var reply = custom("seen", "", of: &agent)
        reply.customMessage.data = Data([0xff, 0x00])
        stage.send(reply, over: link)
        #expect(stage.command(id)?.state == .confirmed)
        #expect(stage.command(id)?.result == "2 bytes that are no text")
    }

    private func custom(_ type: String, _ data: String, of agent: inout Reporter) -> AgentToServer {
        var message = agent.beat()
        message.customMessage.capability = "org.example.flush"
        message.customMessage.type = type
        message.customMessage.data = Data(data.utf8)
        return message
    }

    @Test func `what was accepted goes out as it was, though its file is gone and the provider was started again`()
        throws
    {
        var (stage, agent, link, kind) = try scene()
        stage.close(link)
        let id = try queue(kind, ["output": "es"], &stage)
        #expect(stage.command(id)?.state == .queued)
        var stored = Store.StoredFleet()
        stored.agents = [
            Store.StoredAgent(
                record: stage.state.records[0], lastSeen: stage.now.wall, sequence: 1, transport: .webSocket)
        ]
        stored.commands = [try OpenCommand(json: JSON(parsing: try #require(stage.state.commands[id]).json.text))]
        var second = Stage()
        second.state = FleetState(stored, now: second.now)
        second.send(agent.beat(), over: webSocket())
        let message = try #require(second.effects.deliveries.first).message.customMessage
        #expect(message.capability == "org.example.flush")
        #expect(String(decoding: message.data, as: UTF8.self).contains(#""output":"es""#))
    }

    @Test func `an agent that does not declare its capability is refused`() throws {
        var (stage, _, _, kind) = try scene()
        var poor = Reporter(9)
        stage.send(poor.full(), over: webSocket())
        let order = CommandOrder(kind, ["output": "es"], caller: Caller(name: "ann", address: ""))
        let open = order.command(id: "c2", for: stage.state.records[1], stage.state.vitals[1], at: stage.now)
        #expect(stage.state.refusal(of: open.command, kind)?.missingCapability == "org.example.flush")
    }

    // MARK: - While it runs

    @Test func `files that come, change and go take effect while the provider runs`() async throws {
        let directory = TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
        let (fleet, lines) = (try fleet(), LogLines())
        let folder = CommandFolder(directory.path, fleet: fleet, logger: lines.logger)
        folder.look()
        #expect(try fleet.commandTypes(agent: nil).commandTypes.count == CommandKind.all.count)

        try write(Self.flush.text, "flush.json", directory)
        try write("not this one", "notes.txt", directory)
        folder.look()
        let types = try fleet.commandTypes(agent: nil)
        let type = try #require(types.commandTypes.last)
        #expect(type.name == "flush" && type.capability == "org.example.flush" && type.proof == .reply)
        #expect(type.messageType == "request" && type.parameters["required"] == ["output"] && type.agents == 1)
        #expect(types.definitionErrors.isEmpty)

        let caller = Caller(name: "ann", address: "")
        let command = try await fleet.queue(
            CommandRequest(command: "flush", parameters: ["output": "es"]), for: "web-17", caller: caller,
            idempotencyKey: nil)
        #expect(command.parameters["mode"] == "all", "defaults are filled in")

        try write("{\"name\": 7}", "flush.json", directory)
        for _ in 0..<3 { folder.look() }
        let wrong = try fleet.commandTypes(agent: nil)
        #expect(wrong.commandTypes.contains { $0.name == "flush" }, "the former good version stays")
        #expect(wrong.definitionErrors.map(\.file) == ["flush.json"])
        #expect(wrong.definitionErrors.first?.member == "name")
        #expect(lines.errors.count == 1, "logged once")
        #expect(lines.errors.first?.contains("flush.json") == true && lines.errors.first?.contains("name") == true)

        try FileManager.default.removeItem(atPath: directory.path + "/flush.json")
        folder.look()
        #expect(try fleet.commandTypes(agent: nil).commandTypes.count == CommandKind.all.count)
        #expect(try fleet.commandTypes(agent: nil).definitionErrors.isEmpty)
    }

    @Test func `a directory that is not there is told, and found when it comes`() throws {
        let directory = TemporaryDirectory()
        let (fleet, lines) = (try fleet(), LogLines())
        let folder = CommandFolder(directory.path, fleet: fleet, logger: lines.logger)
        for _ in 0..<2 { folder.look() }
        #expect(try fleet.commandTypes(agent: nil).definitionErrors.first?.reason.contains(directory.path) == true)
        #expect(lines.errors.count == 1)
        try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(
            atPath: directory.path + "/folder.json", withIntermediateDirectories: false)
        try write(String(repeating: " ", count: DefinitionFiles.byteLimit + 1), "long.json", directory)
        folder.look()
        #expect(try fleet.commandTypes(agent: nil).definitionErrors.map(\.file) == ["folder.json", "long.json"])
    }

    @Test func `the example defines a command`() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("examples/commands")
        let (fleet, lines) = (try fleet(), LogLines())
        CommandFolder(root.path, fleet: fleet, logger: lines.logger).look()
        let types = try fleet.commandTypes(agent: nil)
        #expect(types.definitionErrors.isEmpty && lines.errors.isEmpty)
        #expect(types.commandTypes.count == CommandKind.all.count + 1)
    }

    private func fleet() throws -> Fleet {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let fleet = try Fleet(dataDirectory: nil, version: "1", logger: logger)
        var agent = Reporter()
        var report = agent.full()
        report.customCapabilities.capabilities.append("org.example.flush")
        fleet.receive(report, over: exchange()) { _ in }
        return fleet
    }

    private func write(_ text: String, _ name: String, _ directory: TemporaryDirectory) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: directory.path + "/" + name), options: .atomic)
    }
}

/// What was logged as an error.
private final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var errors: [String] { lines.withLock { $0 } }

    var logger: Logger {
        Logger(label: "test") { [self] _ in Handler(lines: self) }
    }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.error

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
        }
    }
}
