import FleetAPI
import OpAMP
import Synchronization

// What happened: history and as it happens.
extension Fleet {
    /// One page of events, newest first.
    ///
    /// - Throws: 400 for a cursor that is none of ours, 503 when the store cannot be read.
    func events(_ selection: EventSelection, limit: Int, cursor: String?) async throws(Problem) -> EventPage {
        var before = Int.max
        if let cursor {
            guard let number = Int(cursor, radix: 36), number > 0 else { throw Cursor.invalid(cursor) }
            before = number
        }
        var page = EventPage()
        (page.last, page.asOf) = (store.feed.last, Moment.now().wall)
        let from = before
        let events = try await reading {
            try await self.store.events(selection, limit: limit + 1, before: from)
        }
        page.events = Array(events.prefix(limit))
        if events.count > limit, let last = page.events.last { page.next = String(last.number, radix: 36) }
        return page
    }

    /// Events from now on, or after one that the client knows.
    ///
    /// - Throws: 503 when there are as many streams as there may be.
    func eventStream(_ selection: EventSelection, after number: Int?) throws(Problem) -> EventStream {
        guard let place = store.feed.join() else {
            throw Problem(
                503, "Too many streams",
                detail: "\(EventFeed.readerLimit) streams of events are open already; end one, or read /api/v1/events")
        }
        return EventStream(fleet: self, place: place, selection: selection, start: number)
    }

    /// The agent whose events are asked for: one that has been forgotten too, by its full uid.
    func subject(of reference: String) throws(Problem) -> InstanceUID {
        if let uid = InstanceUID(reference) { return present(uid) ?? uid }
        return try view(reference).record.uid
    }

    /// The uid that an agent has now; nil for one that the fleet does not know.
    func present(_ uid: InstanceUID?) -> InstanceUID? {
        guard let uid else { return nil }
        return state.withLock { state in state.position(of: uid).map { state.records[$0].uid } }
    }
}
