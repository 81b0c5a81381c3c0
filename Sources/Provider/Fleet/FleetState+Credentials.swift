import Crypto
import FleetAPI
import OpAMP
import SwiftProtobuf

// Under which uid an agent may speak with what it showed, and how it comes to a token of its own.
extension FleetState {
    /// Why a token lets nobody in.
    struct TokenRefusal: Error, Equatable {
        let reason: String
    }

    /// How long an enrolment may be used again by the agent that used it and has not shown its own token since; until
    /// the enrolment expires if that is later.
    static let claimTime = Duration.seconds(3_600)

    // MARK: - What a token lets in with

    /// What a token of a form of ours lets in with.
    ///
    /// - Throws: why it lets nobody in.
    func credential(
        _ kind: AgentSecret.Kind, _ id: UInt64, _ digest: SHA256Digest, at now: Timestamp
    ) throws(TokenRefusal) -> AgentCredential {
        switch kind {
        case .own:
            if ownTokens[id]?.holds(digest) == true { return .token(id, digest) }
            if ownTokens.isRevoked(id) { throw TokenRefusal(reason: "the token was revoked; enrol the agent again") }
        case .enrolment:
            guard let enrolment = enrolments.find(id, digest) else { break }
            let isClaimed = { ownTokens.claims(by: id).contains { isOpen($0, enrolment, at: now) } }
            if enrolment.state(at: now) == .active || isClaimed() { return .enrolment(id) }
            throw TokenRefusal(reason: enrolment.refusal(at: now))
        }
        throw TokenRefusal(reason: "the token is not known here")
    }

    /// Whether who has a token handed over, or an enrolment, may still be heard; of tokens of a file the gate knows.
    func isInForce(_ credential: AgentCredential) -> Bool {
        switch credential {
        case .none, .shared, .certificate: true
        case .token(let id, let digest): ownTokens[id]?.holds(digest) == true
        case .enrolment(let id): enrolments[id].map { $0.revokedAt == nil } ?? false
        }
    }

    private func isOpen(_ claim: OwnToken, _ enrolment: StoredEnrolment, at now: Timestamp) -> Bool {
        claim.shownAt == nil && enrolment.revokedAt == nil
            && now < max(claim.issuedAt + Self.claimTime, enrolment.expiresAt)
    }

    // MARK: - Messages

    /// Finds out whether what was shown on a link allows to speak under this uid. An enrolment is bound to it, and a token
    /// that is shown for the first time is noted.
    ///
    /// - Returns: nil when it does; else the answer to a sender whose message is not applied.
    mutating func refusal(
        of uid: InstanceUID, _ message: AgentToServer, over link: Link, at now: Moment, _ effects: inout Effects
    ) -> AgentReply? {
        if ownTokens.isEmpty, link.credential == .none || link.credential == .shared { return nil }
        let own = presentUID(of: uid)
        let reason: String?
        switch link.credential {
        case .none, .shared:
            reason =
                ownTokens.isShown(of: own)
                ? "the agent \(own) has a token of its own, and is heard with that alone" : nil
        case .certificate(let named):
            let isNamed = presentUID(of: named) == own
            reason = isNamed ? nil : "the client certificate is that of agent \(named), not of \(uid)"
        case .token(let id, let digest):
            if let token = ownTokens[id], token.holds(digest) {
                reason = token.uid == own ? nil : "the token is that of agent \(token.uid), not of \(uid)"
                if reason == nil { noteShown(id, digest, from: link, at: now, &effects) }
            } else {
                reason = "the token was revoked; enrol the agent again"
            }
        case .enrolment(let id):
            let capabilities = AgentCapabilities(rawValue: message.capabilities)
            let canTake = capabilities.contains(.acceptsOpAMPConnectionSettings)
            reason = enrol(own, by: id, canTake: canTake, from: link.address, at: now, &effects)
        }
        guard let reason else { return nil }
        let entry = AuditEntry(
            at: now.wall, by: link.credential.name(uid), from: link.address, action: "connect",
            target: uid.description, outcome: "403 Forbidden", detail: reason)
        let key = "\(link.credential.name(uid)) \(FailureLimiter.network(of: link.address))"
        effects.changes += refusals.take(entry, key: key, at: now).map(Change.audit)
        return AgentReply(.badRequest(reason), ending: isUsed(link, besides: uid) ? nil : .forbidden)
    }

