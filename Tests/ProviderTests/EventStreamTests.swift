import FleetAPI
import Foundation
import HTTP
import HTTPTypes
import HummingbirdCore
import JSON
import NIOCore
import OpAMP
import Testing

@testable import Provider

/// An agent that turns from healthy to unhealthy and back.
private struct Patient {
    var reporter: Reporter
    private var isHealthy = true
    private var count = 0

    init(_ number: UInt64) { reporter = Reporter(number) }

    mutating func turn(at port: Int) async throws {
        isHealthy.toggle()
        count += 1
        let error = "turn \(count)\n\ndata: {}\u{2028}\r\u{1b}[2J"
        let message = try reporter.health(1_763_000_000_000_000_000, healthy: isHealthy, error: isHealthy ? "" : error)
            .body()
        try await TransportTestConnection.with(port: port) { connection in
            let answer = try await connection.post(message)
            #expect(answer.status == 200)
        }
    }
}

/// What came over one stream.
private struct Told {
    var events: [FleetEvent] = []
    var ids: [Int] = []

    /// Reads until so many events have come.
    mutating func take(_ count: Int, from connection: inout TransportTestConnection) async throws {
        while events.count < count {
            let chunk = try await connection.chunk()
            try #require(!chunk.isEmpty, "the stream ended after \(events.count) events")
            for block in chunk.components(separatedBy: "\n\n") {
                let lines = block.split(separator: "\n")
                if let id = lines.first(where: { $0.hasPrefix("id: ") }) { ids.append(Int(id.dropFirst(4)) ?? -1) }
                guard let data = lines.first(where: { $0.hasPrefix("data: ") }) else { continue }
                let event = try FleetEvent(json: JSON(parsing: Array(data.dropFirst(6).utf8)))
                #expect(event.number == ids.last)
                events.append(event)
            }
        }
    }
}

extension TransportTestConnection {
    fileprivate mutating func openStream(_ query: String = "", lastEventID: Int? = nil) async throws -> String {
        let field = lastEventID.map { "Last-Event-ID: \($0)\r\n" } ?? ""
        try await send("GET /api/v1/events/stream\(query) HTTP/1.1\r\nHost: 127.0.0.1\r\n\(field)\r\n")
        return try await head()
    }
}

/// A writer that keeps what it is given and stops the stream after so many writes.
private struct KeepingWriter: ResponseBodyWriter {
    final class Texts: @unchecked Sendable { var all: [String] = [] }
    struct Enough: Error {}

    let texts: Texts
    let limit: Int

    mutating func write(_ buffer: ByteBuffer) async throws {
        texts.all.append(String(buffer: buffer))
        if texts.all.count == limit { throw Enough() }
    }

    consuming func finish(_: HTTPFields?) async throws {}
}

