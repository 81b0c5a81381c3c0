import FleetAPI
import Foundation
import GRDB
import Logging
import NIOCore
import NIOEmbedded
import OpAMP
import Synchronization
import Testing

@testable import Provider

private func event(_ kind: String, of uid: InstanceUID = Reporter().uid, at seconds: Int = 0) -> Change {
    var event = FleetEvent()
    (event.at, event.kind, event.instanceUID) = (Stage.start.wall + .seconds(seconds), kind, uid.description)
    return .event(event)
}

/// What happened is told in the order it was written, under the numbers it was written with.
@Suite struct EventTests {
    @Test func `events are found by agent, kind and time, newest first`() async throws {
        let store = try Store(directory: nil)
        let (one, two) = (Reporter(1).uid, Reporter(2).uid)
        let changes = (1...60).map {
            event(["stale", "connected", "healthy"][$0 % 3], of: $0 % 2 == 0 ? one : two, at: $0)
        }
        store.write(changes)
        store.flushNow()
        func numbers(
            _ uid: InstanceUID?, _ kinds: Set<String>?, since: Int? = nil, limit: Int = 5, before: Int = .max
        ) async throws -> [Int] {
            var selection = EventSelection(uid: uid, kinds: kinds)
            selection.since = since.map { Stage.start.wall + .seconds($0) }
            return try await store.events(selection, limit: limit, before: before).map(\.number)
        }
        #expect(try await numbers(nil, nil) == [60, 59, 58, 57, 56])
        #expect(try await numbers(one, nil, before: 57) == [56, 54, 52, 50, 48])
        #expect(try await numbers(nil, ["stale"]) == [60, 57, 54, 51, 48])
        #expect(try await numbers(nil, ["stale", "healthy"]) == [60, 59, 57, 56, 54])
        #expect(try await numbers(two, ["stale", "healthy"], before: 40) == [39, 35, 33, 29, 27])
        #expect(try await numbers(nil, nil, since: 58, limit: 9) == [60, 59, 58])
        #expect(try await numbers(one, ["healthy"], since: 50, limit: 9) == [56, 50])
        #expect(try await numbers(nil, nil, since: 61) == [])
    }

    @Test func `a clock that was set back hides no event`() async throws {
        let store = try Store(directory: nil)
        store.write([event("stale", at: 100), event("stale", at: 10), event("stale", at: 90), event("stale", at: 20)])
        store.flushNow()
        let since = EventSelection(since: Stage.start.wall + .seconds(50))
        #expect(try await store.events(since, limit: 9).map(\.number) == [3, 1])
    }

    @Test func `the feed goes on from memory or from the store, without a gap`() async throws {
        let store = try Store(directory: nil)
        let count = 2 * EventFeed.size + 100
        for _ in 0..<count { store.write([event("stale")]) }
        store.flushNow()
        store.write([event("connected"), event("healthy")]) { _ in }
        store.flushNow()
        #expect(store.feed.last == count + 2)
        #expect(store.feed.events(after: 0, limit: 1) == nil)
        var reader = EventReader(store, after: 0)
        var numbers: [Int] = []
        while case let batch = try await reader.next(), !batch.isEmpty {
            #expect(batch.count <= EventReader.batchSize)
            numbers += batch.map(\.number)
        }
        #expect(numbers == Array(1...(count + 2)))
        #expect(try await store.events(EventSelection(kinds: ["healthy"]), limit: 1).map(\.number) == [count + 2])
    }

    @Test func `an event that could not be written is not told, a later one has its number`() async throws {
        let directory = TemporaryDirectory()
        let store = try Store(directory: directory.path)
        store.write([event("stale")])
        store.flushNow()
        try store.limitPages(to: 1)
        var text = FleetEvent()
        (text.kind, text.text) = ("custom_message", String(repeating: "x", count: 100_000))
        let result = Mutex<Bool?>(nil)
        store.write([.event(text)]) { outcome in result.withLock { $0 = (try? outcome.get()) != nil } }
        store.flushNow()
        #expect(result.withLock { $0 } == false)
        #expect(store.feed.last == 1)
        try store.limitPages(to: nil)
        store.write([event("connected")])
        store.flushNow()
        #expect(store.feed.events(after: 1, limit: 9)?.map(\.kind) == ["connected"])
        #expect(store.feed.last == 2)
    }

    @Test func `numbers go on after a start, though events were cleared away`() async throws {
        let directory = TemporaryDirectory()
        let first = try Store(directory: directory.path)
        first.write((0..<5).map { _ in event("stale") })
        first.flushNow()
        try await first.database.write { try $0.execute(sql: "DELETE FROM events") }
        try first.close()
        let second = try Store(directory: directory.path)
        #expect(second.feed.last == 5)
        var reader = EventReader(second, after: 2)
        let none = try await reader.next()
        #expect(none == [] && reader.position == 5)
        second.write([event("connected")])
        second.flushNow()
        let one = try await reader.next()
        #expect(one.map(\.number) == [6])
        try second.close()
    }

    @Test func `so many readers and no more; a place is given back`() {
        let feed = EventFeed()
        var places = (0..<EventFeed.readerLimit).map { _ in feed.join() }
        #expect(places.allSatisfy { $0 != nil } && feed.join() == nil)
        places.removeLast()
        #expect(feed.readers == EventFeed.readerLimit - 1)
        let again = feed.join()
        #expect(again != nil)
    }

    @Test func `every kind of event that is noted is listed`() throws {
        var noted: Set<String> = []
        for text in try sources(of: "Provider") {
            for match in text.matches(
                of: #/\bnote\(\s*(?:[a-z]+ == [.a-z]+ \? )?"([a-z_]+)"(?: : "([a-z_]+)")?,\s*position/#)
            {
                noted.insert(String(match.1))
                if let other = match.2 { noted.insert(String(other)) }
            }
        }
        #expect(noted.count > 15 && noted.isSubset(of: FleetEvent.kinds), "\(noted.subtracting(FleetEvent.kinds))")
        #expect(FleetEvent.kinds == FleetEvent.kinds.sorted())
    }

    @Test func `a client that does not take what is written is sent away`() throws {
        let channel = EmbeddedChannel(handler: ConnectionTimeHandler())
        try channel.connect(to: .init(ipAddress: "127.0.0.1", port: 1)).wait()
        func writable(_ isWritable: Bool) {
            channel.isWritable = isWritable
            channel.pipeline.fireChannelWritabilityChanged()
        }
        writable(false)
        channel.embeddedEventLoop.advanceTime(by: .seconds(29))
        writable(true)
        channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(channel.isActive)
        writable(false)
        channel.embeddedEventLoop.advanceTime(by: .seconds(30))
        #expect(!channel.isActive)
    }

    @Test func `a connection that is still busy 5 seconds after the stop is ended`() throws {
        let channel = EmbeddedChannel(handler: ConnectionTimeHandler())
        try channel.connect(to: .init(ipAddress: "127.0.0.1", port: 1)).wait()
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        channel.pipeline.fireChannelWritabilityChanged()
        channel.embeddedEventLoop.advanceTime(by: .seconds(4))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!channel.isActive)
    }
}

/// The texts of the sources in a folder of `Sources`.
func sources(of target: String, file: String = #filePath) throws -> [String] {
    let root = String(file.prefix(upTo: file.range(of: "/Tests/")!.lowerBound)) + "/Sources/\(target)"
    return try FileManager.default.subpathsOfDirectory(atPath: root).filter { $0.hasSuffix(".swift") }
        .map { try String(contentsOfFile: "\(root)/\($0)", encoding: .utf8) }
}
