import Crypto
package import FleetAPI
import Foundation
import JSON
import OpAMP
import Synchronization

extension Fleet {
    private static let shownExceptions = 20

    /// What an operation would do; changes nothing.
    ///
    /// - Throws: 400 for a wrong filter, command, parameter or limit.
    package func plan(_ request: OperationRequest, caller: Caller) async throws(Problem) -> OperationPlan {
        let (kind, order) = try order(request, caller)
        return try await meaning(of: request, kind, order).plan
    }

    /// Starts an operation.
    ///
    /// - Returns: once it is on disk, before its commands have gone out; with a key used before for the same request,
    ///   the operation of then.
    /// - Throws: as `plan`, and 409 when the digest or the count is not that of the agents meant now, when no agent can
    ///   take the command, or when too many operations run; 422 for a key used for another request.
    package func start(
        _ request: OperationRequest, caller: Caller, idempotencyKey: String?
    ) async throws(Problem) -> FleetOperation {
        try await notingRefusal(of: "start", "operation", detail: Self.auditText(request), by: caller) {
            () async throws(Problem) -> FleetOperation in
            try await startUnlessRefused(request, caller: caller, idempotencyKey: idempotencyKey)
        }
    }

    private func startUnlessRefused(
        _ request: OperationRequest, caller: Caller, idempotencyKey: String?
    ) async throws(Problem) -> FleetOperation {
        let key = idempotencyKey.map { IdempotencyKey(caller: caller.name, key: $0) }
        try reserve(key)
        defer { release(key) }
        let text = Self.repeatedText(request)
        if let key, let earlier = try await earlier(key, text) { return try await operation(earlier, wait: .zero) }

        let (kind, order) = try order(request, caller)
        let meaning = try await meaning(of: request, kind, order)
        try check(request, against: meaning.plan)
        let now = Moment.now()
        var operation = OpenOperation()
        (operation.id, operation.order, operation.filter, operation.digest) = (
            newID(), order, request.filter, meaning.plan.digest
        )
        (operation.maxInFlight, operation.stopAfterFailures) = (request.maxInFlight, request.stopAfterFailures)
        (operation.startedAt, operation.isHeld) = (now.wall, true)
        operation.take(meaning.targets)
        operation.offers = meaning.offers
        try await file(operation, meaning.bodies, key: key, request: text, caller, now)
        return try await self.operation(operation.id, wait: .zero)
    }

    /// One operation; waits until all its commands have ended or `wait` is over.
    ///
    /// - Throws: 404 for an unknown id.
    package func operation(_ id: String, wait: Duration) async throws(Problem) -> FleetOperation {
        if wait > .zero { await waitUntilFinal(id, atMost: wait) }
        var found = state.withLock { $0.operations[id] }
        if found == nil { found = try await reading { try await self.store.operation(id) } }
        guard let found else {
            var problem = Problem(404, "No such operation", detail: "there is no operation with this id")
            (problem.field, problem.value) = ("id", id)
            throw problem
        }
        var shown = found.shown
        shown.asOf = Moment.now().wall
        shown.exceptions = try await exceptions(of: found)
        return shown
    }

    /// Operations, newest first.
    ///
    /// - Throws: 400 for a wrong cursor.
    package func operations(limit: Int, cursor: String?) async throws(Problem) -> OperationPage {
        if let cursor, try await reading({ try await self.store.operation(cursor) }) == nil {
            throw Cursor.invalid(cursor)
        }
        let found = try await reading { try await self.store.operations(limit: limit + 1, after: cursor) }
        var page = OperationPage()
        page.operations = found.operations.prefix(limit).map(\.shown)
        (page.matched, page.asOf) = (found.matched, Moment.now().wall)
        if found.operations.count > limit { page.next = page.operations.last?.id }
        return page
    }

    /// Ends an operation: what was not handed over is not sent any more.
    ///
    /// - Throws: 404 for an unknown id, 409 when it does not run any more.
    package func cancelOperation(_ id: String, caller: Caller) async throws(Problem) -> FleetOperation {
        try await notingRefusal(of: "stop", id, by: caller) { () async throws(Problem) -> FleetOperation in
            try await cancelUnlessRefused(operation: id, caller: caller)
        }
    }

    private func cancelUnlessRefused(operation id: String, caller: Caller) async throws(Problem) -> FleetOperation {
        let now = Moment.now()
        let isWritten: Bool? = await withCheckedContinuation { continuation in
            let isRunning = state.withLock { state in
                guard state.operations[id]?.state == .running, state.operations[id]?.isHeld == false else {
                    return false
                }
                var effects = FleetState.Effects()
                state.end(id, .cancelled, "withdrawn by \(caller.name)", at: now, &effects)
                effects.audit(caller, "stop", id, at: now)
                commit(effects) { continuation.resume(returning: $0) }
                return true
            }
            if !isRunning { continuation.resume(returning: nil) }
        }
        if isWritten == false { throw notStored("the operation goes on") }
        let operation = try await operation(id, wait: .zero)
        guard isWritten == nil else { return operation }
        throw Problem(
            409, "Not running", detail: "the operation is \(operation.state.rawValue); only a running one ends")
    }

    // MARK: - Parts

    /// What a key stands for. Of a configuration a hash: it is large and holds secrets.
    private static func repeatedText(_ request: OperationRequest) -> String {
        let text = request.json.text
        return "operation " + (request.config == nil ? text : hex(SHA256.hash(data: Data(text.utf8))))
    }

    private static func auditText(_ request: OperationRequest) -> String {
        "\(request.command) for the agents of: \(request.filter)"
    }

