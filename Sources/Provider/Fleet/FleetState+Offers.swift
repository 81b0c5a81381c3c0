import FleetAPI
import OpAMP
import SwiftProtobuf

// How configurations and connection settings are desired, handed over and proved. Their contents stay in the store.
extension FleetState {
    /// Makes an offer the desired one of an agent and queues the command that carries it. A queued one that it
    /// supersedes is withdrawn.
    mutating func offer(
        _ offer: Offer, _ kind: OfferKind, by open: OpenCommand, to position: Int, at now: Moment,
        _ effects: inout Effects
    ) {
        let superseded = records[position].decisions[kind].desired
        decide(kind, at: position, now, &effects) { $0.desire(offer) }
        handovers[OfferKey(uid: records[position].uid, kind: kind)] = nil
        queue(open, at: now, &effects)
        if let superseded, superseded.state == .queued {
            let reason = "superseded by revision \(offer.revision)"
            _ = cancel(superseded.commandID, reason: reason, at: now, &effects)
        }
    }

    /// Nothing is offered to an agent any more; it keeps what it has.
    mutating func withdraw(
        _ kind: OfferKind, from position: Int, reason: String, at now: Moment, _ effects: inout Effects
    ) {
        guard let desired = records[position].decisions[kind].desired else { return }
        decide(kind, at: position, now, &effects) { $0.withdraw() }
        handovers[OfferKey(uid: records[position].uid, kind: kind)] = nil
        if desired.state == .queued { _ = cancel(desired.commandID, reason: reason, at: now, &effects) }
    }

    /// Hands over a queued offer, if it is still the desired one and the agent does not have it already.
    ///
    /// - Returns: whether a delivery was made of it.
    mutating func handOver(
        _ id: String, to position: Int, over link: Link, at now: Moment, _ effects: inout Effects
    ) -> Bool {
        guard var open = commands[id], open.command.state == .queued, !open.isUnwritten,
            let kind = open.command.offerKind
        else { return false }
        let (uid, facts) = (records[position].uid, records[position].facts)
        guard let offer = records[position].decisions[kind].desired, offer.commandID == id,
            let gate = CommandKind.offering(offer.command)
        else {
            open.cancel("no longer desired", at: now)
            update(open, &effects)
            return false
        }
        guard gate.isTaken(by: facts, [:]) else {
            open.cancel("the agent no longer has \(gate.needed([:]) ?? "it")", at: now)
            update(open, &effects)
            return false
        }
        let reported = facts.reported(kind)
        if reported.hash == offer.hash, reported.status == .applied {
            open.proved("the agent reports it as APPLIED already: nothing was sent", at: now)
            update(open, &effects)
            mark(kind, offer.hash, .applied, error: nil, at: position, now, &effects)
            return false
        }
        open.command.proof = facts.capabilities.contains(kind.reporting) ? kind.proof : .nothing
        open.send(at: now, startTimes: [])
        update(open, &effects)
        handovers[OfferKey(uid: uid, kind: kind)] = Handover(at: now.monotonic)
        note("\(kind.rawValue)_offered", position, "revision \(offer.revision)", now, &effects)
        var delivery = Delivery(commandID: id, message: answer(to: uid), link: link)
        delivery.content = OfferedContent(
            kind: kind, hash: offer.hash, token: offer.token.map { makeToken($0, for: uid, at: now, &effects) })
        effects.deliveries.append(delivery)
        return true
    }

    /// Offers once more what was handed over and the agent does not have: when a session begins, and after a report of
    /// what it has, or with the first message once it is time. Never what failed, never what is queued, and ever less
    /// often. See `Handover`.
    ///
    /// That a session begins is no sign that settings were lost: agents begin one because of them.
    ///
    /// Only to agents that report what they have, since of others nothing is known; a heartbeat interval, which agents
    /// forget when they restart, to others too.
    ///
    /// - Parameters:
    ///   - begins: whether this is the first message of a session.
    ///   - isRepeated: whether the message came before, so that the answer to it may be lost.
    mutating func offerAgain(
        to position: Int, after message: AgentToServer, begins: Bool, isRepeated: Bool, over link: Link,
        at now: Moment, _ effects: inout Effects
    ) {
        let record = records[position]
        guard record.decisions.hasOfferings else { return }
        var contents: [OfferedContent] = []
        for kind in OfferKind.allCases {
            guard let offer = record.decisions[kind].desired, offer.state != .queued, offer.state != .failed,
                record.facts.capabilities.contains(kind.reporting)
                    ? record.facts.reported(kind).hash != offer.hash : offer.command == CommandKind.heartbeat.name,
                CommandKind.offering(offer.command)?.isTaken(by: record.facts, [:]) == true
            else { continue }
            // Its settings have come with it.
            if let token = offer.token, ownTokens[token]?.shownAt != nil { continue }
            let key = OfferKey(uid: record.uid, kind: kind)
            let isReport =
                message.hasAgentDescription
                || (kind == .config ? message.hasRemoteConfigStatus : message.hasConnectionSettingsStatus)
            let occasion: Handover.Occasion =
                if isRepeated || offer.token != nil && link.credential.isEnrolment && (begins || link.push == nil) {
                    // Who has to show the enrolment again has not got the token.
                    .answerLost
                } else if begins, kind == .config, !vitals[position].isPolling {
                    .session
                } else { begins || isReport ? .report : .message }
            guard handovers[key, default: Handover(at: nil)].repeats(on: occasion, at: now) else { continue }
            contents.append(
                OfferedContent(
                    kind: kind, hash: offer.hash,
                    token: offer.token.map { makeToken($0, for: record.uid, at: now, &effects) }))
            note("\(kind.rawValue)_offered", position, "revision \(offer.revision), again", now, &effects)
        }
        guard !contents.isEmpty else { return }
        effects.reoffers.append(Reoffer(contents: contents, message: answer(to: record.uid), link: link))
    }

