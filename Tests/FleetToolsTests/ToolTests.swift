import FleetAPI
import FleetClient
import Glibc
import JSON
import MCP
import TestSupport
import Testing

@testable import FleetTools

/// What each tool asks of the provider.
@Suite(.timeLimit(.minutes(5))) struct ToolTests {
    private let commands = "POST /api/v1/agents/a1b2c3/commands"
    private let poll = "GET /api/v1/commands/\(SampleFleet.commandID)"

    @Test func `a summary counts types, and errors where agents are unhealthy`() async {
        let provider = SampleProvider()
        let result = await provider.call("fleet_summary")
        #expect(
            result.text.hasPrefix("50 agents: 45 healthy, 3 unhealthy, 2 stale; 2026-11-23T10:00:40Z\nerror\tagents\n"))
        #expect(
            provider.paths == [
                "GET /api/v1/fleet?group_by=type", "GET /api/v1/fleet?filter=health%3Aunhealthy&group_by=error",
            ])
        let healthy = SampleProvider(SampleFleet.agents(3))
        _ = await healthy.call("fleet_summary", ["filter": "type:x", "group_by": ["type", "label.env"]])
        #expect(healthy.paths == ["GET /api/v1/fleet?filter=type%3Ax&group_by=type%2Clabel.env"])
    }

    @Test func `a list asks for its columns alone, and for counts on the first page`() async {
        let provider = SampleProvider()
        let first = await provider.call("list_agents", ["fields": ["host", "seen"], "sort": "-seen", "limit": 2])
        #expect(
            first.text == """
                50 agents: 45 healthy, 3 unhealthy, 2 stale; 2026-11-23T10:00:40Z
                id\thost\tseen
                a1b2c3\tweb-0\t0s
                3fea3c\tdb-1\t7s
                … 2 rows of 50; next page: cursor=eyJwIjoyMH0
                """)
        let page = "GET /api/v1/agents?fields=short_id%2Chost%2Clast_seen&sort=-last_seen&limit=2"
        #expect(Set(provider.paths) == [page, "GET /api/v1/fleet"])
        _ = await provider.call("list_agents", ["cursor": "eyJwIjoyMH0", "limit": "2"])
        let last = provider.paths.last
        #expect(last?.hasPrefix("GET /api/v1/agents?fields=short_id%2Chost%2Ctype%2Cversion%2Cstatus") == true)
        #expect(last?.hasSuffix("&limit=2&cursor=eyJwIjoyMH0") == true)
        #expect(provider.paths.count == 3)
    }

    @Test func `an agent is asked for by the sections shown`() async {
        let path = "GET /api/v1/agents/web%2F3"
        let provider = SampleProvider(replies: [path: .json(SampleFleet.detail)])
        #expect(await provider.call("get_agent", ["agent": "web/3"]).text == SampleFleet.detail.text())
        _ = await provider.call("get_agent", ["agent": "web/3", "sections": "events"])
        #expect(provider.paths == ["\(path)?include=config%2Chealth%2Ccommands%2Cevents", "\(path)?include=events"])
    }

    @Test func `a number is never taken for an agent`() async {
        let provider = SampleProvider()
        let result = await provider.call("restart_agent", ["agent": 123_456])
        #expect(result.isError)
        #expect(result.text.hasSuffix("quote it: \"123456\""))
        #expect(provider.paths.isEmpty)
    }

    @Test func `a restart is queued once and its outcome waited for`() async throws {
        let provider = SampleProvider(replies: [
            commands: .json(SampleFleet.command(.queued), status: 202), poll: .json(SampleFleet.command(.confirmed)),
        ])
        let result = await provider.call("restart_agent", ["agent": "a1b2c3"])
        #expect(result == ToolResult(SampleFleet.command(.confirmed).outcome))
        #expect(provider.paths == [commands, "\(poll)?wait_seconds=20"])
        let request = try #require(provider.server.requests.first)
        #expect(try JSON(parsing: request.body) == ["command": "restart", "parameters": [:]])
        #expect(request.headers["content-type"] == "application/json")
    }

    @Test func `a restart that is open already is waited for, and said so`() async {
        var problem = Problem(409, "Already open", detail: "a restart of this agent is sent already")
        problem.commandID = SampleFleet.commandID
        let provider = SampleProvider(replies: [
            commands: .json(problem, status: 409), poll: .json(SampleFleet.command(.sent)),
            "\(poll)?wait_seconds=20": .json(SampleFleet.command(.confirmed)),
        ])
        let result = await provider.call("restart_agent", ["agent": "a1b2c3"])
        #expect(result.text.hasSuffix("; was open already, nothing new was queued") && !result.isError)
        #expect(provider.paths == [commands, poll, "\(poll)?wait_seconds=20"])
    }

    @Test func `without a wait the state is told at once`() async {
        let provider = SampleProvider(replies: [commands: .json(SampleFleet.command(.queued), status: 202)])
        let result = await provider.call("restart_agent", ["agent": "a1b2c3", "wait_seconds": 0])
        #expect(result == ToolResult(SampleFleet.command(.queued).outcome))
        #expect(provider.paths == [commands])
        let tooLong = await provider.call("restart_agent", ["agent": "a1b2c3", "wait_seconds": 46])
        #expect(tooLong.isError)
        #expect(provider.paths == [commands])
    }

    @Test func `an outcome that cannot be read leaves the state that is known`() async {
        let provider = SampleProvider(replies: [
            commands: .json(SampleFleet.command(.sent), status: 202), poll: .cut([]),
        ])
        let result = await provider.call("restart_agent", ["agent": "a1b2c3"])
        #expect(!result.isError)
        #expect(
            result.text.hasPrefix(SampleFleet.command(.sent).outcome + "\nits outcome could not be read: 127.0.0.1:"))
    }

    @Test func `each call has a key of its own, and its repetition the same`() async {
        let provider = SampleProvider(replies: [commands: .cut([])])
        for _ in 0..<2 { _ = await provider.call("restart_agent", ["agent": "a1b2c3"]) }
        let keys = provider.server.requests.map { $0.headers["idempotency-key"] ?? "" }
        #expect(keys.count == 4)
        #expect(keys[0] == keys[1] && keys[2] == keys[3] && keys[0] != keys[2])
        #expect(keys[0].utf8.count >= 16)
    }

    @Test func `at the end of the input the state known then is told`() async throws {
        let provider = SampleProvider(replies: [
            commands: .json(SampleFleet.command(.queued), status: 202), "\(poll)?wait_seconds=20": .stall,
            poll: .json(SampleFleet.command(.sent)),
        ])
        var (input, output): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
        try #require(pipe(&input) == 0 && pipe(&output) == 0)
        let lines = """
            {"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}
            {"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"restart_agent","arguments":{"agent":"a1b2c3"}}}

            """
        try #require(write(input[1], lines, lines.utf8.count) == lines.utf8.count)
        close(input[1])
        await fleetServer(fleetTools, FleetSession(provider.client())).run(input: input[0], output: output[1])
        close(output[1])
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = read(output[0], &buffer, buffer.count)
        for end in [input[0], output[0]] { close(end) }
        let answer = try #require(String(decoding: buffer.prefix(count), as: UTF8.self).split(separator: "\n").last)
        let text = try JSON(parsing: String(answer))["result"]?["content"]?.array?.first?["text"]
        #expect(text == .string(SampleFleet.command(.sent).outcome))
    }

    @Test func `a command takes its parameters along`() async throws {
        let provider = SampleProvider(replies: [commands: .json(SampleFleet.command(.confirmed), status: 202)])
        _ = await provider.call("send_chatops_command", ["agent": "a1b2c3", "tag": "app.x", "attributes": ["a": "b"]])
        _ = await provider.call(
            "send_command", ["agent": "a1b2c3", "command": "custom", "parameters": ["capability": "c", "type": "t"]])
        let bodies = try provider.server.requests.map { try JSON(parsing: $0.body) }
        #expect(
            bodies == [
                ["command": "chatops", "parameters": ["tag": "app.x", "attributes": ["a": "b"]]],
                ["command": "custom", "parameters": ["capability": "c", "type": "t"]],
            ])
    }

    @Test func `the newest command of an agent is told, and others that are open`() async {
        var page = CommandPage()
        page.asOf = SampleFleet.now
        page.commands = [
            SampleFleet.command(.confirmed), SampleFleet.command(.queued, of: "chatops"), SampleFleet.command(.failed),
        ]
        let provider = SampleProvider(replies: ["GET /api/v1/commands": .json(page)])
        #expect(
            await provider.call("command_status", ["agent": "web 0"]).text == """
                \(page.commands[0].outcome)
                \(page.commands[0].origin)
                also open:
                command\tstate\tasked\tdetail\tcommand_id
                chatops\tqueued\t10s\t-\t\(SampleFleet.commandID)
                """)
        #expect(provider.paths == ["GET /api/v1/commands?agent=web%200&limit=10"])
    }

    @Test func `a command is told by its id, and waited for only when asked`() async {
        let sent = SampleFleet.command(.sent)
        let provider = SampleProvider(replies: [
            poll: .json(sent), "\(poll)?wait_seconds=5": .json(SampleFleet.command(.confirmed)),
        ])
        let id = JSON.string(SampleFleet.commandID)
        #expect(await provider.call("command_status", ["command_id": id]).text == "\(sent.outcome)\n\(sent.origin)")
        let waited = await provider.call("command_status", ["command_id": id, "wait_seconds": 5])
        #expect(waited.text.hasPrefix("confirmed: "))
        #expect(await provider.call("command_status").isError)
        #expect(await provider.call("command_status", ["command_id": id, "agent": "x"]).isError)
        #expect(provider.paths == [poll, poll, "\(poll)?wait_seconds=5"])
    }

    @Test func `command types are told in rows, and one with its parameters`() async {
        var types = CommandTypes()
        for (name, capability) in [
            ("restart", "AcceptsRestartCommand"), ("identify", nil), ("other", "org.example.other"),
            ("chatops", "request:org.mp3monster.opamp_provider.chatopcommand"),
        ] as [(String, String?)] {
            var type = CommandType()
            (type.name, type.capability, type.agents) = (name, capability, 7)
            type.description = "does \(name)"
            type.proof = name == "other" ? .nothing : .reply
            types.commandTypes.append(type)
        }
        let provider = SampleProvider(replies: [
            "GET /api/v1/command-types": .json(types)
        ])
        #expect(
            await provider.call("list_command_types", ["agent": "web-3"]).text == """
                4 commands can be sent to web-3; name= shows the parameters
                command\tproof\twhat it does
                restart\treply\tdoes restart
                identify\treply\tdoes identify
                other\tnone\tdoes other
                chatops\treply\tdoes chatops
                """)
        #expect(
            await provider.call("list_command_types", ["name": "other"]).text == """
                other: does other; needs org.example.other; 7 agents can take it; agents report no outcome
                parameters: {}
                """)
        #expect(
            await provider.call("list_command_types", ["name": "others", "agent": "web-3"])
                == ToolResult(
                    "no command that web-3 takes is called others; use one of: restart, identify, other, chatops",
                    isError: true))
        #expect(
            provider.paths == [
                "GET /api/v1/command-types?agent=web-3", "GET /api/v1/command-types",
                "GET /api/v1/command-types?agent=web-3",
            ])
    }

    @Test func `a selection leaves out what changes something, or what is named`() throws {
        var selection = ToolSelection()
        #expect(try selection.tools.count == fleetTools.count)
        selection.isReadOnly = true
        #expect(
            try selection.tools.map(\.name) == [
                "fleet_summary", "list_agents", "find_agent", "get_agent", "get_config", "list_events",
                "list_command_types", "command_status",
            ])
        selection.only = ["restart_agent", "get_agent", "find_agent"]
        selection.without = ["find_agent"]
        #expect(try selection.tools.map(\.name) == ["get_agent"])
        selection.without = ["get_agents"]
        let error = #expect(throws: ToolSelection.UnknownTool.self) { try selection.tools }
        #expect(error?.description.hasPrefix("no tool is called get_agents; tools: fleet_summary, ") == true)
    }
}