    private func order(_ request: OperationRequest, _ caller: Caller) throws(Problem) -> (CommandKind, CommandOrder) {
        guard (request.config != nil) == (request.command == CommandKind.config.name) else {
            throw .badRequest(field: "config", "the command config and the member config go together")
        }
        try request.config?.value.check()
        let kind =
            request.config == nil ? try state.withLock { $0.catalogue }.named(request.command) : CommandKind.config
        let parameters = try kind.check(request.parameters)
        try checkRange(request.expiresSeconds, CommandRequest.expiresSecondsAllowed, "expires_seconds")
        try checkRange(request.confirmSeconds, CommandRequest.confirmSecondsAllowed, "confirm_seconds")
        try checkNumber(request.atLeast, OperationRequest.limitAllowed, "at_least")
        try checkNumber(request.limit, OperationRequest.limitAllowed, "limit")
        try checkNumber(request.maxInFlight, OperationRequest.maxInFlightAllowed, "max_in_flight")
        try checkNumber(request.stopAfterFailures, OperationRequest.stopAfterFailuresAllowed, "stop_after_failures")
        var order = CommandOrder(kind, parameters, caller: caller)
        order.take(expiresSeconds: request.expiresSeconds, confirmSeconds: request.confirmSeconds)
        order.acknowledgesDefect = request.acknowledgeKnownDefect ?? false
        return (kind, order)
    }

    private func checkNumber(_ value: Int?, _ allowed: ClosedRange<Int>, _ field: String) throws(Problem) {
        guard let value, !allowed.contains(value) else { return }
        let range = "\(allowed.lowerBound) to \(allowed.upperBound)"
        throw .badRequest(field: field, value: String(value), "\(field) must be \(range)", allowed: [range])
    }

    private func check(_ request: OperationRequest, against plan: OperationPlan) throws(Problem) {
        if let agents = request.agents {
            let least = min(request.atLeast ?? 1, agents.count)
            guard plan.targets >= least else {
                throw .refused(
                    409, "The targets moved", field: "at_least", value: String(least),
                    "of \(agents.count) agents only \(plan.targets) can still be meant, and nothing was done; "
                        + "ask with \"dry_run\":true again")
            }
        } else if request.digest == nil {
            throw .badRequest(
                field: "digest", "digest is missing: ask with \"dry_run\":true first, and repeat its digest here")
        }
        let digest = request.digest ?? plan.digest
        guard plan.digest == digest, plan.targets == request.count ?? plan.targets else {
            throw .refused(
                409, "The targets moved", field: plan.digest == digest ? "count" : "digest",
                value: plan.digest == digest ? request.count.map { String($0) } : digest,
                "other agents are meant now than in the dry run: \(plan.targets), and nothing was done; "
                    + "ask with \"dry_run\":true again")
        }
        guard plan.targets > 0 else {
            let reasons = plan.excluded.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
            throw Problem(
                409, "No targets",
                detail: "the filter matches \(plan.matched) agents and none can take the command"
                    + (reasons.isEmpty ? "" : ": " + reasons.joined(separator: ", ")))
        }
    }

    /// Files the operation and waits until it is on disk; then its first commands go out.
    private func file(
        _ operation: OpenOperation, _ bodies: [String: [UInt8]], key: IdempotencyKey?, request: String,
        _ caller: Caller, _ now: Moment
    ) async throws(Problem) {
        let id = operation.id
        let refusal: Problem? = await withCheckedContinuation { continuation in
            let refusal = state.withLock { state -> Problem? in
                let running = state.operations.values.count { $0.state == .running }
                guard running < FleetState.operationLimit else {
                    return Problem(
                        409, "Too many operations", detail: "\(running) operations run; wait for one, or end one")
                }
                var effects = FleetState.Effects()
                for (hash, body) in bodies { effects.changes.append(.config(hash: hash, body: body)) }
                state.start(operation, &effects)
                let text = "\(operation.order.command) for \(operation.targets.count) agents: \(operation.filter)"
                effects.audit(caller, "start", id, detail: text, at: now)
                if let key {
                    effects.changes.append(
                        .idempotency(
                            caller: key.caller, key: key.key, request: request, command: id,
                            at: store.keyTime(at: now)))
                }
                commit(effects) { [self] isWritten in
                    let later = Moment.now()
                    self.state.withLock { state in
                        guard isWritten else {
                            state.operations[id] = nil
                            return
                        }
                        var effects = FleetState.Effects()
                        state.operations[id]?.isHeld = false
                        state.operationsDue.insert(id)
                        state.advanceOperations(at: later, &effects)
                        commit(effects)
                    }
                    let problem = Problem(
                        507, "Not stored", detail: "the operation could not be written to disk and was not started")
                    continuation.resume(returning: isWritten ? nil : problem)
                }
                return nil
            }
            if let refusal { continuation.resume(returning: refusal) }
        }
        if let refusal { throw refusal }
    }

    private func exceptions(of operation: OpenOperation) async throws(Problem) -> [FleetOperation.Exception] {
        var exceptions: [FleetOperation.Exception] = []
        for target in operation.exceptions(limit: Self.shownExceptions) {
            var exception = FleetOperation.Exception()
            (exception.instanceUID, exception.state) = (target.uid.description, target.state.rawValue)
            (exception.result, exception.commandID) = (target.reason, target.commandID?.description)
            exception.shortID = String(exception.instanceUID.suffix(AgentIndex.shortestSuffix))
            let now = state.withLock { state in
                state.position(of: target.uid).map { AgentView(record: state.records[$0], vitals: state.vitals[$0]) }
            }
            if let agent = now.map({ shown([$0])[0] }) {
                (exception.instanceUID, exception.shortID) = (agent.instanceUID, agent.shortID)
                exception.host = agent.host
            }
            if let id = exception.commandID, let open = try await stored(id) {
                exception.result = open.command.result ?? open.command.evidence
            }
            exceptions.append(exception)
        }
        return exceptions
    }
}
