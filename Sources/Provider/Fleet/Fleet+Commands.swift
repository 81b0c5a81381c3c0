package import FleetAPI
import JSON
import OpAMP
import Synchronization

extension Fleet {
    /// Queues a command for one agent.
    ///
    /// - Returns: once the command is on disk; with a key used before for the same request, the command of then.
    /// - Throws: 400 for wrong parameters, 404 for an unknown agent, 409 when it cannot take the command or a restart is
    ///   open already, 422 for a key used for another request.
    package func queue(
        _ request: CommandRequest, for reference: String, caller: Caller, idempotencyKey: String?
    ) async throws(Problem) -> Command {
        try await notingRefusal(of: "queue", auditTarget(reference), detail: request.command, by: caller) {
            () async throws(Problem) -> Command in
            try await queueUnlessRefused(request, for: reference, caller: caller, idempotencyKey: idempotencyKey)
        }
    }

    private func queueUnlessRefused(
        _ request: CommandRequest, for reference: String, caller: Caller, idempotencyKey: String?
    ) async throws(Problem) -> Command {
        let digest = request.json.text + " " + reference
        let key = idempotencyKey.map { IdempotencyKey(caller: caller.name, key: $0) }
        try reserve(key)
        defer { release(key) }
        if let key, let earlier = try await earlier(key, digest) { return try await command(earlier, wait: .zero) }
        let kind = try state.withLock { $0.catalogue }.named(request.command)
        let parameters = try kind.check(request.parameters)
        try checkRange(request.expiresSeconds, CommandRequest.expiresSecondsAllowed, "expires_seconds")
        try checkRange(request.confirmSeconds, CommandRequest.confirmSecondsAllowed, "confirm_seconds")
        let view = try view(reference)

        var order = CommandOrder(kind, parameters, caller: caller)
        order.take(expiresSeconds: request.expiresSeconds, confirmSeconds: request.confirmSeconds)
        let now = Moment.now()
        let open = order.command(id: Self.newID(), for: view.record, view.vitals, at: now)
        let isAcknowledged = request.acknowledgeKnownDefect ?? false
        try await file(open, kind, acknowledged: isAcknowledged, key: key, digest: digest, now)

        let later = Moment.now()
        state.withLock { state in
            var effects = FleetState.Effects()
            state.push(to: view.record.uid, at: later, &effects)
            commit(effects)
        }
        return try await command(open.command.id, wait: .zero)
    }

    /// Checks what may have changed, files the command, and waits until it is on disk.
    private func file(
        _ command: OpenCommand, _ kind: CommandKind, acknowledged: Bool, key: IdempotencyKey?, digest: String,
        _ now: Moment
    ) async throws(Problem) {
        let id = command.command.id
        let refusal: Problem? = await withCheckedContinuation { continuation in
            let refusal = state.withLock { state -> Problem? in
                if let refusal = state.refusal(of: command.command, kind, acknowledged: acknowledged) { return refusal }
                var open = command
                open.isUnwritten = true
                var effects = FleetState.Effects()
                state.queue(open, at: now, &effects)
                let caller = Caller(
                    name: open.command.requestedBy ?? "", address: open.command.requestedFrom ?? "")
                effects.audit(
                    caller, "queue", open.command.instanceUID, detail: "\(open.command.command) \(id)", at: now)
                if let key {
                    effects.changes.append(
                        .idempotency(
                            caller: key.caller, key: key.key, request: digest, command: id,
                            at: store.keyTime(at: now))
                    )
                }
                commit(effects) { [self] isWritten in
                    self.state.withLock { state in
                        if isWritten { state.written(id) } else { state.drop(id) }
                    }
                    guard !isWritten else { return continuation.resume(returning: nil) }
                    continuation.resume(returning: notStored("the command was not queued"))
                }
                return nil
            }
            if let refusal { continuation.resume(returning: refusal) }
        }
        if let refusal { throw refusal }
    }

    /// Takes a key for a request that is under way, so that the same one cannot be carried out beside it.
    func reserve(_ key: IdempotencyKey?) throws(Problem) {
        guard let key, !state.withLock({ $0.keysInFlight.insert(key).inserted }) else { return }
        throw Problem(409, "Being queued", detail: "a request with this Idempotency-Key is under way; repeat it")
    }

    func release(_ key: IdempotencyKey?) {
        if let key { state.withLock { _ = $0.keysInFlight.remove(key) } }
    }

