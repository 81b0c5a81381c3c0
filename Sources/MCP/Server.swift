import Glibc
package import JSON

/// An MCP server over standard input and output: tools, and whom they work for.
///
/// Spec: MCP 2026-07-28 and 2025-11-25, basic/transports "stdio".
package struct Server<Context: Sendable>: Sendable {
    /// How long calls may still take once the input has ended. Waits end at two thirds of it, to be answered.
    package static var grace: Duration { .milliseconds(1500) }

    private let tools: [Tool<Context>]
    private let context: Context
    private let info: ServerInfo
    private let instructions: String?
    private let safeguards: Safeguards
    private let desk: ActionDesk

    /// - Parameters:
    ///   - tools: in the order they are listed; names differ.
    ///   - instructions: what a model should know of the whole; at most 2048 characters.
    package init(
        tools: [Tool<Context>], context: Context, info: ServerInfo, instructions: String? = nil,
        safeguards: Safeguards = Safeguards()
    ) {
        precondition(Set(tools.map(\.name)).count == tools.count, "two tools of one name")
        precondition((instructions?.utf8.count ?? 0) <= 2048, "the instructions are too long for clients")
        self.tools = tools
        self.context = context
        self.info = info
        self.instructions = instructions
        self.safeguards = safeguards
        desk = ActionDesk(safeguards)
    }

    /// Serves one client until the end of the input, a broken output, or `stop`. Blocks.
    ///
    /// Returns at once when nothing is at work then. At the end of the input calls get `Server.grace` and are answered;
    /// after `stop` they are cancelled and answered where the client still reads. SIGPIPE is ignored from then on in
    /// the whole process. Descriptors are left open. What runs tasks is not started before the first call: many
    /// clients start a server only to ask what it is.
    ///
    /// - Parameters:
    ///   - output: usually from `keepStandardOutput()`.
    ///   - answerTime: how long a person may take to answer a question of a call that waits for it.
    package func run(
        input: Int32, output: Int32, stop: StopSignal = StopSignal(), grace: Duration = Self.grace,
        answerTime: Duration = ToolCall.answerTime
    ) {
        signal(SIGPIPE, SIG_IGN)
        let session = Session(
            info: info, instructions: instructions, tools: tools.map { (name: $0.name, listing: $0.listing) },
            callLimit: safeguards.callsAtOnce
        )
        let connection = Connection(session, input: input, output: output, stop: stop, answerTime: answerTime)
        var crew: (work: AsyncStream<Connection.RunningCall>.Continuation, hasEnded: Pipe)?
        connection.read { call in
            if let crew {
                crew.work.yield(call)
                return
            }
            // What waits here is bounded by the session's limit of calls.
            let (calls, work) = AsyncStream.makeStream(of: Connection.RunningCall.self)
            let hasEnded = Pipe()
            crew = (work, hasEnded)
            Task.detached {
                await perform(calls, on: connection, stop: stop, grace: grace)
                hasEnded.putByte()
            }
            work.yield(call)
        }
        if let crew {
            crew.work.finish()
            while !stop.awaitReady(crew.hasEnded.readEnd, POLLIN), !stop.latch.isOpen {}
            crew.hasEnded.takeByte()
        }
        if stop.latch.isOpen { connection.endSubscriptions() }
    }

    /// Carries out calls until the input has ended and all are answered.
    private func perform(
        _ calls: AsyncStream<Connection.RunningCall>, on connection: Connection, stop: StopSignal, grace: Duration
    ) async {
        let lastMoment = Latch()
        await withDiscardingTaskGroup { group in
            for await running in calls {
                group.addTask {
                    let result = await perform(running, toolCall(running.call, on: connection, lastMoment))
                    let reason = stop.latch.isOpen ? "the server was stopped" : "input ended"
                    connection.finish(running.call, with: result ?? ToolResult("cancelled: \(reason)", isError: true))
                }
            }
            await connection.settle(atMost: grace * 2 / 3)
            lastMoment.open()
            await connection.settle(atMost: grace / 3)
            connection.cancelAll()
        }
    }

    /// Calls one tool without a client, for scripts. Whoever runs them is not asked again.
    package func callTool(_ name: String, arguments: JSON = [:]) async -> ToolResult {
        guard let tool = tools.first(where: { $0.name == name }) else {
            let names = tools.map(\.name).joined(separator: ", ")
            return ToolResult("unknown tool \(excerpt(name)); tools: \(names)", isError: true)
        }
        guard let object = arguments.object else {
            return ToolResult("\(name): arguments must be an object, got \(arguments.kind)", isError: true)
        }
        var safeguards = safeguards
        safeguards.confirmation = .never
        return await tool.result(context, ToolCall(of: name, safeguards: safeguards), object)
    }

    private func toolCall(_ call: Session.Call, on connection: Connection, _ lastMoment: Latch) -> ToolCall {
        ToolCall(
            tool: call.tool, client: call.client?.text, trace: call.meta.trace, policy: safeguards.confirmation,
            lastMoment: lastMoment, desk: desk, ask: { try await connection.ask($0, for: call) },
            report: { connection.report($0, of: $1, $2, for: call) }
        )
    }

    /// The result of a call; nil when it was cancelled.
    private func perform(_ running: Connection.RunningCall, _ call: ToolCall) async -> ToolResult? {
        guard let tool = tools.first(where: { $0.name == running.call.tool }) else {
            preconditionFailure("the session accepted a tool that does not exist")
        }
        return await withTaskGroup(of: ToolResult?.self) { group in
            group.addTask { await tool.result(context, call, running.call.arguments) }
            group.addTask {
                await running.end.wait()
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }
}
