import FleetAPI
import HTTP
import JSON
import Logging
import OpAMP
import Testing

@testable import Provider

/// What agents are told when the provider stops. Spec: OpAMP, "Throttling".
@Suite(.timeLimit(.minutes(5))) struct StopTests {
    @Test func `when the provider stops, agents are told when to come again, then the WebSocket is closed with 1001`()
        async throws
    {
        try await TransportTestProvider.with { provider in
            var (one, two) = (Reporter(1), Reporter(2))
            try await TransportTestConnection.with(port: provider.port) { connection in
                _ = try await connection.upgrade()
                // Two agents of a gateway share the connection.
                for message in [one.full(), two.full()] {
                    try await connection.sendFrame(2, try message.frame())
                    _ = try await connection.message()
                }
                await provider.stop()
                for uid in [one.uid, two.uid] {
                    let message = try await connection.message()
                    #expect(message.instanceUid == uid.data)
                    #expect(message.errorResponse.type == .unavailable)
                    let nanoseconds = message.errorResponse.retryInfo.retryAfterNanoseconds
                    #expect(nanoseconds == UInt64(RetryHint.afterStop(uid).nanoseconds))
                }
                #expect(try await connection.frame().code == 1001)
                try await connection.sendFrame(8, [3, 233])
                _ = try await connection.rest()
            }
        }
    }

    @Test func `a connection that the provider ends is not called lost`() async throws {
        let fleet = try Fleet(
            dataDirectory: nil, version: "1", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let links = [webSocket(), webSocket()]
        for (number, link) in links.enumerated() {
            var agent = Reporter(UInt64(number))
            fleet.receive(agent.full(), over: link) { _ in }
        }
        fleet.closed(links[0])
        fleet.metrics.listeners.stop()
        fleet.closed(links[1])
        await fleet.store.settled()
        let events = try await fleet.store.events(EventSelection(kinds: ["disconnected"]), limit: 9)
        #expect(events.map(\.text) == ["the provider was stopped", "connection lost"])
    }

    @Test func `while the provider stops, an agent over HTTP is answered 503 with Retry-After`() async throws {
        try await TransportTestProvider.with { provider in
            var agent = Reporter(1)
            let (first, last) = (try agent.full().body(), try agent.beat().body())
            try await TransportTestConnection.with(port: provider.port) { connection in
                #expect(try await connection.post(first).status == 200)
                provider.fleet.metrics.listeners.stop()
                let answer = try await connection.post(last)
                #expect(answer.status == 503)
                let message = try ServerToAgent(body: answer.body)
                #expect(message.errorResponse.type == .unavailable && message.instanceUid == agent.uid.data)
                let seconds = try #require(answer.fields["retry-after"].flatMap { Int($0) })
                #expect((1...30).contains(seconds))
            }
            // What was not taken is not counted as heard.
            #expect(try await provider.fleet.detail(agent.uid.description, include: []).sequence == "1")
        }
    }

    @Test func `agents come again within 1 to 30 seconds, spread evenly, each always at the same time`() {
        var perSecond = [Int](repeating: 0, count: 31)
        for number: UInt64 in 0..<30_000 {
            let uid = Reporter(number).uid
            let hint = RetryHint.afterStop(uid)
            #expect(hint == RetryHint.afterStop(uid))
            #expect((.seconds(1) ... .seconds(30)).contains(hint))
            perSecond[Int(hint.components.seconds)] += 1
        }
        // A thousand each, but for the 30th second, which is one moment.
        #expect(perSecond[1..<30].allSatisfy { (850...1200).contains($0) }, "\(perSecond)")
    }
}
