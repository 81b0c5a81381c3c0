import JSON
import MCP

/// Ends calls that wait, and counts what happened to them.
final class Gate: Sendable {
    let started = AsyncStream<Void>.makeStream()
    let ended = AsyncStream<String>.makeStream()

    func waitForStart() async {
        for await _ in started.stream { return }
    }

    func waitForEnd() async -> String? {
        for await end in ended.stream { return end }
        return nil
    }
}

let sampleInfo = ServerInfo(name: "sample", version: "1.2.3")

let sampleTools: [Tool<Gate>] = [
    Tool(
        "restart", .changes(destructive: true, idempotent: false), "Restart one thing.",
        .text("agent", "which one"),
        .count("wait_seconds", "0 returns at once", in: 0...45, default: 20),
        .list("labels", "", of: ["a", "b"], atMost: 2),
        .object("parameters", "free form")
    ) { _, _, agent, wait, labels, parameters in
        "\(agent) \(wait) \(labels.joined(separator: "+")) \(parameters.map { JSON.object($0).text } ?? "-")"
    },
    Tool(
        "look", .reads, "Look at things.",
        .optionalText("query", "words"),
        .text("sort", "", default: "name"),
        .choice("view", "", of: ["short", "long"], default: "short"),
        .optionalChoice("kind", "", of: ["x", "y"]),
        .optionalCount("limit", "", in: 1...200),
        .flag("all", ""),
        .optionalFlag("old", "")
    ) { _, _, query, sort, view, kind, limit, all, old in
        "\(query ?? "-") \(sort) \(view) \(kind ?? "-") \(limit.map(String.init) ?? "-") \(all) \(old.map(String.init) ?? "-")"
    },
    Tool("fail", .reads, "Fail.", .flag("hint", "")) { _, _, hint in
        if hint { throw ToolFailure("nothing is called x", try: "use: y") }
        throw Unexpected()
    },
    Tool("wait", .reads, "Wait until cancelled, or for the state known then.", .flag("bounded", "")) {
        gate, call, bounded in
        gate.started.continuation.yield()
        do {
            let found: String? =
                try await bounded
                ? call.waiting(atMost: .seconds(3600)) { try await forever() } : forever()
            gate.ended.continuation.yield("returned")
            return found ?? "not yet"
        } catch {
            gate.ended.continuation.yield("\(error)")
            throw error
        }
    },
    Tool(
        "remove", .changes(destructive: true, idempotent: false), "Remove things, if a person agrees.",
        .count("things", "", in: 0...100, default: 3), .flag("many", "", default: true)
    ) { gate, call, things, many in
        try await call.requireConfirmation("Remove \(things) things?", isBulk: many)
        return try await call.act(on: ["thing"]) {
            gate.ended.continuation.yield("removed")
            return "confirmed: removed \(things)\nfor good"
        }
    },
    Tool("count", .reads, "Nothing to give.") { _, _ in "0" },
]

struct Unexpected: Error, CustomStringConvertible {
    var description: String { "something broke" }
}

private func forever() async throws -> String {
    try await Task.sleep(for: .seconds(3600))
    return "slept"
}
