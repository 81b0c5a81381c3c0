import Glibc
import JSON
import TestSupport
import Testing

@testable import MCP

@Suite(.timeLimit(.minutes(5))) struct ServerTests {
    let gate = Gate()
    var server: Server<Gate> { Server(tools: sampleTools, context: gate, info: sampleInfo) }

    @Test(arguments: [1, 4096])
    func `a conversation is answered, however its bytes arrive`(chunk: Int) async throws {
        let lines: [JSON] = [
            initialize("2025-06-18"), notification("notifications/initialized"), request("l", "tools/list"),
            call(1, "look", ["query": "é"]), call(2, "fail"), request(3, "ping"), modern(4, "server/discover"),
        ]
        let answers = try await Conversation.with(server) { client in
            await client.send(
                "\u{feff}" + lines.map { $0.text + "\r\n\r\n" }.joined() + call(5, "count").text, chunk: chunk)
        }
        let byID = { (id: JSON) in answers.first { $0["id"] == id } }
        #expect(answers.count == 7)
        #expect(byID(0)?["result"]?["protocolVersion"] == "2025-06-18")
        #expect(byID("l")?["result"]?["tools"]?.array?.count == sampleTools.count)
        #expect(byID(1).flatMap(text) == "é name short - - false -")
        #expect(byID(2).flatMap(text) == "error: something broke")
        #expect(byID(3)?["result"] == [:])
        #expect(byID(4)?["result"]?["resultType"] == "complete")
        #expect(byID(5).flatMap(text) == "0")
    }

    @Test func `a slow call does not hold up a ping or another call`() async throws {
        try await Conversation.with(server, grace: .zero) { client in
            await client.send(initialize())
            _ = try await client.next()
            await client.send(call(1, "wait"))
            await gate.waitForStart()
            await client.send(request(2, "ping"))
            #expect(try await client.next()["id"] == 2)
            await client.send(call(3, "count"))
            #expect(try await client.next()["id"] == 3)
        }
    }

    @Test func `a cancelled call ends at once and is answered no more`() async throws {
        let rest = try await Conversation.with(server) { client in
            await client.send(initialize())
            _ = try await client.next()
            await client.send(call("a", "wait"))
            await gate.waitForStart()
            await client.send(notification("notifications/cancelled", ["requestId": "a", "reason": "enough"]))
            #expect(await gate.waitForEnd() == "CancellationError()")
            await client.send(call("a", "count"))
            #expect(text(try await client.next()) == "0")
        }
        #expect(rest == [])
    }

    @Test func `at the end of the input a wait is answered with the state known then`() async throws {
        let rest = try await Conversation.with(server, grace: .milliseconds(300)) { client in
            await client.send(initialize())
            _ = try await client.next()
            await client.send(call(1, "wait", ["bounded": true]))
            await gate.waitForStart()
        }
        #expect(rest.map(text) == ["not yet"])
    }

    @Test func `at the end of the input what cannot end by itself is cancelled and says so`() async throws {
        let rest = try await Conversation.with(server, grace: .milliseconds(30)) { client in
            await client.send(initialize())
            _ = try await client.next()
            await client.send(call(1, "wait"))
            await gate.waitForStart()
        }
        #expect(rest.map(text) == ["error: cancelled: input ended"])
    }

    @Test func `with nothing at work the end of the input ends the server at once`() async throws {
        let start = ContinuousClock.now
        try await Conversation.with(server, grace: .seconds(900)) { client in
            await client.send(initialize())
            _ = try await client.next()
            await client.send(call(1, "count"))
        }
        #expect(ContinuousClock.now - start < .seconds(300))
    }

    @Test func `asked to stop, the server cancels what runs and returns although the input goes on`() async throws {
        let stop = StopSignal()
        try await Conversation.with(server, stop: stop, grace: .seconds(50)) { client in
            await client.send(initialize())
            _ = try await client.next()
            await client.send(call(1, "wait"))
            await gate.waitForStart()
            stop.request()
            #expect(text(try await client.next()) == "error: cancelled: the server was stopped")
            await #expect(throws: Conversation.Ended.self) { try await client.next() }
        }
    }

    @Test func `asked to stop, the server does not wait for calls although the input has ended`() async throws {
        let stop = StopSignal()
        try await Conversation.with(server, stop: stop, grace: .seconds(3600)) { client in
            await client.send(initialize())
            _ = try await client.next()
            await client.send(call(1, "wait"))
            await gate.waitForStart()
            client.endInput()
            stop.request()
            #expect(text(try await client.next()) == "error: cancelled: the server was stopped")
        }
    }

    @Test func `a line over the limit is answered by its id and the next one is served`() async throws {
        let rest = try await Conversation.with(server) { client in
            await client.send(#"{"jsonrpc":"2.0","id":"big","method":"tools/call","params":{"name":""#, chunk: 4096)
            await client.send(String(repeating: "x", count: 5 << 20), chunk: 64 << 10)
            await client.send(#""}}"# + "\n")
            await client.send(request(2, "ping"))
        }
        #expect(rest.map { $0["id"] } == ["big", 2])
        #expect(rest[0]["error"]?["code"] == -32600)
    }

    @Test func `a thousand pipelined calls are all answered once`() async throws {
        var safeguards = Safeguards()
        safeguards.callsAtOnce = 1000
        let server = Server(tools: sampleTools, context: gate, info: sampleInfo, safeguards: safeguards)
        let rest = try await Conversation.with(server, grace: .seconds(50)) { client in
            await client.send(initialize())
            _ = try await client.next()
            await client.send((1...1000).map { call(.integer($0), "look", ["limit": 7]).text + "\n" }.joined())
        }
        #expect(Set(rest.compactMap { $0["id"]?.integer }) == Set(1...1000))
        #expect(rest.count == 1000)
        #expect(rest.allSatisfy { text($0) == "- name short - 7 false -" })
    }

    @Test func `whatever bytes arrive, the next ping is answered and nothing but JSON lines is written`() async throws {
        var random = SeededRandom()
        let sound = [initialize(), call(1, "look"), modern(2, "tools/list"), request("x", "tools/list")].map(\.text)
        var bytes: [UInt8] = []
        for _ in 0..<300 {
            var line = Array(sound.randomElement(using: &random)!.utf8)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: line = Array(line.prefix(Int.random(in: 0..<line.count, using: &random)))
            case 1: line[Int.random(in: 0..<line.count, using: &random)] = .random(in: 32..<127, using: &random)
            case 2: line = (0..<50).map { _ in .random(in: 11...126, using: &random) }
            default: line.insert(contentsOf: line, at: Int.random(in: 0..<line.count, using: &random))
            }
            bytes += line + [10]
        }
        let garbled = String(decoding: bytes, as: UTF8.self)
        try await Conversation.with(server) { client in
            await client.send(garbled)
            await client.send(request("last", "ping"))
            while try await client.next()["id"] != "last" {}
            #expect(client.unreadable == [])
        }
    }

    @Test func `calls over the limit are refused with how long to wait, and the others go on`() async throws {
        let rest = try await Conversation.with(server, grace: .zero) { client in
            await client.send(initialize())
            _ = try await client.next()
            for id in 1...16 { await client.send(call(.integer(id), "wait")) }
            await client.send(call(17, "count"))
            #expect(
                text(try await client.next())
                    == "error: count: 16 calls are at work, and no more are taken; wait 1 s, then repeat")
            await client.send(notification("notifications/cancelled", ["requestId": 3]))
            await client.send(call(18, "count"))
            #expect(text(try await client.next()) == "0")
        }
        #expect(Set(rest.compactMap { $0["id"]?.integer }) == Set(1...16).subtracting([3]))
    }

    @Test func `a broken output ends the server`() {
        var output: [Int32] = [-1, -1]
        var input: [Int32] = [-1, -1]
        #expect(pipe(&output) == 0 && pipe(&input) == 0)
        close(output[0])
        let line = Array((initialize().text + "\n").utf8)
        #expect(write(input[1], line, line.count) == line.count)
        server.run(input: input[0], output: output[1])
        for descriptor in [input[0], input[1], output[1]] { close(descriptor) }
    }

    @Test func `a client that reads nothing cannot keep the server from stopping`() {
        var output: [Int32] = [-1, -1]
        var input: [Int32] = [-1, -1]
        #expect(pipe(&output) == 0 && pipe(&input) == 0)
        let (source, sink) = (input[1], output[1])
        let stop = StopSignal()
        onOwnThread {
            // Less than a pipe takes; the answers are more.
            let lines = Array(String(repeating: modern(1, "tools/list").text + "\n", count: 250).utf8)
            _ = write(source, lines, lines.count)
            var descriptor = pollfd(fd: sink, events: Int16(POLLOUT), revents: 0)
            while poll(&descriptor, 1, 0) == 1 { sched_yield() }
            stop.request()
        }
        server.run(input: input[0], output: sink, stop: stop)
        for descriptor in input + output { close(descriptor) }
    }

    @Test func `a tool is called for a script without a client`() async {
        #expect(await server.callTool("count") == ToolResult("0"))
        #expect(await server.callTool("fail", arguments: ["hint": true]).text == "nothing is called x; use: y")
        #expect(await server.callTool("cout").isError)
        #expect(await server.callTool("count", arguments: [1]).isError)
    }
}
