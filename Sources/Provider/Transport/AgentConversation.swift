package import NIOCore
package import NIOWebSocket
package import OpAMP

/// Decides what the frames of one agent's WebSocket mean; writes and closes nothing itself.
///
/// Spec: RFC 6455; OpAMP, "WebSocket Transport".
package struct AgentConversation {
    package enum Action: Equatable {
        case nothing
        case receive(AgentToServer)
        /// Answered with BAD_REQUEST; the connection stays open.
        case refuse(OpAMPError)
        case pong(ByteBuffer)
        /// We close: write this code, then wait for the agent's Close frame.
        case close(WebSocketErrorCode)
        /// The agent closes: write its payload back, then end the connection.
        case answerClose(ByteBuffer)
        /// Both sides have said it.
        case end
    }

    /// What a ping interval brings.
    package enum Beat: Equatable {
        case ping
        /// Something came since the last beat, which says as much as the answer to a ping.
        case rest
        /// Nothing came for so many pings that there is nobody any more, or a message that does not end.
        case giveUp
    }

    /// How many pings may stay unanswered, and how many beats a message may take.
    package static let missedPingsAllowed = 3

    /// The most bytes of one message, from the next frame on.
    package var limit: Int
    /// The fragments so far of the message that is on its way.
    private var fragments: ByteBuffer?
    private var beatsInMessage = 0
    private var missedPings = 0
    /// Whether part of a message came since the last beat.
    private var hasSpoken = false
    /// No data frame is written or read once either side has sent a Close frame.
    package private(set) var isClosing = false

    /// - Parameter limit: the most bytes of one message.
    package init(limit: Int) {
        self.limit = limit
    }

    /// How many bytes wait for the rest of their message.
    package var heldBytes: Int { fragments?.readableBytes ?? 0 }

    package mutating func received(_ frame: WebSocketFrame) -> Action {
        missedPings = 0
        if isClosing { return frame.opcode == .connectionClose ? .end : .nothing }
        guard frame.maskKey != nil, !frame.rsv1, !frame.rsv2, !frame.rsv3 else { return close(.protocolError) }
        if !frame.opcode.isControlOpcode { hasSpoken = true }
        switch frame.opcode {
        case .binary:
            guard fragments == nil else { return close(.protocolError) }
            return frame.fin ? message(frame.unmaskedData) : fragment(frame)
        case .continuation:
            guard fragments != nil else { return close(.protocolError) }
            return fragment(frame)
        case .text: return close(.unacceptableData)
        case .ping: return .pong(frame.unmaskedData)
        case .pong: return .nothing
        case .connectionClose:
            isClosing = true
            return .answerClose(frame.unmaskedData)
        default: return close(.protocolError)
        }
    }

    /// What the decoder of frames could not read ends the conversation.
    package mutating func failed(_ error: any Error) -> Action {
        if isClosing { return .nothing }
        if case NIOWebSocketError.invalidFrameLength = error { return close(.messageTooLarge) }
        return close(.protocolError)
    }

    /// We want to close.
    package mutating func close(_ code: WebSocketErrorCode) -> Action {
        if isClosing { return .nothing }
        isClosing = true
        fragments = nil
        return .close(code)
    }

    /// Once every ping interval.
    package mutating func beat() -> Beat {
        guard missedPings < Self.missedPingsAllowed else { return .giveUp }
        if fragments != nil {
            guard beatsInMessage < Self.missedPingsAllowed else { return .giveUp }
            beatsInMessage += 1
        }
        if hasSpoken {
            hasSpoken = false
            return .rest
        }
        missedPings += 1
        return .ping
    }

    private mutating func fragment(_ frame: WebSocketFrame) -> Action {
        var whole = fragments ?? ByteBuffer()
        // One owner at a time, so that appending does not copy what is there.
        fragments = nil
        guard whole.readableBytes + frame.length <= limit else { return close(.messageTooLarge) }
        var part = frame.unmaskedData
        whole.writeBuffer(&part)
        if frame.fin { return message(whole) }
        if frame.opcode == .binary { beatsInMessage = 0 }
        fragments = whole
        return .nothing
    }

    private mutating func message(_ bytes: ByteBuffer) -> Action {
        do {
            return .receive(try AgentToServer(frame: Array(buffer: bytes), limit: limit))
        } catch .tooLarge {
            return close(.messageTooLarge)
        } catch {
            return .refuse(error)
        }
    }
}
