import FleetAPI
import OpAMP
import Testing

@testable import Provider

/// People are told once, of what stays, and of many agents together.
@Suite struct NoticesTests {
    private let uid = Reporter(1).uid
    private let start = Stage.start

    private func event(_ kind: String, of uid: InstanceUID? = nil, text: String? = nil) -> FleetEvent {
        var event = FleetEvent()
        (event.kind, event.instanceUID, event.text) = (kind, (uid ?? self.uid).description, text)
        return event
    }

    /// Lets an agent settle, after `seconds` of silence about it.
    private func settle(
        _ notices: inout Notices, after seconds: Int, as condition: Condition, mutedUntil: Timestamp? = nil
    ) -> [NoticeKind?] {
        let now = start + .seconds(seconds)
        return notices.due(at: now).map {
            notices.settle($0, .init(condition: condition, mutedUntil: mutedUntil), at: now)
        }
    }

    @Test func `an agent is told of after 30 seconds in its new state, and once`() {
        var notices = Notices()
        notices.heard(event("disconnected"), at: start)
        #expect(notices.due(at: start + .seconds(29)) == [])
        #expect(settle(&notices, after: 30, as: .lost) == [.lost])
        #expect(settle(&notices, after: 300, as: .lost) == [])
        notices.heard(event("stale"), at: start + .seconds(400))
        #expect(settle(&notices, after: 430, as: .lost) == [nil])
        notices.heard(event("connected"), at: start + .seconds(500))
        #expect(settle(&notices, after: 530, as: .unhealthy) == [.unhealthy])
        notices.heard(event("healthy"), at: start + .seconds(600))
        #expect(settle(&notices, after: 630, as: .well) == [.back])
        #expect(notices.told == [:])
    }

    @Test func `an agent that is back within 30 seconds is not told of`() {
        var notices = Notices()
        for second in stride(from: 0, to: 100, by: 10) {
            notices.heard(event(second % 20 == 0 ? "disconnected" : "connected"), at: start + .seconds(second))
            #expect(notices.due(at: start + .seconds(second + 9)) == [])
        }
        #expect(settle(&notices, after: 120, as: .well) == [nil])
    }

    @Test func `an agent that never settles is told of after 5 minutes`() {
        var notices = Notices()
        for second in 0..<300 { notices.heard(event("stale"), at: start + .seconds(second)) }
        #expect(notices.due(at: start + .seconds(299)) == [])
        #expect(settle(&notices, after: 300, as: .lost) == [.lost])
    }

    @Test func `while an agent is muted nobody is told, at its end of what is still so`() {
        var notices = Notices()
        let end = start.wall + .seconds(600)
        notices.heard(event("disconnected"), at: start)
        #expect(settle(&notices, after: 30, as: .lost, mutedUntil: end) == [nil])
        #expect(notices.told == [:] && notices.due(at: start + .seconds(59)) == [])
        #expect(settle(&notices, after: 590, as: .lost, mutedUntil: end) == [nil])
        #expect(settle(&notices, after: 600, as: .lost, mutedUntil: end) == [.lost])
        // Ended sooner.
        notices.heard(event("connected"), at: start + .seconds(700))
        #expect(settle(&notices, after: 730, as: .well, mutedUntil: end + .seconds(9_999)) == [nil])
        #expect(settle(&notices, after: 760, as: .well) == [.back])
    }

    @Test func `what was told moves to a new uid, and is forgotten with its agent`() {
        var notices = Notices(told: [uid: .lost])
        let new = Reporter(2).uid
        notices.heard(event("renamed", of: new, text: "from \(uid)"), at: start)
        #expect(notices.told == [new: .lost])
        notices.heard(event("forgotten", of: new), at: start)
        #expect(notices.told == [:])
        notices.heard(event("stale"), at: start)
        #expect(notices.settle(uid, nil, at: start + .seconds(30)) == nil)
        #expect(notices.due(at: start + .seconds(999)) == [])
    }
}