    /// The id of what this key stands for already.
    func earlier(_ key: IdempotencyKey, _ digest: String) async throws(Problem) -> String? {
        let since = store.keyTime(at: .now()) - Retention.keyTime
        guard
            let earlier = try await reading({
                try await self.store.idempotent(caller: key.caller, key: key.key, since: since)
            })
        else { return nil }
        guard earlier.request == digest else {
            var problem = Problem(
                422, "Idempotency key used", detail: "this Idempotency-Key was used for another request; use a new one"
            )
            (problem.field, problem.value) = ("Idempotency-Key", key.key)
            throw problem
        }
        return earlier.command
    }

    func checkRange(_ value: Int?, _ allowed: ClosedRange<Int>, _ field: String) throws(Problem) {
        guard let value, !allowed.contains(value) else { return }
        var problem = Problem(
            400, "Out of range", detail: "\(field) must be \(allowed.lowerBound) to \(allowed.upperBound) seconds"
        )
        (problem.field, problem.value) = (field, String(value))
        throw problem
    }

    // MARK: - Reading

    /// One command; waits until it is final or `wait` is over. Cancelling the task ends the wait, not the command.
    ///
    /// - Throws: 404 for an unknown id.
    package func command(_ id: String, wait: Duration) async throws(Problem) -> Command {
        if wait > .zero { await waitUntilFinal(id, atMost: wait) }
        guard let open = try await stored(id) else {
            var problem = Problem(404, "No such command", detail: "there is no command with this id")
            (problem.field, problem.value) = ("id", id)
            throw problem
        }
        return shown([open])[0]
    }

    /// Commands, newest first.
    ///
    /// - Throws: 404 or 409 for a reference that does not mean one agent, 400 for a wrong cursor.
    package func commands(
        agent reference: String?, state: CommandState?, operation: String? = nil, limit: Int, cursor: String?
    ) async throws(Problem) -> CommandPage {
        let uid = try reference.map { reference throws(Problem) in try view(reference).record.uid }
        if let cursor, try await stored(cursor) == nil { throw Cursor.invalid(cursor) }
        let found = try await reading {
            try await self.store.commands(of: uid, state: state, operation: operation, limit: limit + 1, after: cursor)
        }
        var page = CommandPage()
        page.commands = shown(Array(found.commands.prefix(limit)))
        (page.matched, page.asOf) = (found.matched, Moment.now().wall)
        if found.commands.count > limit { page.next = page.commands.last?.id }
        return page
    }

    /// Withdraws a command that is still queued.
    ///
    /// - Throws: 404 for an unknown id, 409 when it was handed over or has ended.
    package func cancel(_ id: String, caller: Caller) async throws(Problem) -> Command {
        try await notingRefusal(of: "cancel", id, by: caller) { () async throws(Problem) -> Command in
            try await cancelUnlessRefused(id, caller: caller)
        }
    }