@Suite(.timeLimit(.minutes(5))) struct EventStreamTests {
    @Test func `events are streamed as they are written, and a page has the same numbers`() async throws {
        try await TransportTestProvider.with { provider in
            var patient = Patient(1)
            try await patient.turn(at: provider.port)
            // Written, so that the stream begins after it.
            while try EventPage(json: try await provider.json("/api/v1/events")).events.count < 2 {
                try Task.checkCancellation()
            }
            try await TransportTestConnection.with(port: provider.port) { connection in
                let head = try await connection.openStream()
                #expect(
                    head.hasPrefix("HTTP/1.1 200 ") && head.lowercased().contains("content-type: text/event-stream"))
                #expect(try await connection.chunk().hasPrefix("retry: 3000\nid: "))
                for _ in 0..<6 { try await patient.turn(at: provider.port) }
                var told = Told()
                try await told.take(6, from: &connection)
                let kinds = told.events.suffix(6).map(\.kind)
                #expect(kinds == ["healthy", "unhealthy", "healthy", "unhealthy", "healthy", "unhealthy"])
                let page = try EventPage(json: try await provider.json("/api/v1/events?limit=1000"))
                #expect(page.last == told.events.last?.number)
                let unnamed = page.events.reversed().map { event in
                    var event = event
                    (event.shortID, event.host) = (nil, nil)
                    return event
                }
                #expect(Array(unnamed.suffix(told.events.count)) == told.events)
                let some = try EventPage(
                    json: try await provider.json("/api/v1/events?kind=unhealthy&since=1h&limit=2"))
                #expect(some.events.map(\.kind) == ["unhealthy", "unhealthy"] && some.next != nil)
                let rest = try await provider.json("/api/v1/events?kind=unhealthy&cursor=\(some.next ?? "")")
                #expect(try EventPage(json: rest).events.count == 2)
                #expect(try EventPage(json: rest).next == nil)
            }
        }
    }

    @Test func `a page may be of agents that a filter matches, is counted by kind, and says whose the events are`()
        async throws
    {
        try await TransportTestProvider.with { provider in
            var (one, two) = (Patient(1), Patient(2))
            for _ in 0..<3 { try await one.turn(at: provider.port) }
            for _ in 0..<4 { try await two.turn(at: provider.port) }
            let page = { (query: String) in
                try EventPage(json: try await provider.json("/api/v1/events?counts=true&\(query)"))
            }
            // All of them are written.
            while try await page("limit=1000").events.count < 9 { try Task.checkCancellation() }
            let all = try await page("limit=1000")
            let sick = try await page("filter=health:unhealthy&limit=1000")
            #expect(Set(sick.events.map(\.instanceUID)) == [one.reporter.uid.description])
            #expect(sick.events == all.events.filter { $0.instanceUID == one.reporter.uid.description })
            #expect(sick.next == nil)
            #expect(sick.events.allSatisfy { one.reporter.uid.description.hasSuffix($0.shortID ?? "?") })
            for found in [all, sick] {
                #expect(found.counts == found.events.reduce(into: [:]) { $0[$1.kind, default: 0] += 1 })
            }
            let (first, none) = (
                try await page("filter=health:unhealthy&limit=1"), try await page("filter=host:nobody")
            )
            #expect(first.events == Array(sick.events.prefix(1)) && first.counts == sick.counts)
            let second = try await page("filter=health:unhealthy&limit=1&cursor=\(first.next ?? "")")
            #expect(second.events == [sick.events[1]])
            #expect(none.events.isEmpty && none.counts == [:] && none.next == nil)
            #expect(try await page("kind=unhealthy&since=1h").counts == ["unhealthy": 4])
        }
    }

    @Test func `a client that comes back goes on after the last event it had`() async throws {
        try await TransportTestProvider.with { provider in
            var patient = Patient(1)
            var known: [Int] = []
            for round in 0..<5 {
                for _ in 0..<4 { try await patient.turn(at: provider.port) }
                let last = known.last ?? 0
                try await TransportTestConnection.with(port: provider.port) { connection in
                    _ = try await connection.openStream(lastEventID: last)
                    var told = Told()
                    try await told.take(round == 0 ? 3 : 4, from: &connection)
                    known += told.events.map(\.number)
                }
            }
            #expect(known == Array(1...known.count) && known.count >= 19)
        }
    }

    @Test func `a stream tells only of the agent and the kinds that were asked for`() async throws {
        try await TransportTestProvider.with { provider in
            var (one, two) = (Patient(1), Patient(2))
            for _ in 0..<4 {
                try await one.turn(at: provider.port)
                try await two.turn(at: provider.port)
            }
            try await TransportTestConnection.with(port: provider.port) { connection in
                let query = "?agent=\(two.reporter.uid)&kind=unhealthy,stale&last_event_id=0"
                _ = try await connection.openStream(query)
                var told = Told()
                try await told.take(2, from: &connection)
                #expect(
                    told.events.allSatisfy { $0.kind == "unhealthy" && $0.instanceUID == two.reporter.uid.description })
                #expect(told.events.map { $0.text?.hasPrefix("turn ") } == [true, true])
            }
        }
    }

    @Test func `signs of life move the id past events that were left out`() async throws {
        try await TransportTestProvider.with { provider in
            let fleet = provider.fleet
            var selection = EventSelection()
            selection.kinds = ["stale"]
            var stream = try fleet.eventStream(selection, after: 0)
            stream.beatInterval = .zero
            var patient = Patient(1)
            try await patient.turn(at: provider.port)
            await fleet.store.settled()
            let texts = KeepingWriter.Texts()
            var writer: any ResponseBodyWriter = KeepingWriter(texts: texts, limit: 3)
            do { try await stream.write(to: &writer) } catch is KeepingWriter.Enough {}
            #expect(texts.all == ["retry: 3000\nid: 0\n\n", ":\nid: \(fleet.store.feed.last)\n\n", ":\n\n"])
        }
    }

    @Test func `streams end when the provider stops`() async throws {
        try await TransportTestProvider.with { provider in
            try await TransportTestConnection.with(port: provider.port) { connection in
                _ = try await connection.openStream()
                _ = try await connection.chunk()
                await provider.stop()
                #expect(try await connection.rest().hasSuffix("0\r\n\r\n"))
            }
        }
    }

    @Test(arguments: [
        ("/api/v1/events?kind=gone", "kind"), ("/api/v1/events?since=yesterday", "since"),
        ("/api/v1/events?since=-5m", "since"), ("/api/v1/events?since=99999999999d", "since"),
        ("/api/v1/events?cursor=!", "cursor"), ("/api/v1/events/stream?last_event_id=-1", "last_event_id"),
        ("/api/v1/events/stream?last_event_id=x", "last_event_id"),
    ])
    func `a wrong question about events is refused`(path: String, field: String) async throws {
        try await TransportTestProvider.with { provider in
            let answer = try await provider.request(.get, path)
            #expect(answer.status == 400)
            #expect(try JSON(parsing: answer.body)["field"] == .string(field))
        }
    }

    @Test func `more streams than there may be are a 503`() async throws {
        try await TransportTestProvider.with { provider in
            let places = (0..<EventFeed.readerLimit).map { _ in provider.fleet.store.feed.join() }
            let status = try await provider.request(.get, "/api/v1/events/stream").status
            #expect(status == 503 && places.count == EventFeed.readerLimit)
        }
    }
}
