import FleetAPI
import JSON
import OpAMP
import SwiftProtobuf

// Configurations of agents, as people see and change them.
extension Fleet {
    /// What an agent runs on, what is desired, and what it said of that.
    ///
    /// - Parameter isUnmasked: whether secrets are shown.
    /// - Throws: 404 or 409 for a reference that does not mean one agent.
    func config(
        _ reference: String, _ parts: Set<AgentConfig.Part>, isUnmasked: Bool = false
    ) async throws(Problem) -> AgentConfig {
        let view = try view(reference)
        let (facts, offering) = (view.facts, view.record.decisions.config)
        var config = AgentConfig()
        let agent = shown([view])[0]
        (config.instanceUID, config.shortID, config.host) = (agent.instanceUID, agent.shortID, agent.host)
        config.asOf = Moment.now().wall
        if parts.contains(.effective), let hash = facts.configHash {
            var effective = AgentConfig.Effective()
            (effective.hash, effective.changedAt) = (hash, facts.configChangedAt)
            effective.files = try await files(hash, isUnmasked)
            config.effective = effective
        }
        if parts.contains(.desired), let offer = offering.desired {
            var desired = AgentConfig.Desired()
            (desired.revision, desired.hash, desired.state) = (offer.revision, offer.hash.hex, offer.state)
            (desired.error, desired.commandID) = (offer.error, offer.commandID)
            (desired.requestedBy, desired.requestedFrom) = (offer.requestedBy, offer.requestedFrom)
            desired.requestedAt = offer.requestedAt
            desired.files = try await files(desired.hash, isUnmasked)
            config.desired = desired
        }
        if parts.contains(.reported), let status = facts.configStatus {
            var reported = AgentConfig.Reported()
            (reported.status, reported.error) = (status, facts.configError)
            reported.hash = facts.reportedConfig.isEmpty ? nil : facts.reportedConfig.hex
            config.reported = reported
        }
        if let desired = offering.desired { config.drift = view.drift?.text(facts, desired) }
        return config
    }

    /// The number of the revision that is desired of an agent; 0 when nothing is.
    func desiredRevision(_ reference: String) throws(Problem) -> Int {
        try view(reference).record.decisions.config.desired?.revision ?? 0
    }

    /// Makes these files the desired configuration of an agent and offers them.
    ///
    /// - Throws: 400 and 422 for files that cannot be offered; see `offer` and `once`.
    func offerConfig(
        _ request: ConfigRequest, to reference: String, ifMatch: IfMatch?, caller: Caller, idempotencyKey: String? = nil
    ) async throws(Problem) -> Command {
        let act = OfferAct(
            verb: "offer", what: CommandKind.config.name, agent: reference, body: request.json, caller: caller,
            idempotencyKey: idempotencyKey)
        return try await once(act) { repeatable async throws(Problem) -> Command in
            var offer = try Self.offer(request)
            (offer.ifMatch, offer.repeatable) = (ifMatch, repeatable)
            return try await self.offer(offer, to: try view(reference).record.uid, caller: caller)
        }
    }

    private static func offer(_ request: ConfigRequest) throws(Problem) -> OfferRequest {
        let map = try AgentConfigMap(request.files)
        guard !map.configMap.isEmpty || request.stopAgent else {
            throw .badRequest(
                field: "files",
                "no file at all takes the configuration from the agent, which ends its work; "
                    + "add \"stop_agent\":true if that is meant"
            )
        }
        guard map.configMap.isEmpty || !request.stopAgent else {
            throw .badRequest(field: "stop_agent", "stop_agent goes with no file at all; leave it out, or the files")
        }
        var revision = ConfigRevision()
        revision.files = map.listed
        var offer = OfferRequest(
            kind: .config, command: .config, hash: map.offerHash, body: body(of: map), revision: revision
        )
        offer.parameters = ["files": .object(.init(map.listed.map { (key: $0.name, value: .integer($0.bytes)) }))]
        (offer.expiresSeconds, offer.confirmSeconds) = (request.expiresSeconds, request.confirmSeconds)
        offer.auditText = map.listed.audited
        return offer
    }

    /// Makes the content of an earlier revision the desired configuration again, as a new revision.
    ///
    /// - Throws: 404 for a revision that is not there, 409 where none was applied before the present one; see `offer`
    ///   and `once`.
    func rollBack(
        _ request: RollbackRequest, of reference: String, ifMatch: IfMatch?, caller: Caller,
        idempotencyKey: String? = nil
    ) async throws(Problem) -> Command {
        let act = OfferAct(
            verb: "roll_back", what: CommandKind.config.name, agent: reference, body: request.json, caller: caller,
            idempotencyKey: idempotencyKey)
        return try await once(act) { repeatable async throws(Problem) -> Command in
            let record = try view(reference).record
            var offer = try await offerBack(request, of: record)
            (offer.ifMatch, offer.repeatable) = (ifMatch, repeatable)
            return try await self.offer(offer, to: record.uid, caller: caller)
        }
    }

