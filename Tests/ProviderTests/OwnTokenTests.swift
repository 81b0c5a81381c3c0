import FleetAPI
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

/// Tokens of agents after they were enrolled: others instead, their end, and settings beside them.
@Suite struct OwnTokenTests {
    private func position(_ stage: Stage, _ agent: Reporter) throws -> Int {
        try #require(stage.state.position(of: agent.uid))
    }

    /// A person has another token offered.
    private func rotate(_ stage: inout Stage, _ agent: Reporter) throws -> String {
        let position = try position(stage, agent)
        let id = try stage.state.desireToken(
            .randomID(), at: position, by: Stage.people, at: stage.now, &stage.effects
        ).get()
        stage.state.written(id)
        stage.state.push(to: agent.uid, at: stage.now, &stage.effects)
        return id
    }

    @Test func `of two tokens the former is good until the agent shows the other`() throws {
        var (stage, agent) = (Stage(), Reporter.enrolling())
        let (token, link) = try stage.verified(&agent, over: .webSocket)
        let command = try rotate(&stage, agent)
        let other = try stage.handedOver().token
        #expect(other != token && stage.command(command)?.state == .sent)
        #expect(stage.reply(to: agent.beat(), over: link).ending == nil, "the former one is good")
        #expect(throws: Never.self) { try stage.credential(token) }
        #expect(stage.reply(to: agent.full(), over: try stage.link(other, over: .webSocket)).ending == nil)
        #expect(throws: FleetState.TokenRefusal.self) { try stage.credential(token) }
        #expect(stage.command(command)?.state == .confirmed)
        #expect(stage.reply(to: agent.beat(), over: link).ending == .forbidden, "so is what was opened with it")
    }

    @Test func `an agent without one is offered its first by a person`() throws {
        var (stage, agent) = (Stage(), Reporter.enrolling())
        let shared = Link(transport: .webSocket, remoteAddress: nil, credential: .shared, push: { _ in })
        stage.send(agent.full(), over: shared)
        _ = try rotate(&stage, agent)
        let token = try stage.handedOver().token
        #expect(stage.reply(to: agent.full(), over: try stage.link(token, over: .webSocket)).ending == nil)
        #expect(stage.identity(agent.uid) == .verified)
        #expect(stage.reply(to: agent.beat(), over: shared).ending == .forbidden)

        var unable = Reporter(2)
        unable.host = "db-1"
        stage.send(unable.full(), over: webSocket())
        let refused = stage.state.desireToken(
            .randomID(), at: try position(stage, unable), by: Stage.people, at: stage.now, &stage.effects)
        #expect(throws: Problem.self) { try refused.get() }
    }

