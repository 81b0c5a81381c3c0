import Crypto
import FleetAPI
import Foundation
import JSON
import OpAMP
import SwiftProtobuf
import Synchronization

/// Which agents an operation means, what each gets, and what there is to say of them.
struct OperationMeaning {
    var plan = OperationPlan()
    /// By uid, with those of `agents` that cannot be meant any more.
    var targets: [OpenOperation.Target] = []
    /// The configurations of the targets, and their contents by hash.
    var offers: OperationOffers?
    var bodies: [String: [UInt8]] = [:]
}

extension Fleet {
    /// How many agents are looked at before others get a turn with the state.
    private static let chunk = 500
    private static let shownTargets = 10
    private static let shownChanges = 5
    private static let shownWhole = 5

    /// What a request says of agents beside the filter.
    private struct Choice {
        var filter = Filter()
        var skipped: Set<InstanceUID> = []
        /// Only these, each with its mark; nil: all.
        var only: [InstanceUID: String?]?
    }

    /// An agent that would get the command, with its configuration where it carries one.
    private struct Able {
        let position: Int
        var edit: Edit?
    }

    /// The agents that would get the command, by uid, and what there is to say of them.
    ///
    /// - Throws: 400 for a wrong filter or list of agents, 503 when the store cannot be read.
    func meaning(
        of request: OperationRequest, _ kind: CommandKind, _ order: CommandOrder
    ) async throws(Problem) -> OperationMeaning {
        let choice = try choice(request)
        let snapshot = snapshot
        let matched = snapshot.records.indices.filter {
            choice.filter.matches(snapshot.view($0), now: snapshot.now.wall)
        }
        var meaning = OperationMeaning()
        (meaning.plan.total, meaning.plan.matched) = (snapshot.records.count, matched.count)
        meaning.plan.asOf = snapshot.now.wall
        /// Why those that were named get nothing.
        var reasons: [InstanceUID: String] = [:]
        func exclude(_ position: Int, _ why: String) {
            meaning.plan.excluded[why, default: 0] += 1
            if choice.only != nil { reasons[snapshot.records[position].uid] = why }
        }

        var able: [Able] = []
        for start in stride(from: 0, to: matched.count, by: Self.chunk) {
            state.withLock { state in
                for position in matched[start..<min(start + Self.chunk, matched.count)] {
                    let record = snapshot.records[position]
                    if choice.skipped.contains(record.uid) {
                        exclude(position, "left out by skip")
                    } else if let only = choice.only, only[record.uid] == nil {
                        exclude(position, "not among the agents named")
                    } else {
                        let open = order.command(id: "", for: record, snapshot.vitals[position], at: snapshot.now)
                        if let refusal = state.refusal(
                            of: open.command, kind, acknowledged: order.acknowledgesDefect)
                        {
                            exclude(position, reason(refusal))
                        } else {
                            able.append(Able(position: position))
                        }
                    }
                }
            }
        }
        able.sort { snapshot.records[$0.position].uid < snapshot.records[$1.position].uid }
        if let edit = request.config?.value {
            able = try await edited(able, by: edit, limit: request.limit, snapshot, exclude: exclude)
        } else if let limit = request.limit {
            able = Array(able.prefix(limit))
        }
        if let only = choice.only {
            able = able.filter { able in
                let mark = only[snapshot.records[able.position].uid] ?? nil
                if mark == nil || mark == able.edit?.mark { return true }
                exclude(able.position, "changed meanwhile")
                return false
            }
        }
        describe(able, request, order, snapshot, &meaning)
        take(able, choice.only?.keys.sorted(), reasons, snapshot, &meaning)
        return meaning
    }

    private func choice(_ request: OperationRequest) throws(Problem) -> Choice {
        guard request.skip.count <= OperationRequest.skipLimit else {
            throw .badRequest(
                field: "skip", "skip names \(request.skip.count) agents; it may name \(OperationRequest.skipLimit)")
        }
        func uid(_ text: String, _ field: String) throws(Problem) -> InstanceUID {
            if let uid = InstanceUID(text) { return uid }
            throw .badRequest(field: field, value: text, "\(field) takes instance uids: 32 hex digits each")
        }
        var choice = Choice()
        choice.filter = try Filter(request.filter)
        for text in request.skip { choice.skipped.insert(try uid(text, "skip")) }
        guard let agents = request.agents else { return choice }
        guard (1...OperationRequest.agentLimit).contains(agents.count) else {
            throw .badRequest(
                field: "agents", "agents names \(agents.count); it may name 1 to \(OperationRequest.agentLimit)")
        }
        var only: [InstanceUID: String?] = [:]
        for agent in agents { only[try uid(agent.value.instanceUID, "agents")] = .some(agent.value.mark) }
        choice.only = only
        return choice
    }