    /// Takes what an agent says of the offers it got: proof for commands, and what became of the offers.
    mutating func takeStatuses(
        _ message: AgentToServer, at position: Int, _ now: Moment, _ effects: inout Effects
    ) {
        if message.hasRemoteConfigStatus {
            takeStatus(.config, error: records[position].facts.configError, at: position, now, &effects)
        }
        if message.hasConnectionSettingsStatus {
            takeStatus(.settings, error: records[position].facts.connection?.value.error, at: position, now, &effects)
        }
    }

    private mutating func takeStatus(
        _ kind: OfferKind, error: String?, at position: Int, _ now: Moment, _ effects: inout Effects
    ) {
        let (hash, status) = records[position].facts.reported(kind)
        guard !hash.isEmpty, let status, status != .unset else { return }
        for id in commandsByAgent[records[position].uid] ?? [] {
            guard var open = commands[id], open.command.offerKind == kind, open.awaitsProof,
                open.command.offeredHash == hash.hex
            else { continue }
            let word = "the agent reports \(status.rawValue.uppercased()), hash \(hash.hex.prefix(8))"
            switch status {
            case .applied: open.proved(word, at: now)
            case .failed: open.proved(word, succeeded: false, result: error ?? "the agent gives no reason", at: now)
            case .applying, .unset: open.command.evidence = word
            }
            if status != .applying { open.command.healthAfter = vitals[position].health }
            guard open != commands[id] else { continue }
            update(open, &effects)
        }
        let state: OfferState =
            switch status {
            case .applied: .applied
            case .failed: .failed
            case .applying, .unset: .applying
            }
        mark(kind, hash, state, error: error, at: position, now, &effects)
    }

    /// The agent shows a token that it was offered: it has what went with it.
    mutating func tokenShown(_ id: UInt64, at position: Int, _ now: Moment, _ effects: inout Effects) {
        guard let desired = records[position].decisions.settings.desired, desired.token == id,
            desired.state != .applied
        else { return }
        if var open = commands[desired.commandID], open.awaitsProof {
            open.proved("the agent shows its token", at: now)
            update(open, &effects)
        }
        mark(.settings, desired.hash, .applied, error: nil, at: position, now, &effects)
    }

    /// Takes the tokens out of what is offered to an agent: they were revoked.
    mutating func dropTokenOffers(at position: Int, _ now: Moment, _ effects: inout Effects) {
        decide(.settings, at: position, now, &effects) { offering in
            offering.desired?.token = nil
            offering.fallback?.token = nil
        }
    }

    /// Notes what became of the offers with this hash that the agent got.
    private mutating func mark(
        _ kind: OfferKind, _ hash: ContentHash, _ state: OfferState, error: String?, at position: Int, _ now: Moment,
        _ effects: inout Effects
    ) {
        let facts = records[position].facts
        func marked(_ offer: Offer?, isQueued: Bool) -> Offer? {
            guard var offer, offer.hash == hash, isQueued || offer.state != .queued, offer.state != state else {
                return offer
            }
            (offer.state, offer.error) = (state, state == .failed ? error : nil)
            if state == .applied { (offer.appliedAt, offer.effectiveHash) = (now.wall, facts.configHash) }
            return offer
        }
        let before = records[position].decisions[kind]
        // A queued one with this hash is one that the agent has already, or a failed one that is tried again.
        let desired = marked(before.desired, isQueued: state == .applied)
        let fallback = marked(before.fallback, isQueued: false)
        decide(kind, at: position, now, &effects) { ($0.desired, $0.fallback) = (desired, fallback) }
        for (old, new) in [(before.desired, desired), (before.fallback, fallback)] where new != old {
            guard let new else { continue }
            effects.changes.append(
                .outcome(records[position].uid, kind, revision: new.revision, new.state, error: new.error)
            )
        }
        if desired?.hash == hash {
            handovers[OfferKey(uid: records[position].uid, kind: kind)]?.heard(isApplied: state == .applied)
        }
        guard let desired, desired != before.desired else { return }
        if state == .applied {
            note("\(kind.rawValue)_applied", position, "revision \(desired.revision)", now, &effects)
        }
        if state == .failed, kind == .settings { note("settings_failed", position, error, now, &effects) }
    }

