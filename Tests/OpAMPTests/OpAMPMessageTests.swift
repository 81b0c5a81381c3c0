import OpAMP
import SwiftProtobuf
import TestSupport
import Testing

@Suite struct OpAMPMessageTests {
    private static let report = AgentToServer.with {
        $0.instanceUid = InstanceUID(high: 1, low: 2).data
        $0.sequenceNum = 7
        $0.capabilities = AgentCapabilities([.reportsStatus, .acceptsRestartCommand]).rawValue
        $0.agentDescription.identifyingAttributes = [KeyValue("service.name", "fluent-bit")]
        $0.health.componentHealthMap["pipeline"] = .with { $0.lastError = "é" }
    }

    @Test func `a frame is a zero byte and the protobuf`() throws {
        let heartbeat = AgentToServer.with {
            $0.instanceUid = InstanceUID(high: 0, low: 0xff).data
            $0.sequenceNum = 300
        }
        let uid = [0x0a, 16] + [UInt8](repeating: 0, count: 15) + [0xff]
        #expect(try heartbeat.frame() == [0] + uid + [0x10, 0xac, 0x02])
        #expect(try heartbeat.body() == uid + [0x10, 0xac, 0x02])
    }

    @Test func `a message is the same after both transports, with and without the header`() throws {
        let report = Self.report
        #expect(try AgentToServer(frame: report.frame()) == report)
        #expect(try AgentToServer(frame: report.body()) == report)
        #expect(try AgentToServer(body: report.body()) == report)
    }

    @Test func `a header alone and an empty body are messages without fields, an empty frame is none`() throws {
        #expect(try AgentToServer(frame: [0]) == AgentToServer())
        #expect(try ServerToAgent(body: []) == ServerToAgent())
        #expect(throws: OpAMPError.empty) { try AgentToServer(frame: []) }
    }

    @Test(arguments: 1...7 as ClosedRange<UInt8>)
    func `another header is refused by its number`(header: UInt8) throws {
        let frame = [header] + (try Self.report.body())
        #expect(throws: OpAMPError.unsupportedHeader(header)) { try AgentToServer(frame: frame) }
    }

    @Test func `the limit counts every byte, both ways, before anything is decoded`() throws {
        let frame = try Self.report.frame()
        #expect(try AgentToServer(frame: frame, limit: frame.count) == Self.report)
        #expect(try Self.report.frame(limit: frame.count) == frame)
        let tooLarge = OpAMPError.tooLarge(bytes: frame.count, limit: frame.count - 1)
        #expect(throws: tooLarge) { try AgentToServer(frame: frame, limit: frame.count - 1) }
        #expect(throws: tooLarge) {
            try AgentToServer(frame: [UInt8](repeating: 0xff, count: frame.count), limit: frame.count - 1)
        }
        #expect(throws: OpAMPError.self) { try Self.report.frame(limit: frame.count - 1) }
        #expect(throws: OpAMPError.self) { try Self.report.body(limit: frame.count - 2) }
    }

    @Test func `a cut message is malformed or shorter, never a trap`() throws {
        let frame = try Self.report.frame()
        var refused = 0
        for length in 1..<frame.count {
            do {
                #expect(try AgentToServer(frame: frame.prefix(length)) != Self.report)
            } catch .malformed {
                refused += 1
            }
        }
        #expect(refused > frame.count / 2)
    }

    @Test func `random bytes and flipped bits are a message or an error, never a trap`() throws {
        var random = SeededRandom()
        let frame = try Self.report.frame()
        var (messages, errors) = (0, 0)
        for round in 0..<4_000 {
            var bytes = frame
            if round.isMultiple(of: 2) {
                bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in .random(in: 0...255, using: &random) }
            } else {
                for _ in 0..<Int.random(in: 1...8, using: &random) {
                    bytes[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
                }
            }
            do {
                _ = try AgentToServer(frame: bytes).body()
                messages += 1
            } catch {
                #expect(!error.description.isEmpty)
                errors += 1
            }
        }
        #expect(messages + errors == 4_000)
        #expect(errors > 1_000)
    }

    @Test func `nesting without end is refused`() throws {
        var health = ComponentHealth()
        for _ in 0..<200 {
            health = .with { $0.componentHealthMap["a"] = health }
        }
        let body = try AgentToServer.with { $0.health = health }.body()
        #expect(throws: OpAMPError.self) { try AgentToServer(body: body) }
    }
}
