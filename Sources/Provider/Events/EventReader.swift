import FleetAPI

/// Reads on from one event to the next: from memory, or from the store what is no longer there.
struct EventReader: Sendable {
    /// The most events that are read at one time.
    static let batchSize = 500

    private let store: Store
    /// The number of the last event that was read.
    private(set) var position: Int

    /// - Parameter number: of the last event that is known already; one that has not been written yet means the newest.
    init(_ store: Store, after number: Int) {
        let last = store.feed.last
        (self.store, position) = (store, (0...last).contains(number) ? number : last)
    }

    /// The next events in their order; none when all have been read.
    ///
    /// Events that were cleared away meanwhile are passed over.
    mutating func next() async throws -> [FleetEvent] {
        let last = store.feed.last
        var events = store.feed.events(after: position, limit: Self.batchSize)
        if events == nil { events = try await store.events(after: position, limit: Self.batchSize) }
        position = events?.last?.number ?? last
        return events ?? []
    }
}
