import FleetAPI
import OpAMP
import Synchronization

// Maintenance: nobody is told of agents that are lost or unhealthy for a while.
extension Fleet {
    /// How many agents are muted in one transaction.
    private static let muteChunk = 1_000

    /// Mutes one agent, or ends its mute.
    ///
    /// - Throws: 400 for a wrong time, 404 or 409 for the reference, 507 when it could not be written.
    func mute(_ reference: String, _ request: MuteRequest, caller: Caller) async throws(Problem) -> Agent {
        let end = try request.end(now: Moment.now().wall)
        let uid = try view(reference).record.uid
        let muted = try await mute([uid], until: end, caller: caller)
        guard let present = muted.first else { throw FleetState.forgotten }
        return shown([try view(present.description)])[0]
    }

    /// Mutes all agents that a filter matches, or ends their mutes.
    ///
    /// - Throws: 400 for a wrong time and for a filter that asks for nothing, 507 when not all could be written: then
    ///   some are muted; repeat it.
    func mute(_ request: MutesRequest, caller: Caller) async throws(Problem) -> MutesResult {
        let filter = try Filter(request.filter)
        guard filter.hasPositiveTerm else {
            throw .badRequest(
                field: "filter", value: request.filter,
                "a filter that changes something needs a term that is not only *")
        }
        let snapshot = snapshot
        let end = try request.mute.end(now: snapshot.now.wall)
        let uids = snapshot.records.indices.lazy.map { snapshot.view($0) }
            .filter { filter.matches($0, now: snapshot.now.wall) }.map(\.record.uid)
        var rest = Array(uids)[...]
        var result = MutesResult()
        result.until = end
        while !rest.isEmpty {
            result.matched += try await mute(Array(rest.prefix(Self.muteChunk)), until: end, caller: caller).count
            rest = rest.dropFirst(Self.muteChunk)
        }
        return result
    }

    /// - Returns: the uids they have now, of those that are still there.
    private func mute(
        _ uids: [InstanceUID], until end: Timestamp?, caller: Caller
    ) async throws(Problem) -> [InstanceUID] {
        typealias Muted = (uid: InstanceUID, before: Decisions, after: Decisions)
        return try await durably { state, now, effects throws(Problem) -> [Muted] in
            var muted: [Muted] = []
            for position in uids.compactMap({ state.position(of: $0) }) {
                let before = state.records[position].decisions
                state.mute(position, until: end, by: caller, now, &effects)
                muted.append((state.records[position].uid, before, state.records[position].decisions))
            }
            return muted
        } undo: { state, muted in
            for one in muted.reversed() { state.takeBack(one.after, of: one.uid, to: one.before) }
        }.map(\.uid)
    }
}

extension FleetState {
    /// Mutes an agent until then, or ends its mute.
    mutating func mute(
        _ position: Int, until end: Timestamp?, by caller: Caller, _ now: Moment, _ effects: inout Effects
    ) {
        var decisions = records[position].decisions
        guard decisions.mutedUntil != end else { return }
        decisions.mutedUntil = end
        decide(decisions, at: position, now, &effects)
        let text = "by \(caller.text)" + (end.map { ", until \($0)" } ?? "")
        note(end == nil ? "unmuted" : "muted", position, text, now, &effects)
        effects.audit(
            caller, end == nil ? "unmute" : "mute", records[position].uid.description, detail: end?.description, at: now
        )
    }
}