    /// The uid that an agent has now, or will have with its next message, if it speaks under this one: its own, one that
    /// it was offered, or a former one.
    func presentUID(of uid: InstanceUID) -> InstanceUID {
        if index.position(of: uid) != nil { return uid }
        return offeredTo[uid] ?? aliases[uid] ?? uid
    }

    /// The agent that goes on under a former uid, where what it showed proves that it is that agent.
    func provedSender(_ uid: InstanceUID, over link: Link) -> Int? {
        switch link.credential {
        case .token, .certificate: aliases[uid].flatMap { index.position(of: $0) }
        case .none, .shared, .enrolment: nil
        }
    }

    private mutating func noteShown(
        _ id: UInt64, _ digest: SHA256Digest, from link: Link, at now: Moment, _ effects: inout Effects
    ) {
        guard let (token, void) = ownTokens.show(id, digest, at: now.wall) else { return }
        effects.changes.append(.ownToken(token))
        if !void.isEmpty { effects.changes.append(.ownTokensGone(void)) }
        effects.changes.append(
            .audit(
                AuditEntry(
                    at: now.wall, by: link.credential.name(token.uid), from: link.address, action: "show_token",
                    target: token.uid.description, outcome: "done", detail: "token \(id.hexDigits)")))
        guard let position = index.position(of: token.uid) else { return }
        note("token_shown", position, id.hexDigits, now, &effects)
        tokenShown(id, at: position, now, &effects)
    }

    // MARK: - Enrolment

    /// Binds an enrolment to an agent, unless it is: that lets the agent in, whoever would have to wait for approval.
    ///
    /// - Parameter canTake: whether the agent can take a token of its own.
    /// - Returns: why not; nil when it is bound.
    mutating func enrol(
        _ uid: InstanceUID, by id: UInt64, canTake: Bool, from address: String, at now: Moment, _ effects: inout Effects
    ) -> String? {
        guard let enrolment = enrolments[id] else { return "the enrolment token is not known here" }
        if ownTokens.isShown(of: uid) {
            return
                "the agent \(uid) has a token of its own; it is enrolled again once an administrator has revoked that"
        }
        if let claim = ownTokens.claim(of: uid, by: id), isOpen(claim, enrolment, at: now.wall) { return nil }
        guard enrolment.state(at: now.wall) == .active else { return enrolment.refusal(at: now.wall) }
        let position = index.position(of: uid)
        if let position, records[position].decisions.admission == .blocked {
            return "this agent is blocked on this server"
        }
        guard canTake else {
            return "the agent cannot be offered a token of its own: it does not have AcceptsOpAMPConnectionSettings; "
                + "get one for it with POST \(OpAMPEndpoint.enrolPath)"
        }
        let token = OwnToken(id: .randomID(), uid: uid, at: now.wall, enrolment: id)
        let dropped = ownTokens.insert(token)
        let used = enrolments.use(id, at: now.wall)?.used ?? 1
        effects.changes += [.enrolmentUsed(id, used: used, at: now.wall), .ownToken(token)]
        if let dropped { effects.changes.append(.ownTokensGone([dropped])) }
        effects.changes.append(
            .audit(
                AuditEntry(
                    at: now.wall, by: "agent \(uid)", from: address, action: "enrol", target: uid.description,
                    outcome: "done", detail: "enrolment \(enrolment.label), token \(token.id.hexDigits)")))
        guard let position else { return nil }
        note("enrolled", position, "with enrolment \(enrolment.label)", now, &effects)
        guard records[position].decisions.admission == .pending else { return nil }
        var decisions = records[position].decisions
        decisions.admission = .approved
        decide(decisions, at: position, now, &effects)
        note("approved", position, "by enrolment \(enrolment.label)", now, &effects)
        askForEverything(position, now, &effects)
        return nil
    }

    /// Offers an agent that came with an enrolment a token of its own, unless that is under way or failed.
    mutating func offerOwnToken(to position: Int, over link: Link, at now: Moment, _ effects: inout Effects) {
        guard case .enrolment(let id) = link.credential, let enrolment = enrolments[id],
            let claim = ownTokens.claim(of: records[position].uid, by: id),
            records[position].decisions.settings.desired?.token != claim.id
        else { return }
        let caller = Caller(name: "enrolment \(enrolment.label)", address: link.address)
        if case .success(let command) = desireToken(claim.id, at: position, by: caller, at: now, &effects) {
            written(command)
        }
    }

