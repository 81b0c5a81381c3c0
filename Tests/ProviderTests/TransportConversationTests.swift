import NIOCore
import NIOWebSocket
import OpAMP
import Provider
import SwiftProtobuf
import Testing
import TestSupport

private let mask: WebSocketMaskingKey = [1, 2, 3, 4]

private func frame(_ opcode: WebSocketOpcode, _ bytes: [UInt8] = [], fin: Bool = true) -> WebSocketFrame {
    var data = ByteBuffer(bytes: bytes)
    data.webSocketMask(mask)
    return WebSocketFrame(fin: fin, opcode: opcode, maskKey: mask, data: data)
}

private let message = AgentToServer.with {
    $0.instanceUid = InstanceUID(high: 7, low: 9).data
    $0.sequenceNum = 3
}

@Test func `a message in one frame is received`() throws {
    var conversation = AgentConversation(limit: 100)
    #expect(conversation.received(frame(.binary, try message.frame())) == .receive(message))
}

@Test func `a message in fragments is received whole, with a ping between them`() throws {
    let bytes = try message.frame()
    for cut in 0...bytes.count {
        var conversation = AgentConversation(limit: 100)
        #expect(conversation.received(frame(.binary, Array(bytes[..<cut]), fin: false)) == .nothing)
        #expect(conversation.received(frame(.ping, [1])) == .pong(ByteBuffer(bytes: [1])))
        #expect(conversation.received(frame(.continuation, [], fin: false)) == .nothing)
        #expect(conversation.received(frame(.continuation, Array(bytes[cut...]))) == .receive(message))
    }
}

@Test(arguments: [[], [5], [0, 0xff], [0, 10, 200], [0x80], [0, 16, 0x80]] as [[UInt8]])
func `what is no message is refused, and the next one is received`(bytes: [UInt8]) throws {
    var conversation = AgentConversation(limit: 100)
    guard case .refuse(let error) = conversation.received(frame(.binary, bytes)) else {
        Issue.record("not refused")
        return
    }
    let answer = ServerToAgent.badRequest(error.description)
    #expect(answer.errorResponse.type == .badRequest)
    #expect(!answer.errorResponse.errorMessage.isEmpty)
    #expect(conversation.received(frame(.binary, try message.frame())) == .receive(message))
}

@Test func `a message over the limit closes with 1009, however it is cut`() throws {
    let limit = try message.frame().count
    var atLimit = AgentConversation(limit: limit)
    #expect(atLimit.received(frame(.binary, try message.frame())) == .receive(message))
    var whole = AgentConversation(limit: limit - 1)
    #expect(whole.received(frame(.binary, try message.frame())) == .close(.messageTooLarge))
    var fragments = AgentConversation(limit: 10)
    #expect(fragments.received(frame(.binary, [0, 1, 2, 3, 4, 5], fin: false)) == .nothing)
    #expect(fragments.received(frame(.continuation, [0, 1, 2, 3, 4], fin: false)) == .close(.messageTooLarge))
    var undecoded = AgentConversation(limit: 10)
    #expect(undecoded.failed(NIOWebSocketError.invalidFrameLength) == .close(.messageTooLarge))
}

@Test func `a text frame closes with 1003`() {
    var conversation = AgentConversation(limit: 100)
    #expect(conversation.received(frame(.text, Array("hello".utf8))) == .close(.unacceptableData))
}

@Test func `breaches of the protocol close with 1002`() {
    let unmasked = WebSocketFrame(fin: true, opcode: .binary, data: ByteBuffer(bytes: [0]))
    var reserved = frame(.binary, [0])
    reserved.rsv1 = true
    let unknown = frame(WebSocketOpcode(encodedWebSocketOpcode: 3)!, [])
    for wrong in [unmasked, reserved, unknown, frame(.continuation)] {
        var conversation = AgentConversation(limit: 100)
        #expect(conversation.received(wrong) == .close(.protocolError))
    }
    var interrupted = AgentConversation(limit: 100)
    #expect(interrupted.received(frame(.binary, [0], fin: false)) == .nothing)
    #expect(interrupted.received(frame(.binary, [0])) == .close(.protocolError))
    var undecoded = AgentConversation(limit: 100)
    #expect(undecoded.failed(NIOWebSocketError.multiByteControlFrameLength) == .close(.protocolError))
}

