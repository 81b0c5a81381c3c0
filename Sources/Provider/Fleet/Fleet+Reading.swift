package import FleetAPI
import JSON
import Logging
import OpAMP
import Synchronization

/// Which agents, in which order, and which page of them.
package struct AgentQuery: Sendable {
    package var filter: Filter
    /// A field of `Agent`, with `-` before it for the largest first; nil: problems first, then by host.
    package var sort: String?
    package var limit: Int
    package var cursor: String?

    package init(filter: Filter, sort: String? = nil, limit: Int = 50, cursor: String? = nil) {
        (self.filter, self.sort, self.limit, self.cursor) = (filter, sort, limit, cursor)
    }
}

/// The fleet at one moment: scanned without a lock.
struct FleetSnapshot: Sendable {
    let records: [AgentRecord]
    let vitals: [Vitals]
    let commands: [String: OpenCommand]
    let commandsByAgent: [InstanceUID: [String]]
    let now = Moment.now()

    func view(_ position: Int) -> AgentView {
        var view = AgentView(record: records[position], vitals: vitals[position])
        if !commandsByAgent.isEmpty {
            view.commands = (commandsByAgent[records[position].uid] ?? []).compactMap { commands[$0] }
        }
        return view
    }
}

extension Fleet {
    var snapshot: FleetSnapshot {
        state.withLock {
            FleetSnapshot(
                records: $0.records, vitals: $0.vitals, commands: $0.commands, commandsByAgent: $0.commandsByAgent
            )
        }
    }

    /// One page of the agents that match.
    ///
    /// - Throws: 400 for an unknown sort field or a cursor that leads nowhere.
    package func agents(_ query: AgentQuery) throws(Problem) -> AgentPage {
        let snapshot = snapshot
        let order = try AgentOrder(query.sort)
        let start = try query.cursor.map { text throws(Problem) in try self.start(text, order, snapshot) }
        var page = AgentPage()
        (page.total, page.asOf) = (snapshot.records.count, snapshot.now.wall)
        var first = FirstInOrder(query.limit, order)
        var after = 0
        for position in snapshot.records.indices {
            let view = snapshot.view(position)
            guard query.filter.matches(view, now: snapshot.now.wall) else { continue }
            page.matched += 1
            let key = order.key(view)
            if let start, !order.isBefore(start, key) { continue }
            after += 1
            first.insert(key, position)
        }
        let views = first.positions.map { snapshot.view($0) }
        page.agents = shown(views)
        if after > views.count, let last = views.last, let shortID = page.agents.last?.shortID {
            page.next = Cursor(number: order.key(last).number, reference: shortID).text
        }
        return page
    }

    private func start(_ text: String, _ order: AgentOrder, _ snapshot: FleetSnapshot) throws(Problem) -> AgentOrder.Key
    {
        let cursor = try Cursor(text)
        let positions = state.withLock { $0.positions(of: cursor.reference) }
        guard positions.count == 1, snapshot.records.indices.contains(positions[0]) else { throw Cursor.invalid(text) }
        var key = order.key(snapshot.view(positions[0]))
        key.number = cursor.number
        return key
    }

    /// The best matches for a free text; near misses only where nothing else matches.
    package func find(_ text: String, limit: Int) -> AgentMatches {
        let snapshot = snapshot
        let search = AgentSearch(text)
        var found: [(fit: AgentSearch.Fit, position: Int)] = []
        for position in snapshot.records.indices {
            let view = snapshot.view(position)
            if let fit = search.fit(view, uid: view.record.uid.description) { found.append((fit, position)) }
        }
        if found.isEmpty {
            for position in snapshot.records.indices {
                if let fit = search.nearMiss(snapshot.view(position)) { found.append((fit, position)) }
            }
        }
        let best = found.sorted {
            ($0.fit.rank, snapshot.records[$0.position].facts.host?.lower ?? "", snapshot.records[$0.position].uid)
                < (
                    $1.fit.rank, snapshot.records[$1.position].facts.host?.lower ?? "",
                    snapshot.records[$1.position].uid
                )
        }.prefix(limit)
        var matches = AgentMatches()
        (matches.matched, matches.total, matches.asOf) = (found.count, snapshot.records.count, snapshot.now.wall)
        matches.matches = zip(best, shown(best.map { snapshot.view($0.position) })).map { best, agent in
            var match = AgentMatches.Match()
            (match.agent, match.field, match.quality) = (agent, best.fit.field, best.fit.quality)
            return match
        }
        return matches
    }

