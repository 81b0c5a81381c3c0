package import FleetAPI
import OpAMP
import Synchronization

// What people decide: on disk before it is answered.
extension Fleet {
    /// What was decided about an agent, and what had been before.
    private struct Decided: Sendable {
        let uid: InstanceUID
        let before: Decisions
        let after: Decisions
    }

    /// Lets agents in or keeps them out, each for itself: what cannot be decided is told with its reason.
    ///
    /// - Throws: 400 for no decisions or too many, 507 when they could not be written: then none was made.
    package func decide(_ request: AdmissionRequest, caller: Caller) async throws(Problem) -> AdmissionResults {
        let decisions = request.decisions
        guard (1...AdmissionRequest.limit).contains(decisions.count) else {
            throw .badRequest(
                field: "decisions", value: "\(decisions.count)",
                "a request has 1 to \(AdmissionRequest.limit) decisions, not \(decisions.count)")
        }
        var uids: [Result<InstanceUID, Problem>] = []
        for decision in decisions {
            do throws(Problem) {
                uids.append(.success(try uid(of: decision.agent, isAlone: decisions.count == 1)))
            } catch {
                uids.append(.failure(error))
            }
        }
        let found = uids
        let outcome = try await durably {
            state, now, effects throws(Problem) -> (results: [AdmissionResults.Result], decided: [Decided]) in
            var results: [AdmissionResults.Result] = []
            var decided: [Decided] = []
            for (decision, uid) in zip(decisions, found) {
                var result = AdmissionResults.Result()
                result.agent = decision.agent
                do throws(Problem) {
                    guard let position = state.position(of: try uid.get()) else { throw FleetState.forgotten }
                    let record = state.records[position]
                    result.error = state.decide(decision.decision, at: position, by: caller, now, &effects)
                    let after = state.records[position].decisions
                    let isChanged = after.admission != record.decisions.admission
                    effects.audit(
                        caller, decision.decision.rawValue, record.uid.description,
                        outcome: result.error?.auditOutcome ?? (isChanged ? "done" : AuditEntry.nothingToDo), at: now)
                    decided.append(Decided(uid: record.uid, before: record.decisions, after: after))
                    (result.instanceUID, result.admission) = (record.uid.description, after.admission)
                } catch {
                    result.error = error
                }
                results.append(result)
            }
            return (results, decided)
        } undo: { state, outcome in
            for one in outcome.decided.reversed() { state.takeBack(one.after, of: one.uid, to: one.before) }
        }
        var answer = AdmissionResults()
        answer.results = outcome.results
        return answer
    }

    /// The agent that a reference means; the nearest ones are looked for only when it is the only one.
    private func uid(of reference: String, isAlone: Bool) throws(Problem) -> InstanceUID {
        let isKnown = state.withLock { !$0.positions(of: reference).isEmpty }
        if isKnown || isAlone { return try view(reference).record.uid }
        throw Problem(404, "No such agent", detail: "no agent is meant by this reference")
    }

    /// Changes the labels of an agent.
    ///
    /// - Throws: 400 for labels that cannot be, 404 or 409 for the reference, 507 when they could not be written.
    package func label(_ reference: String, _ request: LabelsRequest, caller: Caller) async throws(Problem) -> Agent {
        let uid = try view(reference).record.uid
        let decided = try await durably { state, now, effects throws(Problem) -> Decided in
            guard let position = state.position(of: uid) else { throw FleetState.forgotten }
            let before = state.records[position].decisions
            state.label(try request.applied(to: before.labels), at: position, by: caller, now, &effects)
            let record = state.records[position]
            let difference = AuditEntry.difference(before.labels, record.decisions.labels)
            effects.audit(
                caller, "label", record.uid.description,
                outcome: difference == nil ? AuditEntry.nothingToDo : "done", detail: difference, at: now)
            return Decided(uid: record.uid, before: before, after: record.decisions)
        } undo: { state, decided in
            state.takeBack(decided.after, of: decided.uid, to: decided.before)
        }
        return shown([try view(decided.uid.description)])[0]
    }

    /// Decides with the state locked, and waits until the decision is on disk.
    ///
    /// - Parameter undo: takes the decision back when it could not be written.
    /// - Throws: what `act` throws, or 507 when it could not be written.
    func durably<Outcome: Sendable>(
        _ act: @Sendable (inout FleetState, Moment, inout FleetState.Effects) throws(Problem) -> Outcome,
        undo: @escaping @Sendable (inout FleetState, Outcome) -> Void
    ) async throws(Problem) -> Outcome {
        let now = Moment.now()
        let result: Result<Outcome, Problem> = await withCheckedContinuation { continuation in
            state.withLock { state in
                var effects = FleetState.Effects()
                let outcome: Outcome
                do throws(Problem) { outcome = try act(&state, now, &effects) } catch {
                    return continuation.resume(returning: .failure(error))
                }
                guard effects.changes.contains(where: \.isAcknowledged) else {
                    commit(effects)
                    return continuation.resume(returning: .success(outcome))
                }
                commit(effects) { [self] isWritten in
                    if isWritten { return continuation.resume(returning: .success(outcome)) }
                    self.state.withLock { undo(&$0, outcome) }
                    continuation.resume(
                        returning: .failure(
                            Problem(507, "Not stored", detail: "it could not be written to disk and was not done")
                        )
                    )
                }
            }
        }
        return try result.get()
    }
}

extension FleetState {
    /// An agent that was there a moment ago.
    static let forgotten = Problem(404, "No such agent", detail: "the agent has just been forgotten")
}
