import FleetAPI
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

/// How an agent comes to a token of its own, and what becomes of it.
@Suite struct EnrolmentLifeTests {
    private typealias Transport = AgentTransport

    @Test(arguments: [AgentTransport.http, .webSocket])
    func `an agent that shows an enrolment gets a token of its own with its first answer`(
        transport: AgentTransport
    ) throws {
        var (stage, agent) = (Stage(), Reporter.enrolling())
        let issued = try stage.enrolment()
        let reply = stage.reply(to: agent.full(), over: try stage.link(issued.token, over: transport))
        #expect(reply.ending == nil && !reply.message.hasErrorResponse)
        let delivery = try #require(stage.effects.deliveries.first)
        let token = try #require(delivery.content?.token)
        #expect(AgentSecret.form(of: token.text)?.kind == .own && delivery.content?.kind == .settings)
        #expect(stage.identity(agent.uid) == .unverified, "it has shown nothing of its own yet")
        // Its use and the digest are on disk before the token leaves, and the token itself is nowhere.
        let changes = stage.effects.changes
        #expect(changes.contains { if case .enrolmentUsed(_, 1, _) = $0 { true } else { false } })
        #expect(changes.contains { if case .ownToken(let own) = $0 { own.holds(token.digest) } else { false } })
        #expect(!"\(changes)".contains(token.text) && !"\(stage.state)".contains(token.text))
        #expect(!"\(delivery)".contains(token.text), "not even by accident")

        let own = try stage.link(token.text, over: transport)
        stage.now = stage.now + .seconds(1)
        #expect(stage.reply(to: agent.full(), over: own).ending == nil)
        #expect(stage.identity(agent.uid) == .verified)
        #expect(stage.state.ownTokens.token(of: agent.uid)?.shownAt == stage.now.wall)
        #expect(stage.command(delivery.commandID)?.state == .confirmed)
        #expect(stage.command(delivery.commandID)?.evidence == "the agent shows its token")
        #expect(stage.events.filter { ["enrolled", "token_shown"].contains($0) } == ["enrolled", "token_shown"])
        #expect(stage.audit.map(\.action) == ["enrol", "offer", "show_token"])
        #expect(stage.audit.first?.by == "agent \(agent.uid)" && stage.audit.first?.from == "10.1.2.3:4")
    }

    @Test func `a single-use enrolment lets in one agent, and another one is told so`() throws {
        var (stage, agent, other) = (Stage(), Reporter.enrolling(1), Reporter.enrolling(2))
        let issued = try stage.enrolment()
        let link = try stage.link(issued.token, over: .http)
        stage.send(agent.full(), over: link)
        let reply = stage.reply(to: other.full(), over: link)
        #expect(reply.ending == .forbidden && reply.message.errorResponse.type == .badRequest)
        #expect(reply.message.errorResponse.errorMessage.contains("has been used"))
        #expect(stage.state.position(of: other.uid) == nil && stage.state.records.count == 1)
        #expect(stage.audit.last?.outcome == "403 Forbidden" && stage.audit.last?.target == other.uid.description)
    }

    @Test func `an enrolment for several lets in so many, each under its own uid`() throws {
        var stage = Stage()
        let issued = try stage.enrolment(uses: 3)
        var tokens: Set<String> = []
        for number in 1...3 as ClosedRange<UInt64> {
            var agent = Reporter.enrolling(number)
            agent.host = "host-\(number)"
            stage.send(agent.full(), over: try stage.link(issued.token, over: .http))
            tokens.insert(try stage.handedOver().token)
        }
        #expect(tokens.count == 3)
        var late = Reporter.enrolling(4)
        #expect(stage.reply(to: late.full(), over: try stage.link(issued.token, over: .http)).ending == .forbidden)
        #expect(stage.state.enrolments[UInt64(hexDigits: issued.id)!]?.used == 3)
    }