    /// Takes what became of a command over to the offer it carries.
    ///
    /// - Returns: the command, with what follows from its end in its result.
    mutating func settle(_ open: OpenCommand, _ effects: inout Effects) -> OpenCommand {
        let command = open.command
        guard let kind = command.offerKind, let uid = InstanceUID(command.instanceUID), let position = position(of: uid)
        else { return open }
        let at = Moment(wall: command.finishedAt ?? command.sentAt ?? command.queuedAt, monotonic: 0)
        var settled = open
        var state: OfferState?
        switch command.state {
        case .queued, .confirmed, .failed: break
        case .sent: state = command.evidence == nil ? .sent : nil
        case .unconfirmed: state = .unconfirmed
        case .cancelled, .expired: state = nil
        }
        let isDesired = records[position].decisions[kind].desired?.commandID == command.id
        if let state, isDesired {
            decide(kind, at: position, at, &effects) { $0.desired?.state = state }
            // Should it not have arrived, the full report shows it, and it goes out again.
            if state == .unconfirmed, command.proof != .nothing { vitals[position].wantsFullState = true }
        } else if isDesired, command.state == .cancelled || command.state == .expired {
            decide(kind, at: position, at, &effects) { $0.goBack() }
            let now = records[position].decisions[kind].desired
            let desired = now.map { "revision \($0.revision) is desired again" } ?? "nothing is desired now"
            settled.command.result = (command.result.map { $0 + "; " } ?? "") + desired
        }
        if let revision = command.offeredRevision, let outcome = OfferState(rawValue: command.state) {
            effects.changes.append(.outcome(uid, kind, revision: revision, outcome, error: command.result))
        }
        return settled
    }

    /// An agent asks for a certificate. The server does not sign any and says so by its capabilities; a request is never
    /// answered, least of all over a connection without TLS.
    func noteCertificateRequest(_ position: Int, _ now: Moment, _ effects: inout Effects) {
        note("certificate_requested", position, "ignored: this provider signs no certificates", now, &effects)
    }

    /// Undoes in memory handing over an offer, when `sent` could not be written.
    mutating func takeBackOffer(_ open: OpenCommand) {
        guard let kind = open.command.offerKind, let uid = InstanceUID(open.command.instanceUID),
            let position = position(of: uid), records[position].decisions[kind].desired?.commandID == open.command.id
        else { return }
        var none = Effects()
        decide(kind, at: position, Moment(wall: open.command.queuedAt, monotonic: 0), &none) {
            $0.desired?.state = .queued
        }
    }

    /// Follows the effective configuration: what comes of an offer is the measure of drift.
    ///
    /// - Parameter old: the facts before the report, which is in the record already.
    mutating func followConfig(_ old: AgentFacts, at position: Int, _ now: Moment, _ effects: inout Effects) {
        let (facts, decisions) = (records[position].facts, records[position].decisions)
        guard decisions.hasOfferings, let desired = decisions.config.desired else { return }
        let isSettling = desired.appliedAt.map { now.wall - $0 <= ConfigDrift.settleTime } ?? false
        if facts.configHash != old.configHash, desired.state == .applied, isSettling || desired.effectiveHash == nil {
            decide(.config, at: position, now, &effects) { $0.desired?.effectiveHash = facts.configHash }
        }
        noteDrift(since: ConfigDrift(old, decisions), at: position, now, &effects)
    }

    private func noteDrift(since before: ConfigDrift?, at position: Int, _ now: Moment, _ effects: inout Effects) {
        let record = records[position]
        guard let drift = ConfigDrift(record.facts, record.decisions), drift != before,
            let desired = record.decisions.config.desired
        else { return }
        note("config_drift", position, drift.text(record.facts, desired), now, &effects)
    }

    /// Changes what is desired of an agent.
    private mutating func decide(
        _ kind: OfferKind, at position: Int, _ now: Moment, _ effects: inout Effects,
        _ change: (inout Offering) -> Void
    ) {
        let record = records[position]
        var decisions = record.decisions
        change(&decisions[kind])
        guard decisions != record.decisions else { return }
        if kind == .settings, let desired = decisions.settings.desired, desired.isTaken(by: record.facts) {
            decisions.settings.taken = desired.heartbeatSeconds
            vitals[position].offeredInterval = UInt32(clamping: desired.heartbeatSeconds ?? 0)
        }
        let key = OfferKey(uid: record.uid, kind: kind)
        effects.steps.append(
            .offering(
                key,
                OfferingChange(before: record.decisions[kind], handover: handovers[key], after: decisions[kind])))
        records[position] = AgentRecord(
            uid: record.uid, firstSeen: record.firstSeen, facts: record.facts, decisions: decisions
        )
        effects.changes.append(.decisions(record.uid, decisions, at: now.wall))
        noteDrift(since: ConfigDrift(record.facts, record.decisions), at: position, now, &effects)
    }
}

extension OfferState {
    /// What a command that ended, or went out, says of the revision it carries.
    fileprivate init?(rawValue state: CommandState) {
        switch state {
        case .queued: self = .queued
        case .sent: self = .sent
        case .confirmed: self = .applied
        case .failed: self = .failed
        case .unconfirmed: self = .unconfirmed
        case .cancelled: self = .cancelled
        case .expired: self = .expired
        }
    }
}