    private func reason(_ refusal: Problem) -> String {
        refusal.missingCapability.map { "without the capability \($0)" } ?? refusal.title
    }

    // MARK: - What there is to say

    private func describe(
        _ able: [Able], _ request: OperationRequest, _ order: CommandOrder, _ snapshot: FleetSnapshot,
        _ meaning: inout OperationMeaning
    ) {
        let views = able.map { snapshot.view($0.position) }
        meaning.plan.targets = able.count
        meaning.plan.digest = digest(able, order, snapshot)
        meaning.plan.types = counts(views) { $0.facts.type?.text }
        meaning.plan.versions = counts(views) { $0.facts.version?.text }
        meaning.plan.status = counts(views) { $0.vitals.status.rawValue }
        meaning.plan.whole = whole(views, snapshot)
        for view in views {
            if let note = PeerNote.about(view.facts) { meaning.plan.peerNotes[note, default: 0] += 1 }
        }
        meaning.plan.first = shown(Array(views.prefix(Self.shownTargets)))
        if request.listTargets, able.count <= OperationRequest.agentLimit {
            meaning.plan.list = able.map {
                OperationTarget(snapshot.records[$0.position].uid.description, mark: $0.edit?.mark)
            }
        }
        guard request.config != nil else { return }
        var groups: [Edit.Key: [Int]] = [:]
        for able in able { if let key = able.edit?.key { groups[key, default: []].append(able.position) } }
        let sorted = groups.sorted { ($1.value.count, $0.value[0]) < ($0.value.count, $1.value[0]) }
        meaning.plan.changesTotal = groups.count
        meaning.plan.changes = sorted.prefix(Self.shownChanges).map { key, positions in
            var change = key.change
            change.agents = positions.count
            change.first = shown(positions.prefix(3).map { snapshot.view($0) })
            return change
        }
    }

    /// How many have which value; the rarest beyond 20 together.
    private func counts(_ views: [AgentView], by value: (AgentView) -> String?) -> [String: Int] {
        var counts: [String: Int] = [:]
        for view in views { counts[value(view) ?? "unknown", default: 0] += 1 }
        guard counts.count > 20 else { return counts }
        let sorted = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        var shown = Dictionary(uniqueKeysWithValues: sorted.prefix(20).map { ($0.key, $0.value) })
        shown["other", default: 0] += sorted.dropFirst(20).reduce(0) { $0 + $1.value }
        return shown
    }

    /// What no agent but these has, with how many they are.
    private func whole(_ views: [AgentView], _ snapshot: FleetSnapshot) -> [String: Int] {
        func traits(_ view: AgentView) -> [String] {
            view.record.decisions.labels.map { "label.\($0.key):\($0.value)" }
                + (view.facts.type.map { ["type:\($0.text)"] } ?? [])
        }
        var here: [String: Int] = [:]
        for view in views { for trait in traits(view) { here[trait, default: 0] += 1 } }
        here = here.filter { $0.value > 1 }
        guard !here.isEmpty else { return [:] }
        var all: [String: Int] = [:]
        for position in snapshot.records.indices {
            let view = AgentView(record: snapshot.records[position], vitals: snapshot.vitals[position])
            for trait in traits(view) where here[trait] != nil { all[trait, default: 0] += 1 }
        }
        let complete = here.filter { all[$0.key] == $0.value }
        let sorted = complete.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        return Dictionary(uniqueKeysWithValues: sorted.prefix(Self.shownWhole).map { ($0.key, $0.value) })
    }

    private func digest(_ able: [Able], _ order: CommandOrder, _ snapshot: FleetSnapshot) -> String {
        var hash = SHA256()
        for able in able {
            hash.update(data: snapshot.records[able.position].uid.data)
            if let mark = able.edit?.mark { hash.update(data: Data(mark.utf8)) }
        }
        hash.update(data: Data("\(order.command) \(order.parameters.json.text)".utf8))
        return hex(hash.finalize().prefix(16))
    }

