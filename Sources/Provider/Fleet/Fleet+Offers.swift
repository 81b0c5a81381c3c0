import FleetAPI
import JSON
import Logging
import OpAMP
import SwiftProtobuf
import Synchronization

/// What a caller wants offered, and how.
struct OfferRequest: Sendable {
    let kind: OfferKind
    /// The command that carries it.
    let command: CommandKind
    let hash: ContentHash
    /// The content as the store keeps it; nil where it is there already.
    let body: [UInt8]?
    /// The revision without what is decided under the lock: its number, who asked for it and when.
    let revision: ConfigRevision
    /// What commands show of it beside hash and revision.
    var parameters: [String: JSON] = [:]
    /// The command whose capability the agent needs for the content; nil: that of `command`.
    var gate: CommandKind?
    var heartbeatSeconds: Int?
    /// Whether the endpoint in connection settings is the provider's own, and not one that a person gave.
    var isEndpointFilled = false
    /// The revision that the content was made from; nil: from none.
    var basedOn: Int?
    /// The revisions of which one must be the present one; nil: whichever it is.
    var ifMatch: IfMatch?
    var expiresSeconds: Int?
    var confirmSeconds: Int?
    /// Whether the present revision is offered again, which must have failed or be without proof.
    var isRetry = false
    /// The key under which the caller may repeat the request.
    var repeatable: RepeatableRequest?
    /// The operation that it is part of, and its place among the targets.
    var operation: (id: String, target: Int)?
    /// What the audit tells of it beside revision and hash.
    var auditText: String?

    /// As the audit calls it.
    var verb: String { isRetry ? "retry" : revision.rolledBackTo == nil ? "offer" : "roll_back" }
}

extension Fleet {
    private static let defaultConfirmSeconds = 60

    /// What came of asking for an offer.
    private enum Decision: Sendable {
        case refused(Problem)
        /// The agent has it, or the same offer is under way: the command of then stands for it.
        case same(commandID: String)
        case queued
    }

    /// Makes something the desired of an agent and offers it.
    ///
    /// - Returns: once it is on disk, the command that carries it; the one of then where the agent has it already or the
    ///   same offer is under way.
    /// - Throws: 404 for an unknown agent, 409 when it lacks the capability, 412 when another revision is the present
    ///   one, 507 when it could not be written.
    func offer(_ request: OfferRequest, to uid: InstanceUID, caller: Caller) async throws(Problem) -> Command {
        try check(request.expiresSeconds, CommandRequest.expiresSecondsAllowed, "expires_seconds")
        try check(request.confirmSeconds, CommandRequest.confirmSecondsAllowed, "confirm_seconds")
        let now = Moment.now()
        let id = newID()
        let decision: Decision = await withCheckedContinuation { continuation in
            let decision = state.withLock { state -> Decision? in
                var effects = FleetState.Effects()
                let decision = state.decide(request, for: uid, id: id, caller: caller, at: now, &effects)
                let earlier: String?
                switch decision {
                case .failure(let problem): return .refused(problem)
                case .success(let found): earlier = found
                }
                if let earlier, request.repeatable == nil {
                    commit(effects)
                    return .same(commandID: earlier)
                }
                commit(effects) { [self] isWritten in
                    if earlier == nil { self.state.withLock { isWritten ? $0.written(id) : $0.drop(id) } }
                    let done = earlier.map { Decision.same(commandID: $0) } ?? .queued
                    continuation.resume(returning: isWritten ? done : .refused(notStored("nothing is offered")))
                }
                return nil
            }
            if let decision { continuation.resume(returning: decision) }
        }
        switch decision {
        case .refused(let problem): throw problem
        case .same(let earlier): return try await command(earlier, wait: .zero)
        case .queued: break
        }
        let later = Moment.now()
        state.withLock { state in
            var effects = FleetState.Effects()
            state.push(to: uid, at: later, &effects)
            commit(effects)
        }
        return try await command(id, wait: .zero)
    }

    /// Withdraws what is desired of an agent: nothing is offered any more, and the agent keeps what it has.
    ///
    /// - Throws: 404 when the agent is unknown or nothing is desired of it, 412 when another revision is the present one.
    func withdraw(
        _ kind: OfferKind, from uid: InstanceUID, ifMatch: IfMatch?, caller: Caller
    ) async throws(Problem) {
        try await notingRefusal(of: "withdraw", uid.description, detail: kind.rawValue, by: caller) {
            () async throws(Problem) in
            try await withdraw(kind, from: uid, ifMatch: ifMatch, caller: caller, as: nil)
        }
    }

