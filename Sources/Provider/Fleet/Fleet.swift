import Dispatch
package import FleetAPI
package import Logging
package import OpAMP
import ServiceLifecycle
import SwiftProtobuf
import Synchronization

/// The fleet: what every agent last said, and the commands for them.
///
/// Safe to call from any thread. A change is in the store's queue before anybody else sees it, so what is written is in
/// the order it happened.
package final class Fleet: Sendable {
    let state: Mutex<FleetState>
    let store: Store
    let logger: Logger
    let waits = CommandWaits()
    let metrics = Metrics()
    let exports = Slots(Fleet.exportLimit)
    let webhook: Webhook
    /// Whether notices may leave this machine over http.
    let isInsecureWebhookAllowed: Bool
    let version: String

    /// Opens the store and loads the fleet; nobody is connected before a message.
    ///
    /// - Parameters:
    ///   - dataDirectory: nil keeps everything in memory.
    ///   - allowsInsecureWebhook: whether a webhook may be an http address off this machine.
    package init(
        dataDirectory: String?, version: String, allowsInsecureWebhook: Bool = false, logger: Logger
    ) throws(StoreError) {
        let now = Moment.now()
        store = try Store(directory: dataDirectory, logger: logger)
        let foreignVersion: Int
        do { foreignVersion = try store.queue.sync { [store] in try store.foreignVersion() } } catch {
            throw StoreError(error, "the fleet cannot be read")
        }
        var stored = try store.load(
            unconfirmedSince: now.wall - FleetState.lateProofTime - CommandRequest.longestLife)
        stored.moveBefore(now.wall)
        var loaded = FleetState(stored, now: now)
        loaded.foreignVersion = foreignVersion
        state = Mutex(loaded)
        webhook = Webhook(version: version, logger: logger)
        (self.version, self.logger, isInsecureWebhookAllowed) = (version, logger, allowsInsecureWebhook)
        logger.notice(
            "fleet loaded",
            metadata: ["agents": "\(stored.agents.count)", "open_commands": "\(stored.commands.count)"]
        )
    }

    // MARK: - Agents

    /// Takes a message of an agent.
    ///
    /// Does no I/O and may be called on an event loop; the messages of one agent must come in their order.
    ///
    /// - Parameter reply: gets the answer, exactly once: before this returns, or, when it carries an instance uid or, over
    ///   HTTP, a command, once the store has that, then on another thread.
    package func receive(
        _ message: AgentToServer, over link: Link, reply: @escaping @Sendable (AgentReply) -> Void
    ) {
        guard let uid = InstanceUID(bytes: message.instanceUid) else {
            guard let uid = InstanceUID(ulid: message.instanceUid) else {
                reply(AgentReply(.badRequest("instance_uid has \(message.instanceUid.count) bytes; it must have 16")))
                return
            }
            return receive(old: message, uid, over: link, reply: reply)
        }
        metrics.received(over: link.transport)
        let now = Moment.now()
        let (answer, isLater) = state.withLock { state -> (AgentReply, Bool) in
            var effects = FleetState.Effects()
            let answer = state.receive(message, from: uid, over: link, at: now, &effects)
            let delivery = link.push == nil ? effects.deliveries.first { $0.link === link } : nil
            let reoffer = delivery == nil && link.push == nil ? effects.reoffers.first : nil
            state.advanceOperations(at: now, &effects)
            if effects.isEmpty { return (answer, false) }
            let offering = effects.offeringCommand
            let waitsForDisk = offering != nil || reoffer?.waitsForDisk == true
            let finish = { @Sendable [self] (answer: AgentReply) in
                guard let reoffer else { return reply(answer) }
                read(reoffer) { reply(AgentReply(answer.message.carrying($0))) }
            }
            commit(effects, isAct: false) { [self] isWritten in
                var answer = answer
                if let offering { settle(offering, isWritten: isWritten, &answer) }
                if let delivery {
                    let message = isWritten ? complete(delivery) : nil
                    reply(message.map { AgentReply(answer.message.carrying($0)) } ?? answer)
                } else if reoffer?.waitsForDisk == true, !isWritten {
                    reply(answer)
                } else if waitsForDisk {
                    finish(answer)
                }
            }
            if delivery != nil || waitsForDisk { return (answer, true) }
            if reoffer != nil { finish(answer) }
            return (answer, reoffer != nil)
        }
        if !isLater { reply(answer) }
    }

    /// Once it is known whether the command was written that offers the instance uid in an answer: without it, the uid
    /// is not offered.
    private func settle(_ offering: String, isWritten: Bool, _ answer: inout AgentReply) {
        state.withLock { isWritten ? $0.written(offering) : $0.drop(offering) }
        if !isWritten { answer.message.clearAgentIdentification() }
    }

    /// Takes a message of a client that names itself by a ULID: it is answered under that, and offered 16 bytes.
    private func receive(
        old message: AgentToServer, _ uid: InstanceUID, over link: Link,
        reply: @escaping @Sendable (AgentReply) -> Void
    ) {
        var readable = message
        readable.instanceUid = uid.data
        readable.flags |= AgentToServerFlags.requestInstanceUID.rawValue
        let own = message.instanceUid
        receive(readable, over: link) { answer in
            var answer = answer
            if !answer.message.instanceUid.isEmpty { answer.message.instanceUid = own }
            reply(answer)
        }
    }

    /// The WebSocket of this link is gone.
    package func closed(_ link: Link) {
        let now = Moment.now()
        state.withLock { state in
            var effects = FleetState.Effects()
            state.closed(link, isStopping ? "the provider was stopped" : "connection lost", at: now, &effects)
            commit(effects)
        }
    }

    /// Queues the writes of a decision; hands commands over and wakes those who wait once they are on disk.
    ///
    /// Called with the state locked: that keeps the writes in the order of the decisions. What cannot be written is
    /// tried again until it is, except for what a person asked for, and commands to hand over, which are queued again.
    /// Of what a person asked for commands and offers are undone here; the rest is, by who is told.
    ///
    /// - Parameters:
    ///   - isAct: whether a person asked for it; nil: if somebody is told.
    ///   - then: told whether it was written; not called when there is no command in it.
    func commit(
        _ effects: FleetState.Effects, isAct: Bool? = nil, then: (@Sendable (_ isWritten: Bool) -> Void)? = nil
    ) {
        for (message, link) in effects.pushes { link.push?(message) }
        for link in effects.pings { link.ping() }
        for link in effects.closes { link.close() }
        for reoffer in effects.reoffers where !reoffer.waitsForDisk {
            if let push = reoffer.link.push { read(reoffer, then: push) }
        }
        guard !effects.changes.isEmpty else { return }
        guard effects.changes.contains(where: \.isAcknowledged) else { return store.write(effects.changes) }
        let isAct = isAct ?? (then != nil)
        store.write(effects.changes, keeping: { effects.keeps($0, isAct: isAct) }) { [self] result in
            switch result {
            case .success:
                for delivery in effects.deliveries {
                    if let push = delivery.link.push, let message = complete(delivery) { push(message) }
                }
                for reoffer in effects.reoffers where reoffer.waitsForDisk {
                    if let push = reoffer.link.push { read(reoffer, then: push) }
                }
                state.withLock { state in
                    state.dropFinished(effects.changes)
                    if isAct { state.keep(effects.steps) }
                }
            case .failure:
                state.withLock { state in
                    for delivery in effects.deliveries { state.takeBack(delivery.commandID) }
                    if isAct { state.undo(effects.steps) }
                }
            }
            then?((try? result.get()) != nil)
            waits.wake(effects.touched)
        }
    }

    /// The refusal of an act that could not be written and so was not done.
    ///
    /// - Parameter act: what was not done, as a sentence of its own.
    func notStored(_ act: String) -> Problem {
        let reason = store.trouble.map { "\($0)" } ?? "it could not be written to disk"
        return Problem(507, "Not stored", detail: "\(act): \(reason); repeat it once there is room")
    }

    // MARK: - Service

    package func info() -> ServerInfo {
        var info = ServerInfo()
        (info.product, info.version, info.store) = ("opamp-provider", version, store.kind)
        info.api = [
            "agents", "approvals", "audit", "commands", "command-types", "config", "enrolments", "events", "filter",
            "fleet", "find", "labels", "operations", "settings",
        ]
        info.agents = state.withLock { $0.records.count }
        info.certificateExpiresAt = metrics.tls.withLock { $0?.expiresAt }
        return info
    }

    /// One step of time: marks silent agents and ends commands that have waited too long.
    func tick(at now: Moment) {
        state.withLock { state in
            var effects = FleetState.Effects()
            let stood = state.tick(at: now, &effects)
            commit(effects)
            if let stood { logger.notice("the provider stood still", metadata: ["for": "\(stood)"]) }
        }
    }

    /// Queues when the agents were last heard for writing, where that changed since `moment`.
    private func saveSeen(since moment: Int64) {
        let seen = state.withLock { $0.seen(since: moment) }
        if !seen.isEmpty { store.write([.seen(seen)]) }
    }
}