    /// Makes it the desired of an agent that it has this token, besides what else is desired of its connection.
    ///
    /// - Returns: the id of the command that carries it.
    mutating func desireToken(
        _ id: UInt64, at position: Int, by caller: Caller, at now: Moment, _ effects: inout Effects
    ) -> Result<String, Problem> {
        let record = records[position]
        let offering = record.decisions.settings
        let request: OfferRequest
        if let base = [offering.desired, offering.fallback].compactMap(\.self).first(where: { $0.state != .failed }) {
            request = OfferRequest(token: id, besides: base)
        } else {
            var content = OpAMPConnectionSettings()
            content.destinationEndpoint = settings.endpoint(over: vitals[position].transport)
            if record.facts.capabilities.contains(.reportsHeartbeat) {
                content.heartbeatIntervalSeconds = UInt64(offering.taken ?? Fleet.defaultHeartbeatSeconds)
            }
            request = OfferRequest(token: id, besides: content)
        }
        let command = Fleet.newID()
        switch decide(request, for: record.uid, id: command, caller: caller, at: now, &effects) {
        case .success: return .success(command)
        case .failure(let problem): return .failure(problem)
        }
    }

    /// Makes a token to hand over to an agent now. It is on disk, as a digest, with the changes of these effects.
    ///
    /// - Parameter id: that of a token which exists, or of one that begins with this.
    mutating func makeToken(
        _ id: UInt64, for uid: InstanceUID, at now: Moment, _ effects: inout Effects
    ) -> AgentSecret {
        let secret = AgentSecret(.own, id: id)
        var token = ownTokens[id] ?? OwnToken(id: id, uid: uid, at: now.wall, enrolment: nil)
        token.add(secret.digest)
        if let dropped = ownTokens.insert(token) { effects.changes.append(.ownTokensGone([dropped])) }
        effects.changes.append(.ownToken(token))
        return secret
    }

    // MARK: - Ends

    /// Ends the tokens of an agent, and what would offer it one; its connection, if it came with one, ends too.
    ///
    /// - Returns: the tokens that it had.
    mutating func revokeTokens(
        of uid: InstanceUID, at now: Moment, _ effects: inout Effects
    ) -> [OwnToken] {
        let tokens = ownTokens.tokens(of: uid)
        for token in tokens {
            ownTokens.revoke(token.id)
            effects.changes.append(.ownTokenRevoked(token.id, at: now.wall))
        }
        guard !tokens.isEmpty, let position = index.position(of: uid) else { return tokens }
        dropTokenOffers(at: position, now, &effects)
        vitals[position].identity = nil
        note("token_revoked", position, nil, now, &effects)
        guard let link = links[position], link.credential.isOwn else { return tokens }
        part(position, "token revoked", at: now, &effects)
        if !isUsed(link, besides: uid) { effects.closes.append(link) }
        links[position] = nil
        return tokens
    }

    /// Takes over what another process changed in the store: enrolments it made, and what it revoked.
    mutating func merge(
        _ stored: [StoredEnrolment], revokedTokens: [UInt64], at now: Moment, _ effects: inout Effects
    ) {
        for id in enrolments.merge(stored, at: now.wall) { endClaims(of: id, at: now, &effects) }
        for id in revokedTokens {
            guard let token = ownTokens[id] else { continue }
            _ = revokeTokens(of: token.uid, at: now, &effects)
        }
    }

    /// Ends what was enrolled with an enrolment and has not shown its own token.
    ///
    /// - Returns: the tokens that ended.
    @discardableResult
    mutating func endClaims(of id: UInt64, at now: Moment, _ effects: inout Effects) -> [OwnToken] {
        let uids = Set(ownTokens.claims(by: id).map(\.uid)).filter { !ownTokens.isShown(of: $0) }
        return uids.sorted().flatMap { revokeTokens(of: $0, at: now, &effects) }
    }

