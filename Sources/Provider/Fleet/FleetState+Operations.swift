import FleetAPI
import OpAMP

// How commands for many agents go out, a few at a time.
extension FleetState {
    /// The most operations that run at one time.
    static let operationLimit = 20
    /// The most commands queued in one step: what is left goes on with the next message or second.
    private static let operationStep = 100
    /// How long after a start operations wait for their agents to come back.
    static let operationPause = Duration.seconds(5)

    /// Files an operation; its first commands go out with the next `advanceOperations`.
    mutating func start(_ operation: OpenOperation, _ effects: inout Effects) {
        operations[operation.id] = operation
        operationsDue.insert(operation.id)
        effects.changes.append(.operation(operation.withoutTargets))
        effects.changes.append(.operationTargets(operation.id, operation.targets.map(\.uid)))
        for (place, target) in operation.targets.enumerated() where target.state != .waiting {
            effects.changes.append(
                .operationTarget(operation.id, place, target.state, command: nil, reason: target.reason))
        }
    }

    /// Goes on with the operations of which a command has changed.
    mutating func advanceOperations(at now: Moment, _ effects: inout Effects) {
        guard !operationsDue.isEmpty, now.monotonic >= operationsPausedUntil else { return }
        let due = operationsDue.sorted()
        operationsDue = []
        for id in due where operations[id]?.isHeld == false { advance(id, at: now, &effects) }
    }

    /// Ends an operation: what is queued is withdrawn, what waits is never sent, what is sent goes on.
    mutating func end(
        _ id: String, _ state: OperationState, _ reason: String, at now: Moment, _ effects: inout Effects
    ) {
        operations[id]?.end(state, reason, at: now)
        effects.steps.append(.end(operation: id))
        withdrawQueued(id, reason, at: now, &effects)
        close(id, &effects)
    }

    /// Notes in its operation, if it has one, what became of a command.
    mutating func noteInOperation(_ open: OpenCommand, _ effects: inout Effects) {
        guard let id = open.command.operation, let target = open.operationTarget else { return }
        let state = TargetState(open.command.state)
        effects.changes.append(.operationTarget(id, target, state, command: InstanceUID(open.command.id), reason: nil))
        guard operations[id] != nil else { return }
        operations[id]?.note(state, of: target, commandID: InstanceUID(open.command.id))
        operationsDue.insert(id)
    }

    private mutating func advance(_ id: String, at now: Moment, _ effects: inout Effects) {
        var steps = 0
        while steps < Self.operationStep, let target = nextTarget(id) {
            steps += 1
            queue(target, of: id, at: now, &effects)
        }
        guard var operation = operations[id] else { return }
        if steps < Self.operationStep { operationsDue.remove(id) } else { operationsDue.insert(id) }
        let hasEnded = operation.checkEnd(at: now)
        guard hasEnded || operation.isSettled else { return }
        operations[id] = operation
        if hasEnded, let reason = operation.reason { withdrawQueued(id, reason, at: now, &effects) }
        close(id, &effects)
    }

    private mutating func nextTarget(_ id: String) -> Int? {
        // Taken out, so that asking about agents does not copy its targets.
        guard var operation = operations.removeValue(forKey: id) else { return nil }
        let next = operation.next { uid in position(of: uid).map { vitals[$0].status == .connected } ?? false }
        operations[id] = operation
        return next
    }

    /// Queues the command for one target, or skips it with the reason.
    private mutating func queue(_ target: Int, of id: String, at now: Moment, _ effects: inout Effects) {
        guard let order = operations[id]?.order, let uid = operations[id]?.targets[target].uid else { return }
        guard let position = position(of: uid) else {
            return skip(target, of: id, "the agent has been forgotten", &effects)
        }
        let offer = operations[id]?.offers?.request(for: target)
        var random = SystemRandomNumberGenerator()
        let commandID = InstanceUID(high: random.next(), low: random.next()).description
        if let offer {
            return self.offer(offer, order, commandID, to: position, for: target, of: id, at: now, &effects)
        }
        var open = order.command(id: commandID, for: records[position], vitals[position], at: now)
        (open.command.operation, open.operationTarget) = (id, target)
        guard let kind = open.kind else {
            return skip(target, of: id, "there is no command \(order.command) any more", &effects)
        }
        if let refusal = refusal(of: open.command, kind, acknowledged: order.acknowledgesDefect) {
            return skip(target, of: id, refusal.detail, &effects)
        }
        queue(open, at: now, &effects)
        noteInOperation(open, &effects)
        push(to: records[position].uid, at: now, &effects)
    }

    /// Offers one target its configuration, or skips it with the reason.
    private mutating func offer(
        _ offer: OfferRequest, _ order: CommandOrder, _ commandID: String, to position: Int, for target: Int,
        of id: String, at now: Moment, _ effects: inout Effects
    ) {
        let uid = records[position].uid
        var offer = offer
        offer.operation = (id, target)
        offer.auditText = "for operation \(id)"
        // One that stays away holds a place: it is not waited for as long as a single offer waits.
        (offer.expiresSeconds, offer.confirmSeconds) = (
            order.expiresSeconds ?? CommandOrder.defaultExpiry, order.confirmSeconds
        )
        let caller = Caller(name: order.requestedBy ?? "", address: order.requestedFrom ?? "")
        switch decide(offer, for: uid, id: commandID, caller: caller, at: now, &effects) {
        case .failure(let problem): skip(target, of: id, problem.detail, &effects)
        case .success(let earlier?):
            skip(target, of: id, "it has this configuration, or is about to get it, by command \(earlier)", &effects)
        case .success(nil):
            if let open = commands[commandID] { noteInOperation(open, &effects) }
            push(to: uid, at: now, &effects)
        }
    }

    private mutating func skip(_ target: Int, of id: String, _ reason: String, _ effects: inout Effects) {
        operations[id]?.note(.skipped, of: target, reason: reason)
        effects.changes.append(.operationTarget(id, target, .skipped, command: nil, reason: reason))
    }

    private mutating func withdrawQueued(_ id: String, _ reason: String, at now: Moment, _ effects: inout Effects) {
        let queued = (operations[id]?.targets ?? []).filter { $0.state == .queued }
        for target in queued {
            guard let commandID = target.commandID else { continue }
            _ = cancel(commandID.description, reason: "its operation was ended: \(reason)", at: now, &effects)
        }
    }

    /// Writes an operation that has ended, and lets go of it once nothing of it is under way.
    private mutating func close(_ id: String, _ effects: inout Effects) {
        guard let operation = operations[id] else { return }
        effects.changes.append(.operation(operation.withoutTargets))
        effects.touched.append(id)
        if operation.isSettled { operationsDue.remove(id) }
    }
}