    /// Totals, and counts by up to three attributes together.
    ///
    /// - Throws: 400 for more than three attributes.
    package func summary(_ filter: Filter, groupBy: [String]) throws(Problem) -> FleetSummary {
        guard groupBy.count <= 3 else {
            var problem = Problem(400, "Too many groups", detail: "group_by takes at most 3 attributes")
            (problem.field, problem.value) = ("group_by", groupBy.joined(separator: ","))
            throw problem
        }
        let snapshot = snapshot
        let grouping = FleetGrouping(groupBy)
        var summary = FleetSummary()
        (summary.total, summary.asOf) = (snapshot.records.count, snapshot.now.wall)
        for status in AgentStatus.allCases { summary.status[status.rawValue] = 0 }
        for health in AgentHealth.allCases { summary.health[health.rawValue] = 0 }
        var groups: [[String]: FleetSummary.Group] = [:]
        for position in snapshot.records.indices {
            let view = snapshot.view(position)
            guard filter.matches(view, now: snapshot.now.wall) else { continue }
            summary.matched += 1
            summary.status[view.vitals.status.rawValue, default: 0] += 1
            summary.health[view.vitals.health.rawValue, default: 0] += 1
            if view.facts.configStatus == .failed { summary.configFailed += 1 }
            guard !groupBy.isEmpty else { continue }
            let values = grouping.values(of: view)
            groups[values, default: FleetSummary.Group()].count += 1
            if view.hasProblem { groups[values]?.problems += 1 }
        }
        summary.groupBy = groupBy
        summary.groupsTotal = groups.count
        summary.groups = groups.map { values, group in
            var group = group
            group.values = values
            return group
        }.sorted { ($1.count, $0.values.joined()) < ($0.count, $1.values.joined()) }
        summary.groups = Array(summary.groups.prefix(200))
        return summary
    }

    /// One agent in depth.
    ///
    /// - Throws: 404 for a reference that means no agent, 409 for one that means several.
    package func detail(_ reference: String, include: Set<AgentSection>) async throws(Problem) -> AgentDetail {
        let view = try view(reference)
        var detail = AgentDetail()
        detail.agent = shown([view])[0]
        detail.asOf = Moment.now().wall
        detail.expectedIntervalSeconds = Int(view.vitals.expectedInterval.components.seconds)
        detail.sequence = String(view.vitals.sequence)
        if view.vitals.isInConflict { detail.conflict = state.withLock { $0.conflict(of: view.record.uid) } }
        detail.peerNote = PeerNote.about(view.facts)
        detail.ownToken = state.withLock { $0.ownTokens.token(of: view.record.uid)?.info }
        if include.contains(.health) { detail.health = view.facts.healthTree }
        if include.contains(.config) { detail.config = view.facts.configSummary }
        if include.contains(.components) {
            detail.components = view.facts.componentTree
            detail.componentsHash = view.facts.componentsHash.hex.nonEmpty
        }
        if include.contains(.packages) { detail.packages = view.facts.packageReport }
        if include.contains(.capabilities) {
            detail.capabilities = view.facts.capabilities.names
            detail.customCapabilities = view.facts.customCapabilities
            if view.facts.flags.contains(.requestInstanceUID) { detail.flags = ["RequestInstanceUid"] }
        }
        if include.contains(.attributes) { detail.attributes = view.facts.attributesByKind }
        if include.contains(.commands) {
            detail.commands = try await commands(agent: reference, state: nil, limit: 20, cursor: nil).commands
        }
        if include.contains(.events) {
            let uid = view.record.uid
            detail.events = try await reading { try await self.store.events(of: uid, limit: 50) }
        }
        return detail
    }

    /// The agent that a reference means.
    ///
    /// - Throws: 404 with the nearest agents, 409 with the candidates of an ambiguous reference.
    func view(_ reference: String) throws(Problem) -> AgentView {
        let found = state.withLock { state -> [AgentView] in
            state.positions(of: reference).map { AgentView(record: state.records[$0], vitals: state.vitals[$0]) }
        }
        if found.count == 1 { return found[0] }
        var problem: Problem
        if found.isEmpty {
            problem = Problem(
                404, "No such agent",
                detail: "no agent has this instance uid, service instance id, host, or end of "
                    + "an instance uid (at least 6 digits)"
            )
            problem.candidates = find(reference, limit: 3).matches.map(\.agent)
        } else {
            problem = Problem(
                409, "Ambiguous reference", detail: "\(found.count) agents are meant by this; use one of their uids"
            )
            problem.candidates = Array(shown(found.sorted { $0.record.uid < $1.record.uid }).prefix(10))
        }
        (problem.field, problem.value) = ("agent", reference)
        throw problem
    }

    /// The agents as lists show them, with their short ids of this moment.
    func shown(_ views: [AgentView]) -> [Agent] {
        state.withLock { state in
            views.map { $0.agent(shortID: state.index.shortID(of: $0.record.uid, in: state.records)) }
        }
    }

    /// Runs a look-up in the store; what goes wrong there is logged and becomes a 503.
    func reading<Value>(_ lookUp: () async throws -> Value) async throws(Problem) -> Value {
        do { return try await lookUp() } catch {
            logger.error("the store could not be read", metadata: ["reason": "\(error)"])
            throw Problem(503, "Store unavailable", detail: "the provider could not read its database; try again")
        }
    }
}