    /// What becomes of the tokens of an agent that is forgotten.
    mutating func forgetTokens(of uid: InstanceUID, keeping: Bool, at now: Moment, _ effects: inout Effects) {
        let tokens = ownTokens.tokens(of: uid)
        guard !tokens.isEmpty else { return }
        guard keeping else {
            for token in tokens { ownTokens.remove(token.id) }
            return effects.changes.append(.ownTokensGone(tokens.map(\.id)))
        }
        for var token in tokens {
            token.forgottenAt = now.wall
            ownTokens.insert(token)
            effects.changes.append(.ownToken(token))
        }
    }

    /// An agent that has a token comes, for the first time or after it was forgotten.
    mutating func tokenOwnerCame(_ uid: InstanceUID, at position: Int, _ now: Moment, _ effects: inout Effects) {
        for var token in ownTokens.tokens(of: uid) {
            if let id = token.enrolment, token.forgottenAt == nil {
                note("enrolled", position, "with enrolment \(enrolments[id]?.label ?? id.hexDigits)", now, &effects)
            }
            guard token.forgottenAt != nil else { continue }
            token.forgottenAt = nil
            ownTokens.insert(token)
            effects.changes.append(.ownToken(token))
        }
    }

    /// Tokens that nobody will ask for any more: of agents that never came, and of those that were forgotten long ago.
    mutating func dropOldTokens(at now: Moment, _ effects: inout Effects) {
        let old = ownTokens.all.filter { token in
            if let time = token.forgottenAt { return now.wall - time > KeptLabels.time }
            return index.position(of: token.uid) == nil && now.wall - token.issuedAt > Self.unshownTime
        }
        guard !old.isEmpty else { return }
        for token in old { ownTokens.remove(token.id) }
        effects.changes.append(.ownTokensGone(old.map(\.id)))
    }

    /// How long a token waits for an agent that was never heard.
    static let unshownTime = Duration.seconds(7 * 86_400)
}

extension StoredEnrolment {
    /// Why it lets no further agent in.
    func refusal(at now: Timestamp) -> String {
        switch state(at: now) {
        case .active: "the enrolment token can be used"
        case .usedUp: "the enrolment token has been used for as many agents as it may"
        case .expired: "the enrolment token has expired; ask for a new one"
        case .revoked: "the enrolment token was revoked; ask for a new one"
        }
    }
}

extension AgentCredential {
    /// Whether it is that of one agent, or leads to one.
    var isOwn: Bool {
        switch self {
        case .token, .enrolment: true
        case .none, .shared, .certificate: false
        }
    }

    var isEnrolment: Bool { if case .enrolment = self { true } else { false } }

    /// What it says of who the agent is; nil: nothing was asked.
    var identity: AgentIdentity? {
        switch self {
        case .none: nil
        case .shared, .enrolment: .unverified
        case .token, .certificate: .verified
        }
    }

    /// Who it was, as the audit has it.
    ///
    /// - Parameter uid: under which it spoke.
    func name(_ uid: InstanceUID) -> String {
        switch self {
        case .none, .shared: "agent \(uid)"
        case .enrolment(let id): "enrolment \(id.hexDigits)"
        case .token(let id, _): "token \(id.hexDigits)"
        case .certificate(let named): "certificate of \(named)"
        }
    }
}

extension Link {
    /// Where from, as the audit has it.
    var address: String { remoteAddress ?? "unknown" }
}

extension OfferRequest {
    /// Asks for a token to be offered besides what is offered to an agent already.
    fileprivate init(token: UInt64, besides base: Offer) {
        self.init(
            kind: .settings, command: .connectionSettings, hash: base.plainHash, body: nil, copyOf: base.hash,
            revision: ConfigRevision())
        (heartbeatSeconds, isEndpointFilled) = (base.heartbeatSeconds, base.isEndpointFilled)
        self.token = token
    }

    /// Asks for a token to be offered besides these settings.
    fileprivate init(token: UInt64, besides settings: OpAMPConnectionSettings) {
        self.init(
            kind: .settings, command: .connectionSettings, hash: settings.offerHash, body: settings.stored,
            revision: ConfigRevision())
        heartbeatSeconds = Int(settings.heartbeatIntervalSeconds)
        isEndpointFilled = !settings.destinationEndpoint.isEmpty
        self.token = token
    }
}
