import FleetAPI
import GRDB
import Testing

@testable import Provider

/// How long an idempotency key stands for its request: by what has passed, not by what the wall clock says.
@Suite struct KeyTimeTests {
    private let directory = TemporaryDirectory()
    private let day = Duration.seconds(86_400)

    /// That much later, with the wall clock set forward or back meanwhile.
    private func later(_ time: Duration, jump: Duration) -> Moment {
        let now = Stage.start + time
        return Moment(wall: now.wall + jump, monotonic: now.monotonic)
    }

    private func key(_ name: String, at moment: Moment, in store: Store) -> Change {
        .idempotency(caller: "ann", key: name, request: "r", command: name, at: store.keyTime(at: moment))
    }

    private func isKnown(_ name: String, at moment: Moment, in store: Store) async throws -> Bool {
        let since = store.keyTime(at: moment) - Retention.keyTime
        return try await store.idempotent(caller: "ann", key: name, since: since) != nil
    }

    /// Takes every step of clearing away at that moment.
    private func sweep(_ store: Store, at moment: Moment) throws -> Int {
        for second in 0..<12 { store.sweep(Retention(), at: moment + .seconds(second)) }
        store.flushNow()
        return try store.database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM idempotency") ?? 0 }
    }

    @Test(arguments: [365, -365, 0])
    func `a key stands for a day, however the wall clock jumps`(days: Int) async throws {
        let store = try Store(directory: nil, at: Stage.start)
        let jump = day * days
        store.write([key("before", at: Stage.start + .seconds(60), in: store)])
        store.write([key("after", at: later(.seconds(120), jump: jump), in: store)])
        store.flushNow()
        for seconds in [180, 86_400] {
            let moment = later(.seconds(seconds), jump: jump)
            #expect(try sweep(store, at: moment) == 2)
            #expect(try await isKnown("before", at: moment, in: store))
            #expect(try await isKnown("after", at: moment, in: store))
        }
        let end = later(day + .seconds(90), jump: jump)
        #expect(try await !isKnown("before", at: end, in: store))
        #expect(try await isKnown("after", at: end, in: store))
        #expect(try sweep(store, at: end) == 1)
    }

    @Test func `a key from the future counts from the start that follows, not for years`() async throws {
        let ahead = Moment(wall: Stage.start.wall + day * 3650, monotonic: 5)
        let before = try Store(directory: directory.path, at: ahead)
        before.write([key("k", at: ahead, in: before)])
        try before.close()
        let store = try Store(directory: directory.path, at: Stage.start)
        #expect(try await isKnown("k", at: Stage.start, in: store))
        #expect(try sweep(store, at: Stage.start + .seconds(10)) == 1)
        #expect(try await isKnown("k", at: Stage.start + day, in: store))
        #expect(try sweep(store, at: Stage.start + day + .seconds(60)) == 0)
        try store.close()
    }
}