extension Fleet: Service {
    /// How often it is written when agents were last heard.
    private static let saveSeenInterval = Duration.seconds(300)

    /// Watches time until the service is stopped; then writes what is left and closes the store.
    package func run() async throws {
        async let telling: Void = cancelWhenGracefulShutdown {
            await self.webhook.run(settings: { self.settings }, done: { self.remember($0) })
        }
        let savedAt: Moment
        var log: EventLog
        (savedAt, log) = await cancelWhenGracefulShutdown { await self.watchTime() }
        saveSeen(since: savedAt.monotonic)
        store.flushNow()
        await log.step()
        await telling
        try store.close()
    }

    /// Takes a step of time each second until the task is cancelled.
    ///
    /// - Returns: when it was last queued for writing when agents were heard, and what the log has been told.
    private func watchTime() async -> (Moment, EventLog) {
        var savedAt = Moment.now()
        var log = EventLog(self)
        var notifier = Notifier(self, at: savedAt)
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            let now = Moment.now()
            tick(at: now)
            store.soon { self.lookForOthers() }
            store.feed.wake()
            await log.step()
            await notifier.step(at: now)
            store.sweep(Retention(state.withLock { $0.settings }), at: now)
            if now.monotonic - savedAt.monotonic >= Self.saveSeenInterval.nanoseconds {
                saveSeen(since: savedAt.monotonic)
                savedAt = now
            }
        }
        return (savedAt, log)
    }
}