    @Test func `a revoked token ends its connection and opens nothing more, and the agent can be enrolled again`()
        throws
    {
        var (stage, agent) = (Stage(), Reporter.enrolling())
        let (token, link) = try stage.verified(&agent, over: .webSocket)
        _ = try rotate(&stage, agent)
        let other = try stage.handedOver().token
        stage.forgetEffects()
        let ended = stage.state.revokeTokens(of: agent.uid, at: stage.now, &stage.effects)
        #expect(ended.count == 2 && stage.effects.closes.contains { $0 === link })
        #expect(stage.vitals(agent.uid)?.status == .disconnected && stage.identity(agent.uid) == nil)
        #expect(stage.reply(to: agent.beat(), over: link).ending == .forbidden)
        for gone in [token, other] {
            #expect(throws: FleetState.TokenRefusal(reason: "the token was revoked; enrol the agent again")) {
                try stage.credential(gone)
            }
        }
        #expect(stage.state.records[0].decisions.settings.desired?.token == nil, "it is not offered any more")
        #expect(stage.events.contains("token_revoked"))
        let issued = try stage.enrolment()
        #expect(stage.reply(to: agent.full(), over: try stage.link(issued.token, over: .webSocket)).ending == nil)
        #expect(
            stage.reply(to: agent.full(), over: try stage.link(stage.handedOver().token, over: .http)).ending == nil)
        #expect(stage.identity(agent.uid) == .verified)
    }

    @Test func `an agent that was forgotten by a person has to be enrolled again, by time it comes back`() throws {
        var (stage, agent) = (Stage(), Reporter.enrolling())
        stage.state.settings.approvalRequired = true
        let (token, _) = try stage.verified(&agent)
        var away = stage
        away.state.forget(try position(stage, agent), keepsTokens: true, at: away.now, &away.effects)
        #expect(away.state.ownTokens.token(of: agent.uid)?.forgottenAt == away.now.wall)
        away.now = away.now + .seconds(89 * 86_400)
        away.state.dropOldTokens(at: away.now, &away.effects)
        var back = away
        #expect(
            !back.send(agent.full(), over: try back.link(token, over: .http)).hasErrorResponse, "nobody asks it to wait"
        )
        #expect(back.state.ownTokens.token(of: agent.uid)?.forgottenAt == nil)
        away.now = away.now + .seconds(2 * 86_400)
        away.state.dropOldTokens(at: away.now, &away.effects)
        #expect(away.state.ownTokens.isEmpty)

        stage.state.forget(try position(stage, agent), keepsTokens: false, at: stage.now, &stage.effects)
        #expect(stage.state.ownTokens.isEmpty)
        #expect(throws: FleetState.TokenRefusal.self) { try stage.credential(token) }
    }

    @Test func `an enrolment that is revoked ends what has not come to a token of its own`() throws {
        var (stage, done, begun) = (Stage(), Reporter.enrolling(1), Reporter.enrolling(2))
        (done.host, begun.host) = ("a", "b")
        let issued = try stage.enrolment(uses: 3)
        stage.send(done.full(), over: try stage.link(issued.token, over: .http))
        stage.send(done.full(), over: try stage.link(stage.handedOver().token, over: .http))
        let link = try stage.link(issued.token, over: .webSocket)
        stage.send(begun.full(), over: link)
        var revoked = try #require(stage.state.enrolments[UInt64(hexDigits: issued.id)!])
        revoked.revokedAt = stage.now.wall
        stage.forgetEffects()
        // As it comes from another process.
        stage.state.merge([revoked], revokedTokens: [], at: stage.now, &stage.effects)
        #expect(stage.state.ownTokens.isShown(of: done.uid) && stage.state.ownTokens.token(of: begun.uid) == nil)
        #expect(stage.effects.closes.contains { $0 === link })
        #expect(throws: FleetState.TokenRefusal(reason: "the enrolment token was revoked; ask for a new one")) {
            try stage.credential(issued.token)
        }
        #expect(!stage.state.isInForce(link.credential))
        #expect(stage.reply(to: begun.beat(), over: link).ending == .forbidden)
    }

    @Test func `what is desired of the connection goes on beside a token`() throws {
        var (stage, agent) = (Stage(), Reporter.enrolling())
        stage.send(agent.full(), over: exchange())
        var settings = OpAMPConnectionSettings()
        settings.heartbeatIntervalSeconds = 5
        var request = OfferRequest(
            kind: .settings, command: .heartbeat, hash: settings.offerHash, body: settings.stored,
            revision: ConfigRevision())
        request.heartbeatSeconds = 5
        _ = try stage.state.decide(
            request, for: agent.uid, id: "h", caller: Stage.people, at: stage.now, &stage.effects
        ).get()
        let issued = try stage.enrolment()
        stage.send(agent.full(), over: try stage.link(issued.token, over: .http))
        let desired = try #require(stage.state.records[0].decisions.settings.desired)
        #expect(desired.heartbeatSeconds == 5 && desired.plainHash == settings.offerHash)
        let handedOver = try stage.handedOver().hash
        #expect(desired.hash != settings.offerHash && desired.hash == handedOver)
        #expect(
            stage.effects.changes.contains {
                if case .copyConfig(settings.offerHash, desired.hash) = $0 { true } else { false }
            })
        #expect(stage.command("h")?.state == .cancelled, "what was queued goes out with it")
    }

    @Test func `headers of a person do not take the token away, unless one of them authenticates`() throws {
        var (stage, agent) = (Stage(), Reporter.enrolling())
        _ = try stage.verified(&agent)
        func desired(_ name: String, _ stage: inout Stage) throws -> Offer {
            var settings = OpAMPConnectionSettings()
            settings.headers.headers = [.with { ($0.key, $0.value) = (name, "x") }]
            var request = OfferRequest(
                kind: .settings, command: .connectionSettings, hash: settings.offerHash, body: settings.stored,
                revision: ConfigRevision())
            request.hasHeaders = true
            request.hasAuthorization = settings.headers.headers.contains { $0.isAuthorization }
            _ = try stage.state.decide(
                request, for: agent.uid, id: name, caller: Stage.people, at: stage.now, &stage.effects
            ).get()
            return try #require(stage.state.records[0].decisions.settings.desired)
        }
        let authorized = try desired("authorization", &stage)
        #expect(authorized.token == nil)
        let site = try desired("X-Site", &stage)
        #expect(site.token != nil && site.contentHash != nil)
        let same = try desired("X-Site", &stage)
        #expect(same == site, "the same again is the same offer")
    }

    @Test func `a token goes with the headers of the settings, in place of one of the same name`() {
        var settings = OpAMPConnectionSettings()
        settings.headers.headers = [
            .with { ($0.key, $0.value) = ("AUTHORIZATION", "Bearer old") },
            .with { ($0.key, $0.value) = ("X-Site", "a") },
        ]
        let secret = AgentSecret(.own, id: 7)
        settings.authorize(with: secret)
        #expect(settings.headers.headers.map(\.key) == ["X-Site", "Authorization"])
        #expect(settings.headers.headers.last?.value == "Bearer \(secret.text)")
    }
}