    private func offerBack(_ request: RollbackRequest, of record: AgentRecord) async throws(Problem) -> OfferRequest {
        let (uid, offering) = (record.uid, record.decisions.config)
        let target: ConfigRevision
        if let number = request.revision {
            target = try await stored(number, of: uid)
        } else {
            let present = offering.desired
            let before = present?.revision ?? offering.newest + 1
            let found = try await reading {
                try await self.store.lastApplied(before: before, otherThan: present?.hash.hex ?? "", of: uid)
            }
            guard let found else {
                throw Problem(
                    409, "Nothing to go back to",
                    detail: "no other revision was applied before the present one; name one with \"revision\""
                )
            }
            target = found
        }
        var revision = ConfigRevision()
        (revision.files, revision.rolledBackTo) = (target.files, target.revision)
        var offer = OfferRequest(
            kind: .config, command: .config, hash: try ContentHash(target), body: nil, revision: revision
        )
        offer.parameters = [
            "rolled_back_to": .integer(target.revision),
            "files": .object(.init(target.files.map { (key: $0.name, value: .integer($0.bytes)) })),
        ]
        (offer.expiresSeconds, offer.confirmSeconds) = (request.expiresSeconds, request.confirmSeconds)
        offer.auditText = "rolled back to revision \(target.revision), \(target.files.audited)"
        return offer
    }

    /// Offers the desired configuration again after it failed, or remained without proof.
    ///
    /// - Throws: 409 when it did not; see `offer` and `once`.
    func retryConfig(
        _ request: RetryRequest, of reference: String, ifMatch: IfMatch?, caller: Caller, idempotencyKey: String? = nil
    ) async throws(Problem) -> Command {
        let act = OfferAct(
            verb: "retry", what: CommandKind.config.name, agent: reference, body: request.json, caller: caller,
            idempotencyKey: idempotencyKey)
        return try await once(act) { repeatable async throws(Problem) -> Command in
            let record = try view(reference).record
            guard let present = record.decisions.config.desired else {
                throw Problem(409, "Nothing to retry", detail: "no configuration is desired of this agent")
            }
            var offer = OfferRequest(
                kind: .config, command: .config, hash: present.hash, body: nil, revision: ConfigRevision()
            )
            (offer.isRetry, offer.ifMatch, offer.repeatable) = (true, ifMatch, repeatable)
            (offer.expiresSeconds, offer.confirmSeconds) = (request.expiresSeconds, request.confirmSeconds)
            return try await self.offer(offer, to: record.uid, caller: caller)
        }
    }

    // MARK: - Revisions

    /// The configurations that were offered to an agent, newest first.
    ///
    /// - Throws: 400 for a cursor that is none.
    func revisions(_ reference: String, limit: Int, cursor: String?) async throws(Problem) -> ConfigRevisionPage {
        let uid = try view(reference).record.uid
        var before: Int?
        if let cursor {
            guard let number = Int(cursor), number > 0 else { throw Cursor.invalid(cursor) }
            before = number
        }
        let found = try await reading { [before] in
            try await self.store.revisions(of: uid, .config, before: before, limit: limit + 1)
        }
        var page = ConfigRevisionPage()
        page.revisions = Array(found.revisions.prefix(limit))
        (page.matched, page.asOf) = (found.matched, Moment.now().wall)
        if found.revisions.count > limit { page.next = page.revisions.last.map { String($0.revision) } }
        return page
    }

    /// One configuration that was offered to an agent, with its contents.
    ///
    /// - Throws: 404 where it never was, or is no longer kept.
    func revision(
        _ number: Int, of reference: String, isUnmasked: Bool = false
    ) async throws(Problem) -> ConfigRevision {
        var revision = try await stored(number, of: try view(reference).record.uid)
        revision.contents = try await files(revision.hash, isUnmasked)
        return revision
    }

    private func stored(_ number: Int, of uid: InstanceUID) async throws(Problem) -> ConfigRevision {
        if let found = try await reading({ try await self.store.revision(number, of: uid, .config) }) { return found }
        throw .refused(
            404, "No such revision", field: "revision", value: String(number),
            "the agent has no revision \(number), or it is no longer kept: the last \(Store.revisionLimit) are"
        )
    }

    /// The files of the content with this hash; none where the content is not kept.
    private func files(_ hash: String, _ isUnmasked: Bool) async throws(Problem) -> [String: ConfigFile] {
        let body = try await reading { try await self.content(hash) }
        return try await reading {
            try body.map { try EffectiveConfig(serializedBytes: $0).configMap.told(isUnmasked: isUnmasked) } ?? [:]
        }
    }

    /// The stored content with this hash; nil where it is not kept.
    func content(_ hash: String) async throws -> [UInt8]? {
        if hash.isEmpty { return nil }
        if let body = try await store.config(hash) { return body }
        // What has just been reported may wait to be written.
        await store.settle()
        return try await store.config(hash)
    }

    /// As the store keeps it: in the message that effective configurations come in.
    static func body(of map: AgentConfigMap) -> [UInt8] {
        let message = EffectiveConfig.with { $0.configMap = map }
        // A message without required fields can always be written.
        return (try? message.serializedBytes()) ?? []
    }
}

extension [ConfigRevision.File] {
    /// Names and sizes, as the audit tells them.
    fileprivate var audited: String {
        if isEmpty { return "no files" }
        return map { "\($0.name.nonEmpty ?? "no name") (\($0.bytes) bytes)" }.joined(separator: ", ")
    }
}

extension ContentHash {
    /// - Throws: 503 for a stored hash that is none.
    fileprivate init(_ revision: ConfigRevision) throws(Problem) {
        do { try self.init(json: .string(revision.hash)) } catch {
            throw Problem(503, "Store unavailable", detail: "the hash of revision \(revision.revision) is damaged")
        }
    }
}
