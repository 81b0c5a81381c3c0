import FleetAPI
import OpAMP
import Synchronization

/// Brings together what happens, what agents are once they have settled, and the webhook.
struct Notifier: Sendable {
    /// After a start of the provider agents have so long to come back before they are taken for lost.
    static let startGrace = Duration.seconds(300)

    private let fleet: Fleet
    private var reader: EventReader
    private var notices: Notices
    private var isOn: Bool
    /// On the monotonic clock: when the whole fleet is looked at after a start.
    private var looksAtAll: Int64?

    init(_ fleet: Fleet, at now: Moment) {
        self.fleet = fleet
        reader = EventReader(fleet.store, after: .max)
        isOn = !fleet.settings.webhookURL.isEmpty
        notices = Notices(told: isOn ? fleet.store.toldConditions() : [:])
        if isOn { looksAtAll = now.monotonic + Self.startGrace.nanoseconds }
    }

    /// Once a second.
    mutating func step(at now: Moment) async {
        let settings = fleet.settings
        guard !settings.webhookURL.isEmpty else {
            if isOn { fleet.store.write([.toldNothing]) }
            (isOn, looksAtAll) = (false, nil)
            return
        }
        if !isOn { begin() }
        while let events = try? await reader.next(), !events.isEmpty {
            for event in events { notices.heard(event, at: now) }
        }
        if let due = looksAtAll, now.monotonic >= due {
            looksAtAll = nil
            for uid in fleet.state.withLock({ $0.records }).map(\.uid) { notices.look(at: uid, now) }
        }
        tell(settings.webhookEvents, at: now)
    }

    /// The webhook was set just now: nobody is told of what agents have been before.
    private mutating func begin() {
        isOn = true
        reader = EventReader(fleet.store, after: .max)
        notices = Notices()
        let (records, vitals) = fleet.state.withLock { ($0.records, $0.vitals) }
        for (record, vitals) in zip(records, vitals) {
            notices.take(AgentView(record: record, vitals: vitals).condition, of: record.uid)
        }
        fleet.store.write([Change.toldNothing] + notices.told.map { Change.told($0.key, $0.value) })
    }

    private mutating func tell(_ kinds: [NoticeKind], at now: Moment) {
        let due = notices.due(at: now)
        guard !due.isEmpty else { return }
        let views = fleet.views(of: due)
        var told: [Notice] = []
        for (uid, view) in zip(due, views) {
            let present = view.map {
                Notices.Present(condition: $0.condition, mutedUntil: $0.record.decisions.mutedUntil)
            }
            guard let kind = notices.settle(uid, present, at: now), let view else { continue }
            if kinds.contains(kind) {
                told.append(Notice(kind, view, at: now.wall))
            } else {
                fleet.store.write([.told(uid, view.condition)])
            }
        }
        fleet.webhook.offer(told)
    }
}

extension AgentView {
    /// What people want to know of the agent; one that is not let in is none of their concern.
    var condition: Condition {
        guard record.decisions.admission == .approved else { return .well }
        if vitals.status != .connected { return .lost }
        return vitals.health == .unhealthy ? .unhealthy : .well
    }
}

extension Fleet {
    /// Keeps what people were told, so that they are not told again after a start.
    func remember(_ notices: [Notice]) {
        store.write(
            notices.compactMap { notice in
                InstanceUID(notice.instanceUID).map { uid in
                    switch notice.kind {
                    case .lost: .told(uid, .lost)
                    case .unhealthy: .told(uid, .unhealthy)
                    case .back: .told(uid, .well)
                    }
                }
            })
    }

    /// The agents as they are now; nil for those that are gone.
    func views(of uids: [InstanceUID]) -> [AgentView?] {
        state.withLock { state in
            uids.map { uid in
                state.position(of: uid).map { AgentView(record: state.records[$0], vitals: state.vitals[$0]) }
            }
        }
    }
}