    private func cancelUnlessRefused(_ id: String, caller: Caller) async throws(Problem) -> Command {
        let now = Moment.now()
        let reason = "withdrawn by \(caller.name)"
        // Whether it was written; nil when it is not queued.
        let isWritten: Bool? = await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                var effects = FleetState.Effects()
                let open = state.cancel(id, reason: reason, at: now, &effects)
                guard open?.command.state == .cancelled, !effects.changes.isEmpty else { return false }
                effects.audit(caller, "cancel", id, at: now)
                commit(effects) { continuation.resume(returning: $0) }
                return true
            }
            if !isOpen { continuation.resume(returning: nil) }
        }
        if isWritten == false { throw notStored("the command is still queued") }
        let command = try await command(id, wait: .zero)
        guard isWritten == nil else { return command }
        var problem = Problem(
            409, "Not queued any more",
            detail: "the command is \(command.state.rawValue); only a queued one can be "
                + "withdrawn"
        )
        problem.commandID = id
        throw problem
    }

    /// What can be sent, with the number of agents that take it now; with a reference only what that agent takes.
    package func commandTypes(agent reference: String?) throws(Problem) -> CommandTypes {
        let facts: [AgentFacts] =
            if let reference { [try view(reference).facts] } else { snapshot.records.map(\.facts) }
        var types = CommandTypes()
        let catalogue = state.withLock { $0.catalogue }
        types.total = facts.count
        types.definitionErrors = catalogue.errors
        types.commandTypes = catalogue.kinds.map { kind in
            var type = FleetAPI.CommandType()
            (type.name, type.description, type.proof) = (kind.name, kind.description, kind.proof)
            (type.title, type.messageType) = (kind.definition?.title, kind.definition?.messageType)
            (type.capability, type.parameters) = (kind.needed([:]), kind.schema)
            type.agents = facts.count { kind.isOffered(by: $0) }
            return type
        }
        if reference != nil { types.commandTypes.removeAll { $0.agents == 0 } }
        return types
    }

    /// Forgets an agent.
    ///
    /// - Throws: 409 while it is connected or blocked.
    package func forget(_ reference: String, caller: Caller) async throws(Problem) {
        try await notingRefusal(of: "forget", auditTarget(reference), by: caller) { () async throws(Problem) in
            try await forgetUnlessRefused(reference, caller: caller)
        }
    }

    private func forgetUnlessRefused(_ reference: String, caller: Caller) async throws(Problem) {
        let view = try view(reference)
        guard view.record.decisions.admission != .blocked else {
            throw Problem(409, "Agent blocked", detail: "a blocked agent is not forgotten; unblock it first")
        }
        let now = Moment.now()
        // Whether it was written; nil when it is connected.
        let isWritten: Bool? = await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                guard let position = state.position(of: view.record.uid),
                    state.vitals[position].status != .connected,
                    state.records[position].decisions.admission != .blocked
                else { return false }
                let forgotten = state.everything(of: position)
                var effects = FleetState.Effects()
                state.forget(position, keepsTokens: false, at: now, &effects)
                effects.audit(caller, "forget", view.record.uid.description, at: now)
                commit(effects) { [self] isWritten in
                    if !isWritten {
                        self.state.withLock { state in
                            var effects = FleetState.Effects()
                            state.bringBack(forgotten, at: now, &effects)
                            commit(effects)
                        }
                    }
                    continuation.resume(returning: isWritten)
                }
                return true
            }
            if !isDone { continuation.resume(returning: nil) }
        }
        if isWritten == false { throw notStored("the agent was not forgotten") }
        guard isWritten == nil else { return }
        throw Problem(409, "Agent connected", detail: "a connected agent cannot be forgotten; stop it first")
    }

    // MARK: - Parts

    func stored(_ id: String) async throws(Problem) -> OpenCommand? {
        if let open = state.withLock({ $0.commands[id] }) {
            // Nobody is told of a state that a crash could take back.
            await store.settled()
            return open
        }
        return try await reading { try await self.store.command(id) }
    }

    /// Returns when the command or operation has ended, or `limit` is over.
    func waitUntilFinal(_ id: String, atMost limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await Task.sleep(for: limit) }
            group.addTask {
                while !Task.isCancelled, !self.isFinal(id) {
                    await self.waits.wait(for: id) { self.isFinal(id) }
                }
            }
            await group.next()
            group.cancelAll()
        }
    }

    /// Whether nothing more is expected of a command or operation; those not in memory have ended.
    private func isFinal(_ id: String) -> Bool {
        state.withLock { $0.commands[id]?.command.state.isFinal ?? $0.operations[id]?.isSettled ?? true }
    }

    /// Commands with what is known of their agents now.
    private func shown(_ commands: [OpenCommand]) -> [Command] {
        let now = Moment.now()
        return state.withLock { state in
            commands.map { open in
                var command = open.command
                command.asOf = now.wall
                guard let uid = InstanceUID(command.instanceUID), let position = state.position(of: uid) else {
                    command.shortID = String(command.instanceUID.suffix(AgentIndex.shortestSuffix))
                    return command
                }
                let vitals = state.vitals[position]
                command.shortID = state.index.shortID(of: state.records[position].uid, in: state.records)
                command.host = state.records[position].facts.host?.text ?? command.host
                command.agentStatus = vitals.status
                command.peerNote = PeerNote.about(state.records[position].facts)
                command.agentLastSeen = vitals.lastSeen.wall
                if vitals.status == .connected, vitals.isPolling {
                    let silent = Duration.nanoseconds(now.monotonic - vitals.lastSeen.monotonic)
                    command.nextReportSeconds = Int(max(.zero, vitals.expectedInterval - silent).components.seconds)
                }
                return command
            }
        }
    }

    static func newID() -> String {
        var random = SystemRandomNumberGenerator()
        return InstanceUID(high: random.next(), low: random.next()).description
    }
}

/// A caller's own name for a request, so that it can repeat it safely.
struct IdempotencyKey: Hashable, Sendable {
    let caller: String
    let key: String
}

extension CommandKind {
    /// Whether an agent takes such commands at all; of raw custom messages any that declares a capability.
    fileprivate func isOffered(by facts: AgentFacts) -> Bool {
        requirement == .customParameter ? !facts.customCapabilities.isEmpty : isTaken(by: facts, [:])
    }
}