    /// The same without noting a refusal.
    ///
    /// - Parameter repeatable: the request whose key then stands for no command.
    func withdraw(
        _ kind: OfferKind, from uid: InstanceUID, ifMatch: IfMatch?, caller: Caller, as repeatable: RepeatableRequest?
    ) async throws(Problem) {
        let now = Moment.now()
        let problem: Problem? = await withCheckedContinuation { continuation in
            let problem = state.withLock { state -> Problem? in
                guard let position = state.position(of: uid) else { return .agentForgotten }
                let desired = state.records[position].decisions[kind].desired
                let present = desired?.revision ?? 0
                if let problem = ifMatch?.refusal(of: present) { return problem }
                guard let desired else {
                    return Problem(404, "Nothing desired", detail: "nothing of this kind is desired of the agent")
                }
                var effects = FleetState.Effects()
                let reason = "withdrawn by \(caller.name)"
                state.withdraw(kind, from: position, reason: reason, at: now, &effects)
                state.note("\(kind.rawValue)_withdrawn", position, "revision \(present), \(reason)", now, &effects)
                effects.audit(
                    caller, "withdraw", state.records[position].uid.description,
                    detail: "\(desired.command) \(desired.auditText)", at: now)
                if let repeatable { effects.changes.append(repeatable.standing(for: "")) }
                commit(effects) { [self] in
                    continuation.resume(returning: $0 ? nil : notStored("nothing was withdrawn"))
                }
                return nil
            }
            if let problem { continuation.resume(returning: problem) }
        }
        if let problem { throw problem }
    }

    // MARK: - Contents

    /// The message of a delivery with its content, read from the store.
    ///
    /// Called on the store's queue. Content that cannot be read is logged; its command is taken back.
    func complete(_ delivery: FleetState.Delivery) -> ServerToAgent? {
        guard let content = delivery.content else { return delivery.message }
        if let message = filled(delivery.message, with: [content]) { return message }
        state.withLock { $0.takeBack(delivery.commandID) }
        return nil
    }

    /// Completes the message of what is offered once more, on the store's queue: bare when it cannot be read.
    func read(_ reoffer: FleetState.Reoffer, then: @escaping @Sendable (ServerToAgent) -> Void) {
        store.soon { [self] in then(filled(reoffer.message, with: reoffer.contents) ?? reoffer.message) }
    }

    /// The message with contents of the store in it; nil when one cannot be read.
    private func filled(_ message: ServerToAgent, with contents: [OfferedContent]) -> ServerToAgent? {
        var message = message
        for content in contents {
            do {
                guard let body = try store.config(content.hash.hex) else {
                    throw StoreError(.database, "there is no content with hash \(content.hash.hex)")
                }
                switch content.kind {
                case .config:
                    message.remoteConfig.config = try EffectiveConfig(serializedBytes: body).configMap
                    message.remoteConfig.configHash = content.hash.data
                case .settings:
                    message.connectionSettings.opamp = try OpAMPConnectionSettings(serializedBytes: body)
                    message.connectionSettings.hash = content.hash.data
                }
            } catch {
                logger.error("an offer could not be read", metadata: ["reason": "\(error)"])
                return nil
            }
        }
        return message
    }

    func check(_ value: Int?, _ allowed: ClosedRange<Int>, _ field: String) throws(Problem) {
        guard let value, !allowed.contains(value) else { return }
        throw .badRequest(
            field: field, value: String(value),
            "\(field) must be \(allowed.lowerBound) to \(allowed.upperBound) seconds"
        )
    }
}

extension FleetState {
    /// How long an offer waits for an agent that is away.
    private static let offerExpirySeconds = ConfigRequest.defaultExpirySeconds