extension Change {
    /// Whether somebody is told that it is done, so that it must be on disk first.
    var isAcknowledged: Bool {
        switch self {
        case .command, .idempotency, .forget, .rename, .decisions, .settings, .revision: true
        case .operation, .operationTargets, .operationTarget: true
        case .token, .tokenRevoked: true
        case .enrolment, .enrolmentUsed, .enrolmentRevoked, .ownToken, .ownTokenRevoked, .ownTokensGone: true
        case .agent, .seen, .config, .copyConfig, .event, .outcome, .audit, .told, .toldNothing, .tokensUsed: false
        }
    }
}

extension FleetState.Effects {
    /// Whether a change that could not be written is to be tried again.
    fileprivate func keeps(_ change: Change, isAct: Bool) -> Bool {
        if case .command(let open) = change,
            open.command.id == offeringCommand || deliveries.contains(where: { $0.commandID == open.command.id })
        {
            return false
        }
        return !isAct
    }
}

extension ServerToAgent {
    /// An answer that says a message was wrong and should not be sent again as it is.
    /// Spec: OpAMP, "ServerErrorResponse Message".
    package static func badRequest(_ reason: String) -> ServerToAgent {
        .with {
            $0.errorResponse.type = .badRequest
            $0.errorResponse.errorMessage = reason
        }
    }

    /// An answer that says the server cannot serve the agent now, and when it should come again.
    /// Spec: OpAMP, "ServerErrorResponse Message" and "Throttling".
    ///
    /// - Parameter retryAfter: not below zero.
    package static func unavailable(_ reason: String, retryAfter: Duration) -> ServerToAgent {
        .with {
            $0.errorResponse.type = .unavailable
            $0.errorResponse.errorMessage = reason
            $0.errorResponse.retryInfo.retryAfterNanoseconds = UInt64(max(0, retryAfter.nanoseconds))
        }
    }

    /// This answer with a command in it; an OpAMP command stays alone.
    fileprivate func carrying(_ command: ServerToAgent) -> ServerToAgent {
        if command.hasCommand { return command }
        var answer = self
        if command.hasCustomMessage { answer.customMessage = command.customMessage }
        if command.hasRemoteConfig { answer.remoteConfig = command.remoteConfig }
        if command.hasConnectionSettings { answer.connectionSettings = command.connectionSettings }
        if command.hasAgentIdentification { answer.agentIdentification = command.agentIdentification }
        answer.flags |= command.flags
        return answer
    }
}
