import FleetAPI
import OpAMP
import Synchronization

// What happened: history and as it happens.
extension Fleet {
    /// How many events one page looks at to find those of agents that match a filter, and at one time.
    private static let (scanLimit, scanStep) = (20_000, 1_000)

    /// One page of events, newest first.
    ///
    /// - Parameter filter: only events of agents that match it now. Where few do, a page may be short, or empty, and
    ///   still have a next one.
    /// - Throws: 400 for a cursor that is none of ours, 503 when the store cannot be read.
    func events(
        _ selection: EventSelection, of filter: Filter, limit: Int, cursor: String?
    ) async throws(Problem) -> EventPage {
        var before = Int.max
        if let cursor {
            guard let number = Int(cursor, radix: 36), number > 0 else { throw Cursor.invalid(cursor) }
            before = number
        }
        var page = EventPage()
        (page.last, page.asOf) = (store.feed.last, Moment.now().wall)
        let step = filter.isEmpty ? limit + 1 : Self.scanStep
        var subjects = EventSubjects(fleet: self, filter: filter, now: page.asOf)
        var (found, seen, isMore): ([FleetEvent], Int, Bool) = ([], 0, true)
        while isMore, found.count <= limit, seen < Self.scanLimit {
            let events = try await reading { [before] in
                try await self.store.events(selection, limit: step, before: before)
            }
            found += events.filter { subjects.match($0.instanceUID) }
            seen += events.count
            isMore = events.count == step
            if let last = events.last { before = last.number }
        }
        page.events = found.prefix(limit).map { subjects.named($0) }
        if found.count > limit {
            page.next = page.events.last.map { String($0.number, radix: 36) }
        } else if isMore {
            page.next = String(before, radix: 36)
        }
        return page
    }

    /// How many events there are of each kind.
    ///
    /// - Throws: 503 when the store cannot be read.
    func eventCounts(_ selection: EventSelection, of filter: Filter) async throws(Problem) -> [String: Int] {
        let counts = try await reading { try await self.store.eventCounts(selection, byAgent: !filter.isEmpty) }
        var subjects = EventSubjects(fleet: self, filter: filter, now: Moment.now().wall)
        return counts.reduce(into: [:]) { sums, count in
            guard subjects.match(count.uid) else { return }
            sums[count.kind, default: 0] += count.number
        }
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

/// The agents that events are of, each looked up once: what they are called now, and whether a filter matches them.
private struct EventSubjects {
    private struct Subject {
        let shortID: String?
        let host: String?
        let isMeant: Bool
    }

    let fleet: Fleet
    let filter: Filter
    let now: Timestamp
    private var known: [String: Subject] = [:]

    init(fleet: Fleet, filter: Filter, now: Timestamp) {
        (self.fleet, self.filter, self.now) = (fleet, filter, now)
    }

    mutating func match(_ uid: String) -> Bool { filter.isEmpty || subject(uid).isMeant }

    mutating func named(_ event: FleetEvent) -> FleetEvent {
        var event = event
        let subject = subject(event.instanceUID)
        (event.shortID, event.host) = (subject.shortID, subject.host)
        return event
    }

    private mutating func subject(_ uid: String) -> Subject {
        if let found = known[uid] { return found }
        let view = InstanceUID(uid).flatMap { fleet.present($0) }.flatMap { try? fleet.view($0.description) }
        let agent = view.map { fleet.shown([$0])[0] }
        let subject = Subject(
            shortID: agent?.shortID, host: agent?.host,
            isMeant: filter.isEmpty || view.map { filter.matches($0, now: now) } ?? false)
        known[uid] = subject
        return subject
    }
}
