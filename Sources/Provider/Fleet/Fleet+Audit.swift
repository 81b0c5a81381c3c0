package import FleetAPI
import OpAMP
import Synchronization

// What people did and what they were refused.
extension Fleet {
    /// One page of the audit, newest first.
    ///
    /// - Parameters:
    ///   - agent: a reference; also the uid of an agent that was forgotten. Its commands are meant too.
    ///   - target: as an entry has it.
    ///   - since: on the wall clock, as entries have it.
    /// - Throws: 400 for a wrong cursor, 404 or 409 for a reference that does not mean one agent.
    package func audit(
        agent: String? = nil, target: String? = nil, action: String? = nil, caller: String? = nil,
        since: Timestamp? = nil, limit: Int, cursor: String? = nil
    ) async throws(Problem) -> AuditPage {
        var before = Int64.max
        if let cursor {
            guard let number = Int64(cursor, radix: 36), number > 0 else { throw Cursor.invalid(cursor) }
            before = number
        }
        let uids = try agent.map { reference throws(Problem) in try self.uids(of: reference) }
        let filter = AuditFilter(agent: uids, target: target, action: action, caller: caller, since: since)
        // Refusals wait for what is written next.
        await store.settled()
        let found = try await reading { try await self.store.audit(filter, limit: limit + 1, before: before) }
        var page = AuditPage()
        page.entries = found.prefix(limit).map(\.entry.shown)
        page.matched = try await reading { try await self.store.auditCount(filter) }
        page.asOf = Moment.now().wall
        if found.count > limit { page.next = String(found[limit - 1].number, radix: 36) }
        return page
    }

    /// Carries out what a person asked for, and notes it when it is refused by a decision: what was asked could be
    /// understood, but not be done now. Wrong requests and unknown agents are not noted.
    ///
    /// - Parameters:
    ///   - action: as the audit names the act when it is done.
    ///   - target: likewise.
    /// - Throws: what the act throws.
    func notingRefusal<Value: Sendable>(
        of action: String, _ target: String, detail: String? = nil, by caller: Caller,
        _ act: () async throws(Problem) -> Value
    ) async throws(Problem) -> Value {
        do throws(Problem) { return try await act() } catch {
            if error.isDecision {
                var effects = FleetState.Effects()
                effects.audit(caller, action, target, outcome: error.auditOutcome, detail: detail, at: .now())
                commit(effects)
            }
            throw error
        }
    }

    /// The uid of the agent that a reference means; the reference itself where it does not mean one.
    func auditTarget(_ reference: String) -> String {
        state.withLock { state in
            let positions = state.positions(of: reference)
            return positions.count == 1 ? state.records[positions[0]].uid.description : reference
        }
    }

    /// The uid of an agent and those it had before.
    private func uids(of reference: String) throws(Problem) -> [String] {
        let uid: InstanceUID
        if let forgotten = InstanceUID(reference), state.withLock({ $0.position(of: forgotten) }) == nil {
            uid = forgotten
        } else {
            uid = try view(reference).record.uid
        }
        let former = state.withLock { state in state.aliases.filter { $0.value == uid }.keys.sorted() }
        return ([uid] + former).map(\.description)
    }
}

extension Problem {
    /// Whether it refuses something that was understood, and meant one agent, command or operation.
    fileprivate var isDecision: Bool { [409, 412, 422].contains(status) && candidates == nil }

    /// The refusal as the audit tells it.
    var auditOutcome: String { "\(status) \(title)" }
}

extension AuditEntry {
    fileprivate var shown: AuditPage.Entry {
        var entry = AuditPage.Entry()
        (entry.at, entry.by, entry.from, entry.action) = (at, by, from, action)
        (entry.target, entry.outcome, entry.detail) = (target, outcome, detail)
        return entry
    }

    /// What changed between two sets of named values, for `detail`; nil when nothing did.
    static func difference(_ old: [String: String], _ new: [String: String]) -> String? {
        let names = Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }.sorted()
        return names.map { "\($0): \(old[$0] ?? "none") → \(new[$0] ?? "none")" }.joined(separator: ", ").nonEmpty
    }
}
