import FleetAPI
import HTTP
import NIOCore
import TestSupport
import Testing

@testable import Provider

@Suite(.timeLimit(.minutes(2))) struct PeerLimitTests {
    @Test func `a bucket lets a burst through, then one each interval, and each key has its own`() {
        var limiter = RateLimiter<String>(Rate(burst: 3, perSecond: 10))
        #expect((1...4).map { _ in limiter.take("a", at: 0) } == [nil, nil, nil, .milliseconds(100)])
        #expect(limiter.take("b", at: 0) == nil)
        #expect(limiter.take("a", at: 60_000_000) == .milliseconds(40))
        #expect(limiter.take("a", at: 100_000_000) == nil)
        #expect(limiter.take("a", at: 100_000_000) == .milliseconds(100))
        // Silence fills it up again, never more than full.
        #expect((1...4).map { _ in limiter.take("a", at: 10_000_000_000) } == [nil, nil, nil, .milliseconds(100)])
    }

    @Test func `however many keys there are, only so many are remembered, and the newest are among them`() {
        var limiter = RateLimiter<Int>(Rate(burst: 1, perSecond: 1), generation: 100)
        for key in 0..<10_000 {
            #expect(limiter.take(key, at: 0) == nil)
            #expect(limiter.count <= 200)
        }
        for key in 9_900..<10_000 { #expect(limiter.take(key, at: 0) != nil) }
    }

    @Test func `10,000 agents behind one address connect in 5 seconds, and go on with a message a second each`() throws
    {
        let limits = PeerLimits(TransportLimits.Rates())
        let peer = PeerNetwork(try SocketAddress(ipAddress: "203.0.113.7", port: 1))
        let start = Moment.now()
        for agent in 0..<10_000 {
            let now = start + .microseconds(500 * agent)
            #expect(limits.connection(of: peer, at: now) == nil)
        }
        for message in 0..<100_000 {
            #expect(limits.request(of: peer, isAgent: true, at: start + .microseconds(100 * message)) == nil)
        }
        var refused = 0
        for _ in 0..<60_000 where limits.request(of: peer, isAgent: true, at: start) != nil { refused += 1 }
        #expect(refused > 0)
        // People have their own share.
        #expect(limits.request(of: peer, isAgent: false, at: start) == nil)
    }

    @Test(arguments: [
        ("203.0.113.7", "203.0.113.7", true), ("203.0.113.7", "203.0.113.8", false),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true), ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
        ("::ffff:203.0.113.7", "203.0.113.7", true), ("::1", "127.0.0.1", false),
    ])
    func `networks are IPv4 addresses and the halves of IPv6 ones`(first: String, second: String, isSame: Bool) throws {
        let networks = try [first, second].map { PeerNetwork(try SocketAddress(ipAddress: $0, port: 1)) }
        #expect((networks[0] == networks[1]) == isSame)
        #expect(networks.map { $0?.isLoopback } == [first, second].map { ["::1", "127.0.0.1"].contains($0) })
        #expect(PeerNetwork(nil) == nil)
    }

    @Test func `this machine is not limited`() throws {
        let limits = PeerLimits(TransportLimits.Rates())
        let peer = PeerNetwork(try SocketAddress(ipAddress: "127.0.0.1", port: 1))
        let now = Moment.now()
        for _ in 0..<5_000 { #expect(limits.request(of: peer, isAgent: false, at: now) == nil) }
    }

    @Test func `an address that asks too often is told when to come again, agents and others apart`() async throws {
        var limits = TransportLimits()
        limits.rates.isForLoopback = true
        limits.rates.requests = Rate(burst: 3, perSecond: 1)
        limits.rates.agentRequests = Rate(burst: 2, perSecond: 1)
        try await TransportTestProvider.with(limits: limits) { provider in
            var statuses: [Int] = []
            for _ in 1...20 {
                let answer = try await provider.request(.get, "/healthz")
                statuses.append(answer.status)
                guard answer.status == 429 else { continue }
                #expect(answer.header("Retry-After") == "1")
                break
            }
            #expect(statuses.last == 429 && statuses.count > 3)
            let agent = try await provider.request(.get, "/v1/opamp")
            #expect(agent.status == 426)
            #expect(provider.fleet.metricsText().contains("opamp_throttled_total{what=\"requests\"} 1\n"))
        }
    }

    @Test func `an address that connects too often gets 503, and over TLS nothing`() async throws {
        var limits = TransportLimits()
        limits.rates.isForLoopback = true
        limits.rates.connections = Rate(burst: 1, perSecond: 1)
        let authority = try TestAuthority()
        let pair = try authority.issue("own")
        for isSecure in [false, true] {
            let tls = isSecure ? try TLSContexts(TLSFiles(pair), logger: LogText().logger) : nil
            try await TransportTestProvider.with(limits: limits, tls: tls) { provider in
                var refused = false
                while !refused {
                    try Task.checkCancellation()
                    do {
                        let client = isSecure ? try authority.client() : nil
                        try await TransportTestConnection.with(port: provider.port, tls: client) { connection in
                            try await connection.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                            let answer = try await connection.answer()
                            refused = answer.status == 503 && answer.fields["retry-after"] != nil && !isSecure
                        }
                    } catch {
                        #expect(isSecure)
                        refused = true
                    }
                }
                #expect(provider.fleet.metrics.throttled.connections.value > 0)
            }
        }
    }
}