    @Test(arguments: [AgentTransport.http, .webSocket])
    func `as long as the agent has not shown its token the enrolment works again, and what was lost comes again`(
        transport: AgentTransport
    ) throws {
        var (stage, agent) = (Stage(), Reporter.enrolling())
        let issued = try stage.enrolment()
        stage.send(agent.full(), over: try stage.link(issued.token, over: transport))
        let first = try stage.handedOver()
        stage.forgetEffects()
        stage.now = stage.now + .seconds(2)
        // The answer was lost: it comes again as it came, and gets another token of the same offer.
        #expect(stage.reply(to: agent.full(), over: try stage.link(issued.token, over: transport)).ending == nil)
        let second = try stage.handedOver()
        #expect(second.hash == first.hash && second.token != first.token)
        #expect(stage.effects.reoffers.first?.waitsForDisk == true)
        #expect(stage.state.enrolments[UInt64(hexDigits: issued.id)!]?.used == 1, "it is used once")
        // Whichever arrived is the one.
        for token in [first.token, second.token] {
            var (stage, agent) = (stage, agent)
            #expect(stage.reply(to: agent.full(), over: try stage.link(token, over: transport)).ending == nil)
            #expect(stage.identity(agent.uid) == .verified)
            #expect(throws: FleetState.TokenRefusal.self, "from now on the enrolment opens nothing") {
                try stage.credential(issued.token)
            }
        }
        #expect(throws: Never.self) { try stage.credential(first.token) }
        stage.send(agent.full(), over: try stage.link(second.token, over: transport))
        #expect(throws: FleetState.TokenRefusal.self) { try stage.credential(first.token) }
    }

    @Test func `what a link that is open showed is asked again with each message`() throws {
        var (stage, agent) = (Stage(), Reporter.enrolling())
        let issued = try stage.enrolment()
        let old = try stage.link(issued.token, over: .webSocket)
        stage.send(agent.full(), over: old)
        stage.send(agent.full(), over: try stage.link(stage.handedOver().token, over: .webSocket))
        let reply = stage.reply(to: agent.beat(), over: old)
        #expect(reply.ending == .forbidden && reply.message.errorResponse.errorMessage.contains("token of its own"))
    }

    @Test func `a claim ends with time`() throws {
        var (stage, agent) = (Stage(), Reporter.enrolling())
        let issued = try stage.enrolment(expires: "30m")
        stage.send(agent.full(), over: try stage.link(issued.token, over: .http))
        stage.now = stage.now + .seconds(3_599)
        #expect(throws: Never.self) { try stage.credential(issued.token) }
        stage.now = stage.now + .seconds(1)
        #expect(throws: FleetState.TokenRefusal(reason: "the enrolment token has expired; ask for a new one")) {
            try stage.credential(issued.token)
        }
        // The token that was on its way stays good.
        #expect(throws: Never.self) { try stage.credential(stage.handedOver().token) }
    }

    @Test func `a token speaks for one uid, wherever that moves`() throws {
        var (stage, agent, other) = (Stage(), Reporter.enrolling(1), Reporter.enrolling(2))
        let (token, link) = try stage.verified(&agent)
        let refused = stage.reply(to: other.full(), over: try stage.link(token, over: .http))
        #expect(refused.ending == .forbidden)
        #expect(
            refused.message.errorResponse.errorMessage == "the token is that of agent \(agent.uid), not of \(other.uid)"
        )
        #expect(stage.state.position(of: other.uid) == nil)
        // A uid that it asked for, and goes on under.
        var asking = agent.beat()
        asking.flags = AgentToServerFlags.requestInstanceUID.rawValue
        let new = try #require(
            InstanceUID(bytes: stage.send(asking, over: link).agentIdentification.newInstanceUid))
        let stranger = stage.reply(to: renamed(&other, new), over: exchange())
        #expect(stranger.ending == .forbidden && stage.state.position(of: new) == nil, "nobody else takes it")
        #expect(stage.reply(to: renamed(&agent, new), over: try stage.link(token, over: .http)).ending == nil)
        #expect(stage.state.ownTokens.token(of: new)?.uid == new)
        #expect(stage.state.ownTokens.token(of: agent.uid) == nil)
        #expect(stage.reply(to: renamed(&agent, new), over: try stage.link(token, over: .http)).ending == nil)
        // Under its former uid it is known by its token, whatever its numbers and names are.
        var former = Reporter.enrolling(1)
        former.host = "elsewhere"
        let back = stage.reply(to: former.full(), over: try stage.link(token, over: .http))
        #expect(back.message.agentIdentification.newInstanceUid == new.data && stage.state.records.count == 1)
    }

    private func renamed(_ agent: inout Reporter, _ uid: InstanceUID) -> AgentToServer {
        var message = agent.beat()
        message.instanceUid = uid.data
        return message
    }

    @Test(arguments: [AgentCredential.none, .shared])
    func `an agent with a token of its own is heard with that alone`(credential: AgentCredential) throws {
        var (stage, agent) = (Stage(), Reporter.enrolling())
        func link() -> Link { Link(transport: .http, remoteAddress: nil, credential: credential, push: nil) }
        stage.send(agent.full(), over: link())
        #expect(stage.identity(agent.uid) == (credential == .shared ? .unverified : nil))
        let issued = try stage.enrolment()
        stage.send(agent.full(), over: try stage.link(issued.token, over: .http))
        #expect(stage.reply(to: agent.full(), over: link()).ending == nil, "until it has shown one")
        stage.send(agent.full(), over: try stage.link(stage.handedOver().token, over: .http))
        let seen = stage.vitals(agent.uid)?.sequence
        stage.now = stage.now + .seconds(1)
        let reply = stage.reply(to: agent.full(), over: link())
        #expect(reply.ending == .forbidden && stage.vitals(agent.uid)?.sequence == seen)
        #expect(stage.identity(agent.uid) == .verified)
    }

    @Test func `a certificate speaks for the agent that it names, also after that took another uid`() throws {
        var (stage, agent, other) = (Stage(), Reporter(1), Reporter(2))
        func link() -> Link {
            Link(transport: .http, remoteAddress: nil, credential: .certificate(Reporter(1).uid), push: nil)
        }
        #expect(stage.reply(to: agent.full(), over: link()).ending == nil)
        #expect(stage.identity(agent.uid) == .verified)
        #expect(stage.reply(to: other.full(), over: link()).ending == .forbidden)
        var asking = agent.beat()
        asking.flags = AgentToServerFlags.requestInstanceUID.rawValue
        let new = try #require(
            InstanceUID(bytes: stage.send(asking, over: link()).agentIdentification.newInstanceUid))
        for _ in 1...2 { #expect(stage.reply(to: renamed(&agent, new), over: link()).ending == nil) }
        #expect(stage.state.position(of: new) == 0)
    }

    @Test func `an agent that cannot be offered settings is told the way out, and uses up nothing`() throws {
        var (stage, agent) = (Stage(), Reporter())
        let issued = try stage.enrolment()
        let reply = stage.reply(to: agent.full(), over: try stage.link(issued.token, over: .http))
        #expect(reply.ending == .forbidden)
        #expect(reply.message.errorResponse.errorMessage.contains("POST /v1/opamp/enrol"))
        #expect(stage.state.enrolments[UInt64(hexDigits: issued.id)!]?.used == 0 && stage.state.records.isEmpty)
    }

    @Test func `who is enrolled need not wait for approval, and who waits is let in`() throws {
        var (stage, agent, waiting) = (Stage(), Reporter.enrolling(1), Reporter.enrolling(2))
        stage.state.settings.approvalRequired = true
        (agent.host, waiting.host) = ("a", "b")
        let issued = try stage.enrolment(uses: 2)
        #expect(!stage.send(agent.full(), over: try stage.link(issued.token, over: .http)).hasErrorResponse)
        #expect(stage.send(waiting.full(), over: exchange()).errorResponse.type == .unavailable)
        #expect(stage.state.pendingCount == 1)
        #expect(!stage.send(waiting.full(), over: try stage.link(issued.token, over: .http)).hasErrorResponse)
        #expect(stage.state.records.allSatisfy { $0.decisions.admission == .approved } && stage.state.pendingCount == 0)
        #expect(stage.events.contains("approved"))
    }

    @Test func `an enrolment does not let a blocked agent in`() throws {
        var (stage, agent) = (Stage(), Reporter.enrolling())
        stage.send(agent.full(), over: exchange())
        let position = try #require(stage.state.position(of: agent.uid))
        _ = stage.state.decide(.block, at: position, by: Stage.people, stage.now, &stage.effects)
        let issued = try stage.enrolment()
        let reply = stage.reply(to: agent.full(), over: try stage.link(issued.token, over: .http))
        #expect(reply.ending == .forbidden && reply.message.errorResponse.errorMessage.contains("blocked"))
        #expect(stage.state.enrolments[UInt64(hexDigits: issued.id)!]?.used == 0)
    }
}