    /// The targets in the order of their uids; those that were named and are not meant are skipped.
    private func take(
        _ able: [Able], _ named: [InstanceUID]?, _ reasons: [InstanceUID: String], _ snapshot: FleetSnapshot,
        _ meaning: inout OperationMeaning
    ) {
        let edits = Dictionary(uniqueKeysWithValues: able.map { (snapshot.records[$0.position].uid, $0.edit) })
        var offers = OperationOffers()
        var places: [ContentHash: Int] = [:]
        for uid in named ?? able.map({ snapshot.records[$0.position].uid }) {
            var target = OpenOperation.Target(uid: uid)
            if edits[uid] == nil {
                (target.state, target.reason) = (.skipped, reasons[uid] ?? "the filter does not match it any more")
            }
            meaning.targets.append(target)
            guard let edit = edits[uid] ?? nil else {
                offers.places.append(-1)
                offers.revisions.append(0)
                continue
            }
            if places[edit.hash] == nil {
                places[edit.hash] = offers.contents.count
                offers.contents.append(.init(hash: edit.hash, files: edit.files))
                meaning.bodies[edit.hash.hex] = edit.body
            }
            offers.places.append(places[edit.hash] ?? -1)
            offers.revisions.append(edit.revision)
        }
        if !offers.contents.isEmpty { meaning.offers = offers }
    }

    // MARK: - Configurations

    /// The configuration that one agent would be offered.
    private struct Edit {
        /// What is the same for agents whose change looks alike.
        struct Key: Hashable {
            let file: String
            let base: String
            let before: String
            let after: String

            /// Secrets masked.
            var change: ConfigChange {
                var change = ConfigChange()
                (change.file, change.base) = (file, base)
                (change.before, change.after) = (SecretMask.masked(before), SecretMask.masked(after))
                change.isHidden = before != after && change.before == change.after
                return change
            }
        }

        let key: Key
        let hash: ContentHash
        let files: [ConfigRevision.File]
        let body: [UInt8]
        /// The revision that it was made from; 0: none was desired.
        var revision: Int

        /// Another one means that it was made from something else, or comes to something else.
        var mark: String { "\(revision).\(hash.hex.prefix(16))" }
    }

    /// Those agents whose configuration can be changed as asked, each with what comes of it; no more than `limit`.
    private func edited(
        _ able: [Able], by edit: ConfigEdit, limit: Int?, _ snapshot: FleetSnapshot,
        exclude: (Int, String) -> Void
    ) async throws(Problem) -> [Able] {
        let limit = min(limit ?? .max, OperationRequest.agentLimit + 1)
        var cache: [String: Result<Edit, ConfigEdit.Refusal>] = [:]
        var kept: [Able] = []
        for able in able where kept.count < limit {
            let record = snapshot.records[able.position]
            let desired = record.decisions.config.desired
            let base = desired == nil ? record.facts.configHash == nil ? "nothing" : "effective" : "desired"
            let hash = desired?.hash.hex ?? record.facts.configHash ?? ""
            let key = "\(base) \(hash)"
            if cache[key] == nil { cache[key] = try await edited(hash, base, by: edit) }
            switch cache[key] {
            case .success(var change)?:
                change.revision = desired?.revision ?? 0
                kept.append(Able(position: able.position, edit: change))
            case .failure(let refusal)?: exclude(able.position, refusal.why)
            case nil: break
            }
        }
        guard kept.count <= OperationRequest.agentLimit else {
            throw .badRequest(
                field: "filter",
                "configurations of at most \(OperationRequest.agentLimit) agents change at one time; narrow the filter, "
                    + "or give a limit")
        }
        return kept
    }

    /// What comes of the content with this hash; none of it when the hash is empty.
    private func edited(
        _ hash: String, _ base: String, by edit: ConfigEdit
    ) async throws(Problem) -> Result<Edit, ConfigEdit.Refusal> {
        let map =
            try await reading {
                try await self.content(hash).map { try EffectiveConfig(serializedBytes: $0).configMap }
            } ?? AgentConfigMap()
        do throws(ConfigEdit.Refusal) {
            let changed = try edit.applied(to: map)
            return .success(
                Edit(
                    key: .init(file: changed.file, base: base, before: changed.before, after: changed.after),
                    hash: changed.map.offerHash, files: changed.map.listed, body: Self.body(of: changed.map),
                    revision: 0))
        } catch { return .failure(error) }
    }
}