    /// Decides on an offer that is asked for, and files it.
    ///
    /// - Returns: nil when it is queued, else the id of the command that stands for it already.
    mutating func decide(
        _ request: OfferRequest, for uid: InstanceUID, id: String, caller: Caller, at now: Moment,
        _ effects: inout Effects
    ) -> Result<String?, Problem> {
        guard let position = position(of: uid) else { return .failure(.agentForgotten) }
        let record = records[position]
        let offering = record.decisions[request.kind]
        let present = offering.desired
        if let problem = request.ifMatch?.refusal(of: present?.revision ?? 0) { return .failure(problem) }
        if let revision = request.basedOn, revision != present?.revision ?? 0 {
            return .failure(Problem(409, "Changed meanwhile", detail: "somebody else changed it just now; repeat it"))
        }
        func same(_ present: Offer) -> Result<String?, Problem> {
            let text = "\(request.command.name) \(present.auditText), command \(present.commandID)"
            effects.audit(
                caller, request.verb, record.uid.description, outcome: AuditEntry.nothingToDo, detail: text, at: now)
            if let repeatable = request.repeatable {
                effects.changes.append(repeatable.standing(for: present.commandID))
            }
            return .success(present.commandID)
        }
        if request.isRetry {
            guard let present, present.hash == request.hash, present.state == .failed || present.state == .unconfirmed
            else {
                let state = present.map { "revision \($0.revision) is \($0.state.rawValue)" } ?? "nothing is desired"
                return .failure(Problem(409, "Nothing to retry", detail: "\(state); only what failed is tried again"))
            }
        } else if let present, present.hash == request.hash {
            if present.isUnderWay { return same(present) }
            if present.state == .failed {
                return .failure(.alreadyFailed(present.revision, commandID: present.commandID))
            }
            let reported = record.facts.reported(request.kind)
            if present.state == .applied, reported.hash == present.hash { return same(present) }
        }

        var command = Command()
        (command.id, command.command, command.proof) = (id, request.command.name, request.command.proof)
        if !record.facts.capabilities.contains(request.kind.reporting) { command.proof = .nothing }
        (command.instanceUID, command.host) = (record.uid.description, record.facts.host?.text)
        (command.requestedBy, command.requestedFrom) = (caller.name, caller.address)
        command.queuedAt = now.wall
        let shortest = 3 * Int(vitals[position].expectedInterval.components.seconds)
        let expiry = max(request.expiresSeconds ?? Self.offerExpirySeconds, shortest)
        command.expiresAt = now.wall + .seconds(expiry)
        command.confirmSeconds = request.confirmSeconds ?? 60
        let gate = request.gate ?? request.command
        if let problem = refusal(of: command, gate) { return .failure(problem) }

        var revision = request.revision
        revision.revision = request.isRetry ? present?.revision ?? 0 : offering.newest + 1
        revision.hash = request.hash.hex
        (revision.requestedBy, revision.requestedFrom) = (caller.name, caller.address)
        (revision.requestedAt, revision.commandID) = (now.wall, id)
        command.parameters = request.parameters
        command.parameters["revision"] = .integer(revision.revision)
        command.parameters["hash"] = .string(revision.hash)

        var offer = Offer()
        (offer.revision, offer.hash) = (revision.revision, request.hash)
        (offer.command, offer.commandID) = (gate.name, id)
        (offer.requestedBy, offer.requestedFrom, offer.requestedAt) = (caller.name, caller.address, now.wall)
        offer.heartbeatSeconds = request.heartbeatSeconds
        offer.isEndpointFilled = request.isEndpointFilled

        if let body = request.body { effects.changes.append(.config(hash: revision.hash, body: body)) }
        if !request.isRetry {
            let spared = present?.state == .queued ? offering.fallback?.revision : present?.revision
            effects.changes.append(.revision(record.uid, request.kind, revision, sparing: spared))
        }
        var open = OpenCommand(command)
        // What an operation files goes out in the order it is written, as its other commands do.
        open.isUnwritten = request.operation == nil
        (open.command.operation, open.operationTarget) = (request.operation?.id, request.operation?.target)
        self.offer(offer, request.kind, by: open, to: position, at: now, &effects)
        let text = ["\(request.command.name) \(offer.auditText), command \(id)", request.auditText].compactMap(\.self)
        effects.audit(caller, request.verb, record.uid.description, detail: text.joined(separator: ", "), at: now)
        if let repeatable = request.repeatable { effects.changes.append(repeatable.standing(for: id)) }
        return .success(nil)
    }
}

extension Problem {
    static let agentForgotten = Problem(404, "No such agent", detail: "the agent has just been forgotten")

    static func alreadyFailed(_ revision: Int, commandID: String) -> Problem {
        var problem = Problem(
            409, "Failed before",
            detail: "this content failed as revision \(revision) and is not offered again by itself; "
                + "change it, or ask for it with retry"
        )
        problem.commandID = commandID
        return problem
    }
}