@Test func `the agent's Close is answered with its own code, and nothing follows`() throws {
    var conversation = AgentConversation(limit: 100)
    let code: [UInt8] = [0x03, 0xe8]
    #expect(conversation.received(frame(.connectionClose, code)) == .answerClose(ByteBuffer(bytes: code)))
    #expect(conversation.isClosing)
    #expect(conversation.close(.goingAway) == .nothing)
    #expect(conversation.received(frame(.binary, try message.frame())) == .nothing)
}

@Test func `our Close is sent once, and the agent's ends the connection`() throws {
    var conversation = AgentConversation(limit: 100)
    #expect(conversation.close(.goingAway) == .close(.goingAway))
    #expect(conversation.close(.goingAway) == .nothing)
    #expect(conversation.failed(NIOWebSocketError.invalidFrameLength) == .nothing)
    #expect(conversation.received(frame(.binary, try message.frame())) == .nothing)
    #expect(conversation.received(frame(.connectionClose)) == .end)
}

@Test func `three unanswered pings are the end, and any frame is a sign of life`() {
    var conversation = AgentConversation(limit: 100)
    for _ in 1...3 { #expect(conversation.beat() == .ping) }
    #expect(conversation.received(frame(.pong)) == .nothing)
    for _ in 1...3 { #expect(conversation.beat() == .ping) }
    #expect(conversation.beat() == .giveUp)
}

@Test func `an agent that has spoken since the last beat is not pinged, one that only answered pings is`() throws {
    var conversation = AgentConversation(limit: 100)
    for _ in 1...5 {
        #expect(conversation.received(frame(.binary, try message.frame())) == .receive(message))
        #expect(conversation.beat() == .rest)
    }
    #expect(conversation.beat() == .ping)
    #expect(conversation.received(frame(.pong)) == .nothing)
    #expect(conversation.beat() == .ping)
}

@Test func `a message that does not end is the end, though pings are answered`() throws {
    var conversation = AgentConversation(limit: 100)
    for _ in 1...2 {
        #expect(conversation.received(frame(.binary, [0], fin: false)) == .nothing)
        for _ in 1...3 {
            #expect(conversation.beat() == .rest)
            #expect(conversation.received(frame(.pong)) == .nothing)
            #expect(conversation.received(frame(.continuation, [], fin: false)) == .nothing)
        }
        guard case .receive = conversation.received(frame(.continuation, [])) else {
            Issue.record("not received")
            return
        }
    }
    #expect(conversation.received(frame(.binary, [0], fin: false)) == .nothing)
    #expect(conversation.beat() == .rest)
    for _ in 1...2 {
        #expect(conversation.beat() == .ping)
        #expect(conversation.received(frame(.pong)) == .nothing)
    }
    #expect(conversation.beat() == .giveUp)
}

@Test func `a message without a header is received`() throws {
    var conversation = AgentConversation(limit: 100)
    #expect(conversation.received(frame(.binary, try message.body())) == .receive(message))
}

@Test func `random frames are survived within the limit`() {
    var random = SeededRandom()
    for _ in 1...500 {
        var conversation = AgentConversation(limit: 64)
        for _ in 1...20 {
            let opcode = WebSocketOpcode(encodedWebSocketOpcode: UInt8.random(in: 0...15, using: &random))!
            let bytes = (0..<Int.random(in: 0...80, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let wasClosing = conversation.isClosing
            let action = conversation.received(frame(opcode, bytes, fin: .random(using: &random)))
            if wasClosing { #expect(action == .nothing || action == .end) }
        }
    }
}
